package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/subscriptions"
)

// routes is every route of the API.
func (a *api) routes() []route {
	return []route{
		{get, "/v1/clients", viewer, "list-clients", handle(a.listClients, 200)},
		{put, "/v1/clients/{client_id}", operator, "put-client", handle(a.putClient, 200, 201)},
		{get, "/v1/clients/{client_id}", viewer, "get-client", handle(a.getClient, 200)},
		{get, "/v1/clients/{client_id}/secret", operator, "get-client-secret", handle(a.getClientSecret, 200)},
		{post, "/v1/clients/{client_id}/rotate-secret", operator, "rotate-client-secret", handle(a.rotateClientSecret, 200)},

		{post, "/v1/subscriptions", operator, "create-subscription", handle(a.createSubscription, 201)},
		{get, "/v1/subscriptions", viewer, "list-subscriptions", handle(a.listSubscriptions, 200)},
		{get, "/v1/subscriptions/{id}", viewer, "get-subscription", handle(a.getSubscription, 200)},
		{patch, "/v1/subscriptions/{id}", operator, "change-subscription", handle(a.changeSubscription, 200)},
		{del, "/v1/subscriptions/{id}", operator, "delete-subscription", handle(a.deleteSubscription, 204)},
		{post, "/v1/subscriptions/{id}/pause", operator, "pause-subscription", handle(a.pauseSubscription, 200)},
		{post, "/v1/subscriptions/{id}/resume", operator, "resume-subscription", handle(a.resumeSubscription, 200)},
		{post, "/v1/subscriptions/{id}/rotate-secret", operator, "rotate-subscription-secret", handle(a.rotateSecret, 200)},
		{get, "/v1/subscriptions/{id}/secret", operator, "get-subscription-secret", handle(a.getSecret, 200)},
		{post, "/v1/subscriptions/{id}/test", operator, "test-subscription", handle(a.testSubscription, 200)},

		{get, "/v1/event-types", viewer, "list-event-types", handle(a.listEventTypes, 200)},
		{get, "/v1/event-types/{slug}", viewer, "get-event-type", handle(a.getEventType, 200)},
		{put, "/v1/event-types/{slug}", operator, "put-event-type", handle(a.putEventType, 200, 201)},

		{post, "/v1/events", producer, "post-event", handle(a.postEvent, 202)},
		{post, "/v1/events/batch", producer, "post-events", handle(a.postEvents, 202)},
		{get, "/v1/events", viewer, "list-events", handle(a.listEvents, 200)},
		{get, "/v1/events/{id}", viewer, "get-event", handle(a.getEvent, 200)},

		{post, "/v1/verifications", producer, "create-verification", handle(a.createVerification, 201)},
		{get, "/v1/verifications", viewer, "list-verifications", handle(a.listVerifications, 200)},
		{get, "/v1/verifications/{id}", viewer, "get-verification", handle(a.getVerification, 200)},
		{post, "/v1/verifications/{id}/status", producer, "end-verification", handle(a.endVerification, 200)},

		{get, "/v1/deliveries", viewer, "list-deliveries", handle(a.listDeliveries, 200)},
		{get, "/v1/deliveries/{id}", viewer, "get-delivery", handle(a.getDelivery, 200)},
		{get, "/v1/deliveries/{id}/payload", viewer, "get-delivery-payload", handle(a.getPayload, 200)},
		{get, "/v1/deliveries/{id}/curl", operator, "get-delivery-as-curl", handle(a.getCurl, 200)},
		{post, "/v1/deliveries/{id}/retry", operator, "retry-delivery", handle(a.retryDelivery, 202)},
		{post, "/v1/deliveries/{id}/cancel", operator, "cancel-delivery", handle(a.cancelDelivery, 200)},

		{get, "/v1/exports", viewer, "list-exports", handle(a.listExports, 200)},
		{get, "/v1/exports/{name}", viewer, "get-export", handle(a.getExport, 200)},
		{patch, "/v1/exports/{name}", operator, "change-export", handle(a.changeExport, 200)},
		{get, "/v1/exports/{name}/preview", viewer, "preview-export", handle(a.previewExport, 200)},
		{post, "/v1/exports/{name}/runs", operator, "start-run", handle(a.startRun, 202)},
		{get, "/v1/exports/{name}/runs", viewer, "list-runs", handle(a.listRuns, 200)},
		{get, "/v1/runs/{id}", viewer, "get-run", handle(a.getRun, 200)},
		{get, "/v1/runs/{id}/receipt", viewer, "get-receipt", handle(a.getReceipt, 200)},
		{put, "/v1/records/{dataset}", producer, "put-records", handle(a.putRecords, 200)},

		{get, "/v1/audit-log", admin, "list-audit-log", handle(a.listAuditLog, 200)},
		{get, "/v1/stats", viewer, "get-stats", handle(a.getStats, 200)},
		{get, "/openapi.json", viewer, "get-openapi", handle(a.getOpenAPI, 200)},
		{get, "/healthz", public, "get-health", handle(a.getHealth, 200)},
		{get, "/readyz", public, "get-readiness", handle(a.getReadiness, 200, 503)},
	}
}

// Options of New. All but Now, Log, Ready, Version and HealthOnly are needed.
type Options struct {
	Store         *store.Store
	Subscriptions *subscriptions.Registry
	Dispatcher    *dispatcher.Dispatcher
	Scheduler     *scheduler.Scheduler
	Keys          *seal.Ring       // seals stored answers that hold a secret
	AdminKey      string           // at least 32 bytes; only its SHA-256 is kept
	Log           *slog.Logger     // nil: slog.Default
	Now           func() time.Time // nil: time.Now
	// Ready tells the state of each part that this process needs, by name; a
	// nil error is green. nil: always ready.
	Ready      func(ctx context.Context) map[string]error
	Version    string // of the program, shown in the OpenAPI document
	HealthOnly bool   // of the routes, only those for health: a process without the role "api"
}

// minAdminKey is the shortest admin key in bytes (api.md).
const minAdminKey = 32

// api is the state of the handlers.
type api struct {
	o        Options
	adminKey [sha256.Size]byte
	openAPI  []byte                 // the document, made once
	public   map[string]bool        // gin's patterns of the routes without a key
	notReady atomic.Pointer[string] // which parts were red when readiness was last asked
	logged   atomic.Int64           // when an unavailable part was last logged, Unix seconds
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
	if o.Store == nil || o.Subscriptions == nil || o.Dispatcher == nil || o.Scheduler == nil || o.Keys == nil {
		return nil, errors.New("api: Store, Subscriptions, Dispatcher, Scheduler and Keys are required")
	}
	if len(o.AdminKey) < minAdminKey {
		return nil, fmt.Errorf("api: the admin key is shorter than %d characters", minAdminKey)
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func(context.Context) map[string]error { return nil }
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	a := &api{o: o, adminKey: sha256.Sum256([]byte(o.AdminKey)), public: map[string]bool{}}
	a.o.AdminKey = ""
	return a, nil
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
		if a.o.HealthOnly && r.role != public {
			continue
		}
		if err := a.register(doc, r); err != nil {
			return nil, err
		}
	}
	var err error
	a.openAPI, err = doc.OpenAPI().MarshalJSON()
	return engine, err
}
