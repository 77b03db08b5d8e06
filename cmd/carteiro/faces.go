package main

import (
	"net/http"
	"strings"

	"github.com/carteiro-webhooks/carteiro/api"
	"github.com/carteiro-webhooks/carteiro/console"
)

// buildFace makes what answers requests: the API and, beside it, the console.
// A process without the role "api" answers for its health only.
func (h *house) buildFace() (http.Handler, error) {
	rules := redactRules(h.config)
	json, err := api.New(api.Options{
		Store: h.store, Subscriptions: h.subs, Dispatcher: h.dispatcher, Scheduler: h.scheduler, Keys: h.keys,
		Redact: rules, Access: h.access, Log: h.log, Ready: h.ready, Version: version(),
		TrustedProxies: h.config.TrustedProxies, HealthOnly: !h.config.Roles.API,
		Metrics: h.metrics.Handler(), Observe: h.observeRequest, Trace: h.traceRequest(),
	})
	if err != nil || !h.config.Roles.API {
		return json, err
	}
	html, err := console.New(console.Options{
		Store: h.store, Subscriptions: h.subs, Dispatcher: h.dispatcher, Scheduler: h.scheduler, Keys: h.keys,
		Redact: rules, Access: h.access, Log: h.log, Ready: h.ready, Version: version(),
		TrustedProxies: h.config.TrustedProxies,
	})
	return sideBySide(json, html), err
}

// sideBySide gives each request to the face that it is for. A browser that is
// sent to the server itself finds the console.
func sideBySide(json, html http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/console" || strings.HasPrefix(path, "/console/"):
			html.ServeHTTP(w, r)
		case path == "/" && r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/console", http.StatusFound)
		default:
			json.ServeHTTP(w, r)
		}
	})
}
