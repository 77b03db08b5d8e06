package main

import (
	"context"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	retryEvents = 10_000
	retrySpread = 20 * time.Second // in which they are posted, and fall due
	retryWait   = 20 * time.Second // the schedule's first wait; above what is hinted at once
	lateness    = "late"
)

func retryCases() []benchCase {
	return []benchCase{{
		Row: report.Row{
			Case: "F8", Work: "10,000 retries due within 20 s, each by its own time: how late they arrive",
			Target: "each within 2 s of its due time, none early",
			Shows: []report.Show{
				{Figure: lateness + " min", Label: "least"},
				{Figure: lateness + " p50", Label: "p50"},
				{Figure: lateness + " p99", Label: "p99"},
				{Figure: lateness + " max", Label: "most"},
			},
			Goals: []report.Goal{
				{Figure: lateness + " min", AtLeast: true, Worst: true}, {Figure: lateness + " max", Limit: 2000, Worst: true},
			},
		},
		backends: []string{server}, fixed: 2 * time.Minute, perRun: 3 * time.Minute,
		measure: func(ctx context.Context, s *series) error { return s.each(ctx, s.retries) },
	}}
}

// retries has every event refused once. The receiver itself takes the time from
// its refusal to the next request: no clock of the program is asked.
func (s *series) retries(ctx context.Context, run int) error {
	wait := s.span(retryWait, 2*time.Second)
	h, err := s.house(ctx, "CARTEIRO_RETRY_SCHEDULE="+wait.String())
	if err != nil {
		return err
	}
	defer h.remove()
	if _, err := h.subscribe(ctx, acme, load.PathOnce, 0); err != nil {
		return err
	}
	if err := s.receiver.Reset(ctx); err != nil {
		return err
	}
	p := h.events([]string{acme}, s.count(retryEvents, 100), burstConns)
	p.Rate = float64(p.Count) / s.span(retrySpread, time.Second).Seconds()
	m, err := s.watch(h)
	if err != nil {
		return err
	}
	if _, err := s.post(ctx, p); err != nil {
		return err
	}
	if err := s.secondRequests(ctx, p.Count, wait); err != nil {
		return err
	}
	if _, err := s.costs(run, m, 2*p.Count); err != nil {
		return err
	}
	arrivals, err := s.receiver.Arrivals(ctx, load.PathOnce)
	if err != nil {
		return err
	}
	late := make([]float64, 0, len(arrivals))
	for _, at := range arrivals {
		late = append(late, report.Milliseconds(time.Duration(at[1]-at[0])-wait))
	}
	s.put(run, lateness+" min", "ms", report.Percentile(late, 0))
	s.spread(run, lateness, late)
	return nil
}

// secondRequests waits until each event has come twice.
func (s *series) secondRequests(ctx context.Context, events int, wait time.Duration) error {
	const look = 200 * time.Millisecond
	for had, quiet := -1, time.Duration(0); ; quiet += look {
		c, err := s.receiver.Await(ctx, load.PathOnce, 2*events, look) // there are never so many ids
		if err != nil || c.Requests >= 2*events {
			return err
		}
		if c.Requests > had {
			had, quiet = c.Requests, 0
		}
		if quiet > wait+arrivalLimit {
			return fmt.Errorf("%d of %d requests arrived, and then none within %s", c.Requests, 2*events, quiet)
		}
	}
}
