package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// acknowledged is the outcome of an attempt that did not fail; those that did
// have the error's code.
const acknowledged = "acknowledged"

// attempts count what is sent. All series are made at the start, so that one
// attempt costs a few additions.
type attempts struct {
	count    map[dispatcher.Lane]map[webhook.ErrorCode]prometheus.Counter
	duration map[bool]prometheus.Observer // by whether it was acknowledged
	late     map[dispatcher.Lane]prometheus.Observer
	waited   prometheus.Counter
	ended    map[webhook.DeliveryState]prometheus.Counter
}

// durationBuckets reach from a receiver on the same network to the longest
// timeout that a subscription may have.
var durationBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}

// latenessBuckets show the promise of two seconds, and how far from it we are.
var latenessBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 5, 15, 60, 300}

func newAttempts(r prometheus.Registerer) attempts {
	count := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "carteiro_attempts_total",
		Help: "Attempts whose result is committed, by the kind of work and by what came of them.",
	}, []string{"lane", "outcome"})
	duration := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "carteiro_attempt_duration_seconds", Buckets: durationBuckets,
		Help: "How long attempts took, until the answer's body was read.",
	}, []string{"acknowledged"})
	late := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "carteiro_attempt_lateness_seconds", Buckets: latenessBuckets,
		Help: "How long after their due time attempts were started, without those that waited for their subscription's limit.",
	}, []string{"lane"})
	waited := prometheus.NewCounter(prometheus.CounterOpts{
		Name: "carteiro_attempts_waited_total",
		Help: "Attempts that had to wait for their subscription's limit; they are not in the lateness.",
	})
	ended := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "carteiro_deliveries_ended_total",
		Help: "Deliveries that ended with an attempt, by the state that they ended in.",
	}, []string{"state"})
	r.MustRegister(count, duration, late, waited, ended)
	a := attempts{
		count: map[dispatcher.Lane]map[webhook.ErrorCode]prometheus.Counter{}, late: map[dispatcher.Lane]prometheus.Observer{}, waited: waited,
		duration: map[bool]prometheus.Observer{true: duration.WithLabelValues("true"), false: duration.WithLabelValues("false")},
		ended:    map[webhook.DeliveryState]prometheus.Counter{},
	}
	for _, lane := range dispatcher.Lanes() {
		a.count[lane] = map[webhook.ErrorCode]prometheus.Counter{webhook.ErrorNone: count.WithLabelValues(string(lane), acknowledged)}
		for _, code := range webhook.ErrorCodes {
			a.count[lane][code] = count.WithLabelValues(string(lane), string(code))
		}
		a.late[lane] = late.WithLabelValues(string(lane))
	}
	for _, state := range []webhook.DeliveryState{webhook.StateSucceeded, webhook.StateFailed} {
		a.ended[state] = ended.WithLabelValues(string(state))
	}
	return a
}

// Attempt counts an attempt.
func (m *Metrics) Attempt(o dispatcher.Observation) {
	a := &m.attempts
	a.count[o.Lane][o.Attempt.ErrorCode()].Inc()
	a.duration[o.Attempt.Acknowledged()].Observe(o.Attempt.Duration.Seconds())
	switch {
	case o.Attempt.Waited:
		a.waited.Inc()
	case o.Attempt.Late != nil:
		a.late[o.Lane].Observe(o.Attempt.Late.Seconds())
	}
	if ended := a.ended[o.State]; ended != nil && o.State != o.Was {
		ended.Inc()
	}
}
