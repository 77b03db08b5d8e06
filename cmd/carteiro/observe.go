package main

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/carteiro-webhooks/carteiro/api"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/metrics"
	"github.com/carteiro-webhooks/carteiro/internal/tracing"
	"github.com/carteiro-webhooks/carteiro/scheduler"
)

// What happens is told to whoever looks: the metrics, the traces where they are
// on, and the demo.

// buildTracing begins to send traces, if the setting or one of the standard
// variables says where to.
func (h *house) buildTracing(ctx context.Context, environ []string) (err error) {
	standard := slices.ContainsFunc(environ, func(s string) bool {
		name, value, _ := strings.Cut(s, "=")
		return value != "" && (name == "OTEL_EXPORTER_OTLP_ENDPOINT" || name == "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	})
	if h.config.OTLPEndpoint == "" && !standard {
		return nil
	}
	h.tracing, err = tracing.New(ctx, tracing.Options{Endpoint: h.config.OTLPEndpoint, Version: version(), Log: h.log})
	return err
}

func (h *house) observeAttempt(o dispatcher.Observation) {
	h.metrics.Attempt(o)
	if h.tracing != nil {
		h.tracing.Attempt(o)
	}
	if h.demo != nil {
		h.demo.observe(o)
	}
}

func (h *house) observeIntake(ctx context.Context, o dispatcher.IntakeObservation) {
	h.metrics.Intake(ctx, o)
	if h.tracing != nil {
		h.tracing.Intake(ctx, o)
	}
}

func (h *house) observeRun(o scheduler.Observation) {
	h.metrics.Run(o)
	if h.demo != nil {
		h.demo.observeRun(o)
	}
}

func (h *house) observeRequest(o api.Observation) {
	h.metrics.Request(metrics.Request{Method: o.Method, Route: o.Route, Status: o.Status, Took: o.Took})
}

// traceRequest is nil when no traces are sent.
func (h *house) traceRequest() func(context.Context, *http.Request, string) (context.Context, func(int)) {
	if h.tracing == nil {
		return nil
	}
	return h.tracing.Request
}
