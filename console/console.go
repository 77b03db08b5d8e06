package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
)

// routes is every route of the console: what it is, who may use it, whose data
// it is about, and the operation's id, which for a write is that of the API.
func (c *console) routes() []route {
	return []route{
		{get, "/console", viewer, ofQuery, "show-overview", c.showOverview},

		{get, "/console/deliveries", viewer, ofQuery, "list-deliveries", c.listDeliveries},
		{get, "/console/deliveries/{id}", viewer, ofDelivery, "show-delivery", c.showDelivery},
		{post, "/console/deliveries/{id}/retry", operator, ofDelivery, "retry-delivery", c.retryDelivery},
		{get, "/console/deliveries/{id}/cancel", operator, ofDelivery, "confirm-cancel-delivery", c.confirmCancel},
		{post, "/console/deliveries/{id}/cancel", operator, ofDelivery, "cancel-delivery", c.cancelDelivery},

		{get, "/console/sign-in", public, ofNobody, "show-sign-in", c.showSignIn},
		{post, "/console/sign-in", public, ofNobody, "sign-in", c.signIn},
		{post, "/console/sign-out", public, ofNobody, "sign-out", c.signOut},
		{post, "/console/preferences", public, ofNobody, "set-preferences", c.setPreferences},
		{get, "/console/assets/{name}", public, ofNobody, "get-asset", c.getAsset},
	}
}

// Options of New. All but Redact, Now, Log, Ready, Version and TrustedProxies
// are needed.
type Options struct {
	Store         *store.Store
	Subscriptions *subscriptions.Registry
	Dispatcher    *dispatcher.Dispatcher
	Scheduler     *scheduler.Scheduler
	Keys          *seal.Ring       // seals sessions
	Access        *access.Registry // knows the API keys
	Redact        *redact.Rules    // what is personal in what is shown; nil: the names that everybody has
	Log           *slog.Logger     // nil: slog.Default
	Now           func() time.Time // nil: time.Now
	// Ready tells the state of each part that this process needs, by name; a
	// nil error is green. nil: always ready.
	Ready   func(ctx context.Context) map[string]error
	Version string // of the program, shown at the foot of each page
	// TrustedProxies are the networks whose X-Forwarded-For is believed; none:
	// the caller is whoever connects.
	TrustedProxies []netip.Prefix
}

// console is the state of the handlers.
type console struct {
	o       Options
	pages   map[lang]templates // by language and page
	words   map[lang]catalogue
	assets  map[string]asset
	tracked []route // the table, for the navigation
}

// New builds the console. It fails when an option is missing, when a route is
// not declared whole, or when a page or a text is not in order.
func New(o Options) (http.Handler, error) {
	c, err := newConsole(o)
	if err != nil {
		return nil, err
	}
	return c.router(c.routes())
}

func newConsole(o Options) (*console, error) {
	if o.Store == nil || o.Subscriptions == nil || o.Dispatcher == nil || o.Scheduler == nil || o.Keys == nil || o.Access == nil {
		return nil, errors.New("console: Store, Subscriptions, Dispatcher, Scheduler, Keys and Access are required")
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Redact == nil {
		o.Redact = redact.New(nil)
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) map[string]error { return nil }
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	c := &console{o: o}
	for _, load := range []func() error{c.loadWords, c.loadAssets, c.loadPages} {
		if err := load(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// router puts the routes on a router.
func (c *console) router(routes []route) (http.Handler, error) {
	mux := http.NewServeMux()
	for i := range routes {
		r := &routes[i]
		if err := r.check(); err != nil {
			return nil, err
		}
		mux.Handle(r.method+" "+r.path, c.serve(r))
	}
	c.tracked = routes
	nowhere := &route{method: get, path: "/console/", who: anyone, whose: ofNobody, id: "nowhere", handle: c.nowhere}
	mux.Handle("/console/", c.serve(nowhere))
	return mux, nil
}
