package main

import (
	"context"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	steadyRate = 300 // events a second
	steadyTime = 20 * time.Second
	idleEvents = 30
	idleRate   = 4 // events a second
	idleJitter = 120 * time.Millisecond
	steady     = "arrival"
)

func latencyCases() []benchCase {
	shows := []report.Show{{Figure: steady + " p50", Label: "p50"}, {Figure: steady + " p99", Label: "p99"}, {Figure: steady + " max", Label: "most"}}
	return []benchCase{
		{
			Row: report.Row{
				Case: "F4", Work: "300 events/s for 20 s: from when an event is due to be posted to its arrival",
				Target: "p50 < 10 ms, p99 < 50 ms", Shows: shows,
				Goals: []report.Goal{{Figure: steady + " p50", Limit: 10}, {Figure: steady + " p99", Limit: 50}},
			},
			backends: []string{server, embedded}, fixed: time.Minute, perRun: 90 * time.Second,
			measure: func(ctx context.Context, s *series) error {
				events := int(steadyRate * s.span(steadyTime, time.Second).Seconds())
				return s.latency(ctx, load.Posts{Count: events, Conns: burstConns, Rate: steadyRate})
			},
		},
		{
			Row: report.Row{
				Case: "F5", Work: "An idle server: one event, then a pause of a quarter of a second, 30 times", Target: "< 20 ms to arrival",
				Shows: []report.Show{{Figure: steady + " p50", Label: "median"}, {Figure: steady + " max", Label: "most"}},
				Goals: []report.Goal{{Figure: steady + " p50", Limit: 20}},
			},
			backends: []string{server, embedded}, fixed: time.Minute, perRun: time.Minute,
			measure: func(ctx context.Context, s *series) error {
				return s.latency(ctx, load.Posts{Count: s.count(idleEvents, 4), Conns: 4, Rate: idleRate, Jitter: idleJitter})
			},
		},
	}
}

// latency measures how long events take that are posted by the clock.
func (s *series) latency(ctx context.Context, p load.Posts) error {
	return s.each(ctx, func(ctx context.Context, run int) error {
		h, err := s.house(ctx)
		if err != nil {
			return err
		}
		defer h.remove()
		if _, err := h.subscribe(ctx, acme, load.PathOK, 0); err != nil {
			return err
		}
		if err := s.warmUp(ctx, h, burst{clients: []string{acme}, events: 100, conns: p.Conns, path: load.PathOK}); err != nil {
			return err
		}
		m, err := s.watch(h)
		if err != nil {
			return err
		}
		times, err := s.paced(ctx, h, []string{acme}, p)
		if err != nil {
			return err
		}
		if missing := p.Count - len(times[acme]); missing > 0 {
			return fmt.Errorf("%d of %d events did not arrive within %s", missing, p.Count, stragglers)
		}
		s.spread(run, steady, times[acme])
		_, err = s.costs(run, m, p.Count)
		return err
	})
}

// stragglers is how long after the last post arrivals still count.
const stragglers = 10 * time.Second

// paced posts events of some clients by turns, and returns how long each took to
// arrive at /ok, in ms, by client. What did not arrive is not in it.
func (s *series) paced(ctx context.Context, h *house, clients []string, p load.Posts) (map[string][]float64, error) {
	q := h.events(clients, p.Count, p.Conns)
	q.Rate, q.Jitter, q.Keep = p.Rate, p.Jitter, true
	if err := s.receiver.Reset(ctx); err != nil {
		return nil, err
	}
	posted, err := s.post(ctx, q)
	if err != nil {
		return nil, err
	}
	expected := 0
	for _, e := range posted.Sent {
		if healthy(clients[e.Client]) {
			expected++
		}
	}
	if _, err := s.receiver.Await(ctx, load.PathOK, expected, stragglers); err != nil {
		return nil, err
	}
	arrivals, err := s.receiver.Arrivals(ctx, load.PathOK)
	if err != nil {
		return nil, err
	}
	times := map[string][]float64{}
	for _, e := range posted.Sent {
		if at := arrivals[e.ID]; len(at) > 0 {
			client := clients[e.Client]
			times[client] = append(times[client], report.Milliseconds(time.Duration(at[0]-e.Due)))
		}
	}
	return times, nil
}

// spread notes the median, the 99th percentile and the most of some times.
func (s *series) spread(run int, name string, times []float64) {
	s.put(run, name+" p50", "ms", report.Percentile(times, 50))
	s.put(run, name+" p99", "ms", report.Percentile(times, 99))
	s.put(run, name+" max", "ms", report.Percentile(times, 100))
}
