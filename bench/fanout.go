package main

import (
	"context"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	fanOutEvents      = 2000
	fanOutSubscribers = 10
	fanOutRate        = "fan-out"
	ofBurst           = "of F1"
)

func fanOutCases() []benchCase {
	return []benchCase{{
		Row: report.Row{
			Case: "F6", Work: "Fan-out: 2,000 events × 10 subscribers, after F1 in the same process", Target: "deliveries/s ≥ 1.2 × F1",
			Shows:  []report.Show{{Figure: fanOutRate}, {Figure: deliveries, Label: "F1"}},
			Ratios: []report.Show{{Figure: ofBurst, Label: "of F1"}},
			Goals:  []report.Goal{{Figure: ofBurst, AtLeast: true, Limit: 1.2}, {Figure: repeats, Limit: 0, Worst: true}},
		},
		bars:     []bar{{report.Show{Figure: fanOutRate, Label: "Carteiro, 10 subscribers"}, false}},
		backends: []string{server}, fixed: time.Minute, perRun: 2 * time.Minute,
		measure: func(ctx context.Context, s *series) error { return s.each(ctx, s.fanOut) },
	}}
}

// fanOut measures F1, and then events that ten subscribers want.
func (s *series) fanOut(ctx context.Context, run int) error {
	const many = "many"
	one := s.burstOf(load.PathOK+"/"+acme, acme)
	ten := s.burstOf(load.PathOK+"/"+many, many)
	ten.events, ten.copies = s.count(fanOutEvents, 20), fanOutSubscribers
	h, err := s.house(ctx)
	if err != nil {
		return err
	}
	defer h.remove()
	if _, err := h.subscribe(ctx, acme, one.path, one.slots); err != nil {
		return err
	}
	for i := range ten.copies {
		if _, err := h.subscribe(ctx, many, fmt.Sprintf("%s/%d", ten.path, i), ten.slots); err != nil {
			return err
		}
	}
	if err := s.warmUp(ctx, h, one); err != nil {
		return err
	}
	base, err := s.burst(ctx, run, h, one)
	if err != nil {
		return err
	}
	if err := s.warmUp(ctx, h, ten); err != nil {
		return err
	}
	m, err := s.watch(h)
	if err != nil {
		return err
	}
	posted, err := s.post(ctx, h.events(ten.clients, ten.events, ten.conns))
	if err != nil {
		return err
	}
	n := ten.events * ten.copies
	c, err := s.arrived(ctx, ten.path, n)
	if err != nil {
		return err
	}
	rate := report.PerSecond(n, time.Duration(c.Last-posted.First))
	s.put(run, fanOutRate, "/s", rate)
	s.put(run, ofBurst, "×", rate/base)
	_, err = s.costs(run, m, n)
	return err
}
