package metrics

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// facts are what SQL tells. They are the same in each process, so that one of
// them is enough; with several, take the greatest.
type facts struct {
	store *store.Store
	now   func() time.Time

	mu    sync.Mutex // holds while SQL is asked: whoever comes meanwhile gets the same answer
	asked time.Time
	known []prometheus.Metric

	queue, oldest, complete *prometheus.Desc
	quarantined             *prometheus.Desc
	verifications           *prometheus.Desc
	runsOpen, lastRun       *prometheus.Desc
}

// factsFor is how long an answer of SQL holds.
const factsFor = 10 * time.Second

func newFacts(s *store.Store, now func() time.Time) *facts {
	if now == nil {
		now = time.Now
	}
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &facts{
		store: s, now: now,
		queue: d("carteiro_queue_deliveries",
			"Deliveries that have not ended, by what they wait for: a worker, their subscriber's limit, their time, or an answer. At most 20,000 of a state are looked at.", "lane", "waits_for"),
		oldest: d("carteiro_queue_oldest_due_seconds",
			"For how long the delivery that waits longest for a worker is due; 0: none waits.", "lane"),
		complete: d("carteiro_queue_complete",
			"1 when all that wait were looked at; 0 when more than 20,000 wait in one state."),
		quarantined: d("carteiro_deliveries_quarantined",
			"Deliveries that are put aside because sending them crashed the program three times."),
		verifications: d("carteiro_verifications_pending", "Verifications that wait for their result."),
		runsOpen:      d("carteiro_export_runs_open", "Runs of an export that have not ended.", "export"),
		lastRun: d("carteiro_export_last_finished_timestamp_seconds",
			"When the newest run of an export that has ended did; 0: none has.", "export"),
	}
}

// Describe implements prometheus.Collector.
func (f *facts) Describe(to chan<- *prometheus.Desc) {
	all(to, f.queue, f.oldest, f.complete, f.quarantined, f.verifications, f.runsOpen, f.lastRun)
}

// Collect implements prometheus.Collector. When SQL does not answer, there are
// no facts: an old number would look like a present one.
func (f *facts) Collect(to chan<- prometheus.Metric) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now().Sub(f.asked) >= factsFor {
		ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
		defer cancel()
		f.asked = f.now()
		known, err := f.ask(ctx)
		if err != nil {
			known = nil
		}
		f.known = known
	}
	for _, m := range f.known {
		to <- m
	}
}

func (f *facts) ask(ctx context.Context) (out []prometheus.Metric, err error) {
	q, err := f.store.Queue(ctx, store.StatsFilter{})
	if err != nil {
		return nil, err
	}
	out = append(out, f.queueFacts(q)...)
	quarantined, err1 := f.store.Quarantined(ctx, "")
	verifications, err2 := f.store.VerificationStats(ctx, "", f.now())
	exports, err3 := f.store.ExportStats(ctx)
	for name, e := range exports {
		finished := 0.0
		if !e.LastFinished.IsZero() {
			finished = float64(e.LastFinished.UnixMilli()) / 1000
		}
		out = append(out, gauge(f.runsOpen, float64(e.Open), name), gauge(f.lastRun, finished, name))
	}
	return append(out, gauge(f.quarantined, float64(quarantined)), gauge(f.verifications, float64(verifications.Pending))),
		errors.Join(err1, err2, err3)
}

// queueFacts has a number for each lane and each thing to wait for.
func (f *facts) queueFacts(q store.Queue) (out []prometheus.Metric) {
	waits := []store.WaitsFor{store.WaitsForWorker, store.WaitsForSubscriber, store.WaitsForTime, store.WaitsForAnswer}
	type place struct {
		lane  dispatcher.Lane
		waits store.WaitsFor
	}
	counts := map[place]int64{}
	oldest := map[dispatcher.Lane]time.Time{}
	for _, g := range q.Groups {
		lane := laneOf(g)
		counts[place{lane, g.What}] += g.Count
		if g.What == store.WaitsForWorker && (oldest[lane].IsZero() || g.Oldest.Before(oldest[lane])) {
			oldest[lane] = g.Oldest
		}
	}
	for _, lane := range dispatcher.Lanes() {
		for _, w := range waits {
			out = append(out, gauge(f.queue, float64(counts[place{lane, w}]), string(lane), string(w)))
		}
		age := 0.0
		if !oldest[lane].IsZero() {
			age = max(0, f.now().Sub(oldest[lane]).Seconds())
		}
		out = append(out, gauge(f.oldest, age, string(lane)))
	}
	complete := 0.0
	if q.Complete {
		complete = 1
	}
	return append(out, gauge(f.complete, complete))
}

func laneOf(g store.Waiting) dispatcher.Lane {
	switch {
	case g.Page:
		return dispatcher.LaneExport
	case g.State == webhook.StateRetrying:
		return dispatcher.LaneRetry
	}
	return dispatcher.LaneFirst
}
