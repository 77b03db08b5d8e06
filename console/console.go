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
		{get, "/console/deliveries/retry", operator, ofQuery, "count-retry", c.countRetry},
		{post, "/console/deliveries/retry", operator, ofQuery, "start-replay", c.startRetry},
		{get, "/console/deliveries/{id}", viewer, ofDelivery, "show-delivery", c.showDelivery},
		{get, "/console/deliveries/{id}/curl", operator, ofDelivery, "get-delivery-as-curl", c.showCurl},
		{post, "/console/deliveries/{id}/retry", operator, ofDelivery, "retry-delivery", c.retryDelivery},
		{get, "/console/deliveries/{id}/cancel", operator, ofDelivery, "confirm-cancel-delivery", c.confirmCancel},
		{post, "/console/deliveries/{id}/cancel", operator, ofDelivery, "cancel-delivery", c.cancelDelivery},
		{get, "/console/jobs", viewer, ofQuery, "list-jobs", c.listJobs},
		{get, "/console/jobs/{id}", viewer, ofJob, "show-job", c.showJob},
		{post, "/console/jobs/{id}/cancel", operator, ofJob, "cancel-job", c.cancelJob},

		{get, "/console/events", viewer, ofQuery, "list-events", c.listEvents},
		{get, "/console/events/{id}", viewer, ofEvent, "get-event", c.showEvent},

		{get, "/console/subscriptions", viewer, ofQuery, "list-subscriptions", c.listSubscriptions},
		{get, "/console/subscriptions/new", operator, ofQuery, "show-subscription-form", c.newSubscription},
		{post, "/console/subscriptions", operator, ofQuery, "create-subscription", c.createSubscription},
		{get, "/console/subscriptions/{id}", viewer, ofSubscription, "show-subscription", c.showSubscription},
		{get, "/console/subscriptions/{id}/edit", operator, ofSubscription, "edit-subscription", c.editSubscription},
		{post, "/console/subscriptions/{id}", operator, ofSubscription, "change-subscription", c.changeSubscription},
		{post, "/console/subscriptions/{id}/pause", operator, ofSubscription, "pause-subscription", c.pauseSubscription},
		{post, "/console/subscriptions/{id}/resume", operator, ofSubscription, "resume-subscription", c.resumeSubscription},
		{post, "/console/subscriptions/{id}/test", operator, ofSubscription, "test-subscription", c.testSubscription},
		{post, "/console/subscriptions/{id}/check", operator, ofSubscription, "check-subscription", c.checkSubscription},
		{get, "/console/subscriptions/{id}/secret", operator, ofSubscription, "get-subscription-secret", c.showSecret},
		{get, "/console/subscriptions/{id}/rotate-secret", operator, ofSubscription, "confirm-rotate-subscription-secret", c.confirmRotate},
		{post, "/console/subscriptions/{id}/rotate-secret", operator, ofSubscription, "rotate-subscription-secret", c.rotateSecret},
		{get, "/console/subscriptions/{id}/delete", operator, ofSubscription, "confirm-delete-subscription", c.confirmDeleteSubscription},
		{post, "/console/subscriptions/{id}/delete", operator, ofSubscription, "delete-subscription", c.deleteSubscription},

		{get, "/console/clients", viewer, ofQuery, "list-clients", c.listClients},
		{get, "/console/new-client", operator, ofQuery, "show-client-form", c.newClient},
		{post, "/console/clients", operator, ofQuery, "put-client", c.createClient},
		{get, "/console/clients/{client_id}", viewer, ofPath, "show-client", c.showClient},
		{post, "/console/clients/{client_id}", operator, ofPath, "put-client", c.renameClient},
		{get, "/console/clients/{client_id}/secret", operator, ofPath, "get-client-secret", c.showClientSecret},
		{get, "/console/clients/{client_id}/rotate-secret", operator, ofPath, "confirm-rotate-client-secret", c.confirmRotateClient},
		{post, "/console/clients/{client_id}/rotate-secret", operator, ofPath, "rotate-client-secret", c.rotateClientSecret},
		{get, "/console/clients/{client_id}/personal-data", viewer, ofPath, "show-erasure", c.showErasure},
		{post, "/console/clients/{client_id}/personal-data", admin, ofPath, "erase-personal-data", c.eraseClient},

		{get, "/console/verifications", viewer, ofQuery, "list-verifications", c.listVerifications},
		{get, "/console/verifications/{id}", viewer, ofVerification, "get-verification", c.showVerification},

		{get, "/console/event-types", viewer, ofNobody, "list-event-types", c.listEventTypes},
		{get, "/console/new-event-type", operator, ofPlatform, "show-event-type-form", c.newEventType},
		{post, "/console/event-types", operator, ofPlatform, "put-event-type", c.createEventType},
		{get, "/console/event-types/{slug}", viewer, ofNobody, "show-event-type", c.showEventType},
		{get, "/console/event-types/{slug}/edit", operator, ofPlatform, "edit-event-type", c.editEventType},
		{post, "/console/event-types/{slug}", operator, ofPlatform, "put-event-type", c.changeEventType},

		{get, "/console/exports", viewer, ofQuery, "list-exports", c.showExports},
		{get, "/console/exports/{name}", viewer, ofQuery, "get-export", c.showExport},
		{get, "/console/exports/{name}/preview", viewer, ofQuery, "preview-export", c.previewExport},
		{post, "/console/exports/{name}/runs", operator, ofQuery, "start-run", c.startRun},
		{get, "/console/exports/{name}/schedule", operator, ofPlatform, "edit-export", c.editExport},
		{post, "/console/exports/{name}/schedule", operator, ofPlatform, "change-export", c.changeExport},
		{get, "/console/runs/{id}", viewer, ofRun, "get-run", c.showRun},

		{get, "/console/api-keys", admin, ofPlatform, "list-api-keys", c.listAPIKeys},
		{get, "/console/api-keys/new", admin, ofPlatform, "new-api-key", c.newAPIKey},
		{post, "/console/api-keys", admin, ofPlatform, "create-api-key", c.createAPIKey},
		{get, "/console/api-keys/{id}/revoke", admin, ofPlatform, "confirm-revoke-api-key", c.confirmRevoke},
		{post, "/console/api-keys/{id}/revoke", admin, ofPlatform, "revoke-api-key", c.revokeAPIKey},
		{get, "/console/audit-log", admin, ofPlatform, "list-audit-log", c.listAuditLog},

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
	pages   map[lang]*templates // by language and page
	words   map[lang]catalogue
	assets  map[string]asset
	tracked []route // the table, for the navigation
}

// New builds the console. It fails when an option is missing, when a route is
// not declared whole, or when a text is not in order.
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
