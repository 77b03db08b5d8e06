package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/carteiro-webhooks/carteiro/retention"
	"github.com/carteiro-webhooks/carteiro/scheduler"
)

// runs count the exports.
type runs struct {
	begun, finished, records, refused *prometheus.CounterVec
	pages                             *prometheus.CounterVec
}

func newRuns(r prometheus.Registerer) runs {
	vec := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"export"})
		r.MustRegister(v)
		return v
	}
	return runs{
		begun:    vec("carteiro_export_runs_begun_total", "Runs that this process took up; one that stopped is taken up again."),
		finished: vec("carteiro_export_runs_finished_total", "Runs of which this process made the last page a delivery."),
		pages:    vec("carteiro_export_pages_total", "Pages of runs that this process finished."),
		records:  vec("carteiro_export_records_total", "Records in those pages."),
		refused:  vec("carteiro_export_records_refused_total", "Records that those runs did not send."),
	}
}

// Run counts a run that begins or ends.
func (m *Metrics) Run(o scheduler.Observation) {
	export := o.Run.Export
	if !o.Done {
		m.runs.begun.WithLabelValues(export).Inc()
		return
	}
	m.runs.finished.WithLabelValues(export).Inc()
	for i := range o.Clients {
		c := &o.Clients[i]
		m.runs.pages.WithLabelValues(export).Add(float64(c.Built))
		m.runs.records.WithLabelValues(export).Add(float64(c.Records))
		m.runs.refused.WithLabelValues(export).Add(float64(c.Refused))
	}
}

// removals count what is removed when its time is over, or on a client's wish.
type removals struct {
	swept  *prometheus.CounterVec
	erased prometheus.Counter
	last   prometheus.Gauge
}

func newRemovals(r prometheus.Registerer) removals {
	out := removals{
		swept: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "carteiro_retention_removed_total", Help: "Rows, or parts of rows, that were removed because their time was over.",
		}, []string{"what"}),
		erased: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "carteiro_erasures_finished_total", Help: "Erasures of a client's personal data that were carried out.",
		}),
		last: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "carteiro_retention_last_batch_timestamp_seconds",
			Help: "When this process last removed something, or found nothing to remove; 0: it has not, as where another process does it.",
		}),
	}
	r.MustRegister(out.swept, out.erased, out.last)
	return out
}

// Removal counts a batch of removals.
func (m *Metrics) Removal(o retention.Observation) {
	m.removals.last.SetToCurrentTime()
	if o.Sweep != "" {
		m.removals.swept.WithLabelValues(strings.NewReplacer(" ", "_", ",", "").Replace(string(o.Sweep))).Add(float64(o.Removed))
	}
	if e := o.Erasure; e != nil && e.FinishedAt != nil {
		m.removals.erased.Inc()
	}
}
