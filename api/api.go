package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/docpage"
	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
)

// routes is every route of the API: what it is, who may use it, and whose data
// it is about.
func (a *api) routes() []route {
	return []route{
		{get, "/v1/clients", viewer, ofInput, "list-clients", handle(a.listClients, 200)},
		{put, "/v1/clients/{client_id}", operator, ofPath, "put-client", handle(a.putClient, 200, 201)},
		{get, "/v1/clients/{client_id}", viewer, ofPath, "get-client", handle(a.getClient, 200)},
		{get, "/v1/clients/{client_id}/secret", operator, ofPath, "get-client-secret", handle(a.getClientSecret, 200)},
		{post, "/v1/clients/{client_id}/rotate-secret", operator, ofPath, "rotate-client-secret", handle(a.rotateClientSecret, 200)},

		{del, "/v1/clients/{client_id}/personal-data", admin, ofPath, "erase-personal-data", handle(a.eraseClient, 202)},
		{get, "/v1/clients/{client_id}/personal-data", viewer, ofPath, "get-erasure", handle(a.getErasure, 200)},

		{post, "/v1/subscriptions", operator, ofInput, "create-subscription", handle(a.createSubscription, 201)},
		{get, "/v1/subscriptions", viewer, ofQuery, "list-subscriptions", handle(a.listSubscriptions, 200)},
		{get, "/v1/subscriptions/{id}", viewer, ofSubscription, "get-subscription", handle(a.getSubscription, 200)},
		{patch, "/v1/subscriptions/{id}", operator, ofSubscription, "change-subscription", handle(a.changeSubscription, 200)},
		{del, "/v1/subscriptions/{id}", operator, ofSubscription, "delete-subscription", handle(a.deleteSubscription, 204)},
		{post, "/v1/subscriptions/{id}/pause", operator, ofSubscription, "pause-subscription", handle(a.pauseSubscription, 200)},
		{post, "/v1/subscriptions/{id}/resume", operator, ofSubscription, "resume-subscription", handle(a.resumeSubscription, 200)},
		{post, "/v1/subscriptions/{id}/rotate-secret", operator, ofSubscription, "rotate-subscription-secret", handle(a.rotateSecret, 200)},
		{get, "/v1/subscriptions/{id}/secret", operator, ofSubscription, "get-subscription-secret", handle(a.getSecret, 200)},
		{post, "/v1/subscriptions/{id}/test", operator, ofSubscription, "test-subscription", handle(a.testSubscription, 200)},
		{post, "/v1/subscriptions/{id}/check", operator, ofSubscription, "check-subscription", handle(a.checkSubscription, 200)},

		{get, "/v1/event-types", everyone, ofNobody, "list-event-types", handle(a.listEventTypes, 200)},
		{get, "/v1/event-types/{slug}", everyone, ofNobody, "get-event-type", handle(a.getEventType, 200)},
		{put, "/v1/event-types/{slug}", operator, ofPlatform, "put-event-type", handle(a.putEventType, 200, 201)},

		{post, "/v1/events", producer, ofIntake, "post-event", handle(a.postEvent, 202)},
		{post, "/v1/events/batch", producer, ofIntake, "post-events", handle(a.postEvents, 202)},
		{get, "/v1/events", everyone, ofQuery, "list-events", handle(a.listEvents, 200)},
		{get, "/v1/events/{id}", everyone, ofEvent, "get-event", handle(a.getEvent, 200)},

		{post, "/v1/verifications", producer, ofInput, "create-verification", handle(a.createVerification, 201)},
		{get, "/v1/verifications", everyone, ofQuery, "list-verifications", handle(a.listVerifications, 200)},
		{get, "/v1/verifications/{id}", everyone, ofVerification, "get-verification", handle(a.getVerification, 200)},
		{post, "/v1/verifications/{id}/status", producer, ofVerification, "end-verification", handle(a.endVerification, 200)},

		{get, "/v1/deliveries", viewer, ofQuery, "list-deliveries", handle(a.listDeliveries, 200)},
		{get, "/v1/deliveries/{id}", viewer, ofDelivery, "get-delivery", handle(a.getDelivery, 200)},
		{get, "/v1/deliveries/{id}/payload", viewer, ofDelivery, "get-delivery-payload", handle(a.getPayload, 200)},
		{get, "/v1/deliveries/{id}/curl", operator, ofDelivery, "get-delivery-as-curl", handle(a.getCurl, 200)},
		{get, "/v1/deliveries/{id}/explain", viewer, ofDelivery, "explain-delivery", handle(a.explainDelivery, 200)},
		{post, "/v1/deliveries/{id}/retry", operator, ofDelivery, "retry-delivery", handle(a.retryDelivery, 202)},
		{post, "/v1/deliveries/{id}/cancel", operator, ofDelivery, "cancel-delivery", handle(a.cancelDelivery, 200)},

		{post, "/v1/replays", operator, ofInput, "start-replay", handle(a.startReplay, 202, 200)},
		{get, "/v1/jobs", viewer, ofInput, "list-jobs", handle(a.listJobs, 200)},
		{get, "/v1/jobs/{id}", viewer, ofJob, "get-job", handle(a.getJob, 200)},
		{post, "/v1/jobs/{id}/cancel", operator, ofJob, "cancel-job", handle(a.cancelJob, 200)},

		{get, "/v1/exports", viewer, ofNobody, "list-exports", handle(a.listExports, 200)},
		{get, "/v1/exports/{name}", viewer, ofNobody, "get-export", handle(a.getExport, 200)},
		{patch, "/v1/exports/{name}", operator, ofPlatform, "change-export", handle(a.changeExport, 200)},
		{get, "/v1/exports/{name}/preview", viewer, ofQuery, "preview-export", handle(a.previewExport, 200)},
		{post, "/v1/exports/{name}/runs", operator, ofInput, "start-run", handle(a.startRun, 202)},
		{get, "/v1/exports/{name}/runs", viewer, ofQuery, "list-runs", handle(a.listRuns, 200)},
		{get, "/v1/runs/{id}", viewer, ofRun, "get-run", handle(a.getRun, 200)},
		{get, "/v1/runs/{id}/receipt", viewer, ofRun, "get-receipt", handle(a.getReceipt, 200)},
		{put, "/v1/records/{dataset}", producer, ofInput, "put-records", handle(a.putRecords, 200)},

		{post, "/v1/api-keys", admin, ofPlatform, "create-api-key", handle(a.createAPIKey, 201)},
		{get, "/v1/api-keys", admin, ofPlatform, "list-api-keys", handle(a.listAPIKeys, 200)},
		{get, "/v1/api-keys/{id}", admin, ofPlatform, "get-api-key", handle(a.getAPIKey, 200)},
		{del, "/v1/api-keys/{id}", admin, ofPlatform, "revoke-api-key", handle(a.revokeAPIKey, 204)},

		{get, "/v1/audit-log", admin, ofPlatform, "list-audit-log", handle(a.listAuditLog, 200)},
		{get, "/v1/stats", viewer, ofQuery, "get-stats", handle(a.getStats, 200)},
		{get, "/metrics", viewer, ofProcess, "get-metrics", direct(a.metrics())},
		{get, "/debug/pprof/{profile}", admin, ofProcess, "get-profile", handle(a.getProfile, 200)},
		{get, "/openapi.json", public, ofNobody, "get-openapi", handle(a.getOpenAPI, 200)},
		{get, "/docs", public, ofNobody, "get-docs", handle(a.getDocs, 200)},
		{get, "/docs/style.css", public, ofNobody, "get-docs-style", handle(a.getDocsStyle, 200)},
		{get, "/healthz", public, ofNobody, "get-health", handle(a.getHealth, 200)},
		{get, "/readyz", public, ofNobody, "get-readiness", handle(a.getReadiness, 200, 503)},
	}
}

// Options of New. All but Redact, Now, Log, Ready, Version, TrustedProxies,
// HealthOnly, Metrics, Observe and Trace are needed.
type Options struct {
	Store         *store.Store
	Subscriptions *subscriptions.Registry
	Dispatcher    *dispatcher.Dispatcher
	Scheduler     *scheduler.Scheduler
	Keys          *seal.Ring       // seals stored answers that hold a secret
	Access        *access.Registry // knows the API keys
	Redact        *redact.Rules    // what is personal in what is shown; nil: the names that everybody has
	Log           *slog.Logger     // nil: slog.Default
	Now           func() time.Time // nil: time.Now
	// Ready tells the state of each part that this process needs, by name; a
	// nil error is green. nil: always ready.
	Ready   func(ctx context.Context) map[string]error
	Version string // of the program, shown in the OpenAPI document
	// TrustedProxies are the networks whose X-Forwarded-For is believed; none:
	// the caller is whoever connects.
	TrustedProxies []netip.Prefix
	HealthOnly     bool // of the routes, only those about the process itself: a process without the role "api"

	Metrics http.Handler // shows what was counted, at /metrics; nil: nothing
	// Observe is called for each request when it was answered, from many
	// goroutines; nil: nobody looks.
	Observe func(Observation)
	// Trace begins to trace a request to a route, by its pattern; what it returns
	// is called with the answer's status. nil: nobody does.
	Trace func(ctx context.Context, r *http.Request, route string) (context.Context, func(status int))
}

// api is the state of the handlers.
type api struct {
	o        Options
	openAPI  []byte                 // the document, made once
	docs     []byte                 // the same as a page
	table    map[string]*route      // by method and gin's pattern
	notReady atomic.Pointer[string] // which parts were red when readiness was last asked
	room     room
	logged   atomic.Int64 // when an unavailable part was last logged, Unix seconds
}

// New builds the API. It fails when an option is missing or a route is not
// declared whole.
func New(o Options) (http.Handler, error) {
	a, err := newAPI(o)
	if err != nil {
		return nil, err
	}
	return a.engine(a.routes())
}

func newAPI(o Options) (*api, error) {
	if o.Store == nil || o.Subscriptions == nil || o.Dispatcher == nil || o.Scheduler == nil || o.Keys == nil || o.Access == nil {
		return nil, errors.New("api: Store, Subscriptions, Dispatcher, Scheduler, Keys and Access are required")
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
	if o.Observe == nil {
		o.Observe = func(Observation) {}
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	return &api{o: o, table: map[string]*route{}}, nil
}

// engine puts the routes on a router.
func (a *api) engine(routes []route) (*gin.Engine, error) {
	gin.SetMode(gin.ReleaseMode) // gin prints its routes otherwise
	engine := gin.New()
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false // a redirected POST loses its body
	engine.Use(a.enter, a.authenticate)
	engine.NoRoute(a.noRoute)
	engine.NoMethod(a.noMethod)
	doc := newDocument(engine, a.o.Version)
	for _, r := range routes {
		if a.o.HealthOnly && !ofHealth(&r) {
			continue
		}
		if err := a.register(doc, r); err != nil {
			return nil, err
		}
	}
	describeSchemas(doc.OpenAPI().Components.Schemas)
	var err error
	if a.openAPI, err = doc.OpenAPI().MarshalJSON(); err != nil {
		return nil, err
	}
	a.docs, err = docpage.Render(a.openAPI)
	return engine, err
}

// ofHealth tells whether a route is one that every process has: it is about
// the process itself.
func ofHealth(r *route) bool {
	return r.path == "/healthz" || r.path == "/readyz" || r.whose == ofProcess
}
