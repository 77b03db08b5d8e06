package main

import (
	"github.com/carteiro-webhooks/carteiro/api"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/metrics"
	"github.com/carteiro-webhooks/carteiro/scheduler"
)

// What happens is told to whoever looks: the metrics, and the demo.

func (h *house) observeAttempt(o dispatcher.Observation) {
	h.metrics.Attempt(o)
	if h.demo != nil {
		h.demo.observe(o)
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
