package metrics

import (
	"context"
	"database/sql"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
)

// Metrics are the metrics of one process.
type Metrics struct {
	registry *prometheus.Registry
	attempts attempts
	intake   intake
	requests requests
	batches  batches
	runs     runs
	removals removals
}

// Sources are what is looked at when metrics are scraped.
type Sources struct {
	Store *store.Store
	Work  func() dispatcher.Snapshot
	// Parts tells the state of each part, as /readyz does.
	Parts func(context.Context) map[string]error
	Now   func() time.Time
}

// New returns metrics that nothing was counted in.
func New(version string) *Metrics {
	r := prometheus.NewRegistry()
	m := &Metrics{
		registry: r, attempts: newAttempts(r), intake: newIntake(r), requests: newRequests(r),
		batches: newBatches(r), runs: newRuns(r), removals: newRemovals(r),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "carteiro_build_info", Help: "Always 1; the labels tell what runs.",
		ConstLabels: prometheus.Labels{"version": version, "go_version": runtime.Version()},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Watch adds what is looked at when metrics are scraped. It is called once,
// when these parts are there.
func (m *Metrics) Watch(s Sources) {
	m.registry.MustRegister(newWork(s.Work), newPools(s.Store.Pools), newParts(s.Parts), newFacts(s.Store, s.Now))
}

// Handler shows the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Gatherer is what the handler shows, for tests.
func (m *Metrics) Gatherer() prometheus.Gatherer { return m.registry }

// scrapeTimeout bounds what is asked of other parts during one scrape:
// Prometheus waits for ten seconds.
const scrapeTimeout = 5 * time.Second

// pools shows the connections to the database.
type pools struct {
	of                         func() map[string]sql.DBStats
	open, most, waits, waitFor *prometheus.Desc
}

func newPools(of func() map[string]sql.DBStats) *pools {
	return &pools{
		of: of,
		open: prometheus.NewDesc("carteiro_database_connections",
			"Connections to the database that are open.", []string{"pool", "state"}, nil),
		most: prometheus.NewDesc("carteiro_database_connections_max",
			"Connections to the database that may be open.", []string{"pool"}, nil),
		waits: prometheus.NewDesc("carteiro_database_waits_total",
			"Times that something had to wait for a connection to the database.", []string{"pool"}, nil),
		waitFor: prometheus.NewDesc("carteiro_database_wait_seconds_total",
			"Time for which something waited for a connection to the database.", []string{"pool"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (p *pools) Describe(to chan<- *prometheus.Desc) { all(to, p.open, p.most, p.waits, p.waitFor) }

// Collect implements prometheus.Collector.
func (p *pools) Collect(to chan<- prometheus.Metric) {
	for name, s := range p.of() {
		to <- gauge(p.open, float64(s.InUse), name, "in_use")
		to <- gauge(p.open, float64(s.Idle), name, "idle")
		to <- gauge(p.most, float64(s.MaxOpenConnections), name)
		to <- counter(p.waits, float64(s.WaitCount), name)
		to <- counter(p.waitFor, s.WaitDuration.Seconds(), name)
	}
}

// parts shows which parts are well.
type parts struct {
	of func(context.Context) map[string]error
	up *prometheus.Desc
}

func newParts(of func(context.Context) map[string]error) *parts {
	return &parts{of, prometheus.NewDesc("carteiro_part_up",
		"1 when a part of this process is well, as /readyz tells; else 0.", []string{"part"}, nil)}
}

// Describe implements prometheus.Collector.
func (p *parts) Describe(to chan<- *prometheus.Desc) { all(to, p.up) }

// Collect implements prometheus.Collector.
func (p *parts) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	for name, err := range p.of(ctx) {
		up := 1.0
		if err != nil {
			up = 0
		}
		to <- gauge(p.up, up, name)
	}
}

func all(to chan<- *prometheus.Desc, descs ...*prometheus.Desc) {
	for _, d := range descs {
		to <- d
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}
