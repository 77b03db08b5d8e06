package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
)

// work shows how the work of this process stands.
type work struct {
	of func() dispatcher.Snapshot

	workers, busy              *prometheus.Desc
	slots, slotsBusy           *prometheus.Desc
	doorsWaiting, doorsParked  *prometheus.Desc
	hints, hinted, hintsQueued *prometheus.Desc
	hintsWaiting               *prometheus.Desc
}

func newWork(of func() dispatcher.Snapshot) *work {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &work{
		of:      of,
		workers: d("carteiro_workers", "Attempts that may be in flight in this process; 0: it sends nothing."),
		busy:    d("carteiro_workers_busy", "Attempts in flight in this process."),
		slots:   d("carteiro_lane_slots", "Attempts of a lane that may be in flight in this process.", "lane"),
		slotsBusy: d("carteiro_lane_slots_busy",
			"Attempts of a lane that are in flight in this process.", "lane"),
		doorsWaiting: d("carteiro_subscriptions_waiting",
			"Subscriptions and hosts that have all the attempts in flight that they may, and for which more deliveries wait in memory."),
		doorsParked: d("carteiro_subscriptions_parked",
			"Subscriptions and hosts for which deliveries are parked in SQL until one in flight ends."),
		hints: d("carteiro_hints_total",
			"Hints by what became of them: sent, refused by Redis and tried again, or dropped for want of room (counted in deliveries).", "outcome"),
		hinted:       d("carteiro_hinted_deliveries_total", "Deliveries in the hints that were sent."),
		hintsQueued:  d("carteiro_hints_gathering", "Deliveries whose hint was not sent yet."),
		hintsWaiting: d("carteiro_hints_waiting", "Hints that wait in Redis, when this process last looked.", "lane"),
	}
}

// Describe implements prometheus.Collector.
func (w *work) Describe(to chan<- *prometheus.Desc) {
	all(to, w.workers, w.busy, w.slots, w.slotsBusy, w.doorsWaiting, w.doorsParked, w.hints, w.hinted, w.hintsQueued, w.hintsWaiting)
}

// Collect implements prometheus.Collector.
func (w *work) Collect(to chan<- prometheus.Metric) {
	s := w.of()
	to <- gauge(w.workers, float64(s.Workers))
	to <- gauge(w.busy, float64(s.InFlight))
	to <- gauge(w.doorsWaiting, float64(s.Doors.Waiting))
	to <- gauge(w.doorsParked, float64(s.Doors.Parked))
	to <- counter(w.hints, float64(s.Hints.Sent), "sent")
	to <- counter(w.hints, float64(s.Hints.Refused), "refused")
	to <- counter(w.hints, float64(s.Hints.Dropped), "dropped")
	to <- counter(w.hinted, float64(s.Hints.Deliveries))
	to <- gauge(w.hintsQueued, float64(s.Hints.Gathering))
	for _, l := range s.Lanes {
		to <- gauge(w.slots, float64(l.Slots), string(l.Lane))
		to <- gauge(w.slotsBusy, float64(l.Busy), string(l.Lane))
		to <- gauge(w.hintsWaiting, float64(l.HintsWaiting), string(l.Lane))
	}
}
