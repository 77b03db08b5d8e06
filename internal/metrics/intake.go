package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// intake counts what is taken in.
type intake struct {
	events     map[string]prometheus.Counter
	deliveries prometheus.Counter
	duration   prometheus.Observer
}

// What became of an event that was offered.
const (
	accepted    = "accepted"
	replayed    = "replayed"    // the answer to an earlier request with the same key
	refused     = "refused"     // the request was wrong
	unavailable = "unavailable" // the database did not take it
	faulty      = "fault"       // our own fault
)

var intakeBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2}

func newIntake(r prometheus.Registerer) intake {
	events := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "carteiro_intake_events_total", Help: "Events that were offered, by what became of them.",
	}, []string{"outcome"})
	deliveries := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "carteiro_intake_deliveries_total", Help: "Deliveries that accepted events made.",
	})
	duration := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "carteiro_intake_duration_seconds", Buckets: intakeBuckets,
		Help: "How long an event, or a batch of events, took from its body's end to its commit, or to its refusal.",
	})
	r.MustRegister(events, deliveries, duration)
	out := intake{map[string]prometheus.Counter{}, deliveries, duration}
	for _, outcome := range []string{accepted, replayed, refused, unavailable, faulty} {
		out.events[outcome] = events.WithLabelValues(outcome)
	}
	return out
}

// Intake counts a call of Accept.
func (m *Metrics) Intake(_ context.Context, o dispatcher.IntakeObservation) {
	m.intake.events[intakeOutcome(o.Err)].Add(float64(o.Events))
	m.intake.duration.Observe(o.Ended.Sub(o.Began).Seconds())
	n := 0
	for i := range o.Accepted {
		n += len(o.Accepted[i].Deliveries)
	}
	m.intake.deliveries.Add(float64(n))
}

func intakeOutcome(err error) string {
	if err == nil {
		return accepted
	}
	var replay *store.Replay
	var ours *webhook.Error
	switch {
	case errors.As(err, &replay):
		return replayed
	case webhook.IsKind(err, webhook.KindUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return unavailable
	case errors.As(err, &ours):
		return refused
	}
	return faulty
}

// requests counts requests to the API.
type requests struct {
	count    *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newRequests(r prometheus.Registerer) requests {
	out := requests{
		prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carteiro_api_requests_total",
			Help: "Requests, by the route's pattern and the answer's class. The route is empty when there is no such route.",
		}, []string{"method", "route", "status"}),
		prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "carteiro_api_request_duration_seconds", Buckets: []float64{.005, .025, .1, .5, 1, 2, 5, 15},
			Help: "How long requests took, by the route's pattern.",
		}, []string{"method", "route"}),
	}
	r.MustRegister(out.count, out.duration)
	return out
}

// Request is one request to the API that is over.
type Request struct {
	Method string // "" where the route does not know it
	Route  string // its pattern; "": there is no such route
	Status int
	Took   time.Duration
}

// Request counts a request. Method and route are of the table of routes, or
// empty: what a caller makes up is no label.
func (m *Metrics) Request(r Request) {
	class := "5xx"
	if r.Status >= 100 && r.Status < 600 {
		class = string(rune('0'+r.Status/100)) + "xx"
	}
	m.requests.count.WithLabelValues(r.Method, r.Route, class).Inc()
	m.requests.duration.WithLabelValues(r.Method, r.Route).Observe(r.Took.Seconds())
}

// batches count the shared transactions of the hot path.
type batches struct {
	calls    map[string]prometheus.Observer
	duration map[string]prometheus.Observer
}

func newBatches(r prometheus.Registerer) batches {
	calls := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "carteiro_batch_calls", Buckets: []float64{1, 2, 5, 10, 20, 50, 100},
		Help: "How many calls shared one transaction.",
	}, []string{"batch"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "carteiro_batch_duration_seconds", Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5},
		Help: "How long a shared transaction took.",
	}, []string{"batch"})
	r.MustRegister(calls, duration)
	out := batches{map[string]prometheus.Observer{}, map[string]prometheus.Observer{}}
	for _, name := range store.Batches() {
		out.calls[name], out.duration[name] = calls.WithLabelValues(name), duration.WithLabelValues(name)
	}
	return out
}

// Batch counts a shared transaction.
func (m *Metrics) Batch(name string, run batch.Run) {
	m.batches.calls[name].Observe(float64(run.Calls))
	m.batches.duration[name].Observe(run.Took.Seconds())
}
