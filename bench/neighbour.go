package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	noisyRate    = 200 // events a second, half of them for endpoints that never answer
	noisyTime    = 10 * time.Second
	noisyMany    = 100 // endpoints, half of which never answer
	noisyBacklog = 100_000
	goodPrefix   = "good-"
	holePrefix   = "hole-"

	quiet       = "quiet"
	besideHole  = "beside one"
	besideMany  = "beside 50 of 100"
	besideStack = "beside a backlog"
	lost        = " not arrived"
)

// healthy tells whether a client's endpoint answers.
func healthy(client string) bool { return !strings.HasPrefix(client, holePrefix) }

func neighbourCases() []benchCase {
	row := report.Row{
		Case: "F7", Work: "Noisy neighbours: half of 200 events/s for an endpoint that never answers; for 50 such of 100; 100/s beside a backlog of 100,000 for one",
		Target: "p99 of the healthy ≤ 2 × quiet, all within 2 s",
		Shows:  []report.Show{{Figure: quiet + " p99", Label: "p99 quiet"}},
	}
	for _, name := range []string{besideHole, besideMany, besideStack} {
		row.Shows = append(row.Shows, report.Show{Figure: name + " p99", Label: name}, report.Show{Figure: name + " max", Label: "most"})
		row.Ratios = append(row.Ratios, report.Show{Figure: name + ofQuiet, Label: name})
		row.Goals = append(row.Goals, report.Goal{Figure: name + ofQuiet, Limit: 2},
			report.Goal{Figure: name + " max", Limit: 2000, Worst: true}, report.Goal{Figure: name + lost, Worst: true})
	}
	return []benchCase{{
		Row: row, backends: []string{server}, fixed: 2 * time.Minute, perRun: 4 * time.Minute,
		measure: func(ctx context.Context, s *series) error { return s.each(ctx, s.neighbours) },
	}}
}

// ofQuiet is the end of the name of a ratio to the quiet run.
const ofQuiet = " of quiet"

// neighbours measures the healthy alone, and then in three kinds of company.
func (s *series) neighbours(ctx context.Context, run int) error {
	base, err := s.beside(ctx, run, company{name: quiet, good: 1})
	if err != nil {
		return err
	}
	for _, c := range []company{
		{name: besideHole, good: 1, holes: 1},
		{name: besideMany, good: noisyMany / 2, holes: noisyMany / 2},
		{name: besideStack, good: 1, backlog: s.count(noisyBacklog, 500)},
	} {
		p99, err := s.beside(ctx, run, c)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		s.put(run, c.name+ofQuiet, "×", p99/base)
	}
	return nil
}

// company is who is there beside the healthy ones.
type company struct {
	name    string
	good    int // endpoints that answer
	holes   int // endpoints that never do, with as many events as the others
	backlog int // events for another such endpoint, before the measurement begins
}

// beside measures the healthy ones' 99th percentile in some company, in ms.
func (s *series) beside(ctx context.Context, run int, c company) (float64, error) {
	s.step("run %d, %s", run, c.name)
	h, err := s.house(ctx)
	if err != nil {
		return 0, err
	}
	defer h.remove()
	good, all, err := s.gather(ctx, h, c)
	if err != nil {
		return 0, err
	}
	if err := s.warmUp(ctx, h, burst{clients: good, events: 2000, conns: burstConns, path: load.PathOK}); err != nil {
		return 0, err
	}
	if c.backlog > 0 {
		in := load.Backlog{Base: h.base, Key: h.key, Client: holePrefix + "backlog", Size: eventSize, Count: c.backlog}
		if err := s.load.Backlog(ctx, in); err != nil {
			return 0, err
		}
	}
	rate := noisyRate / 2 * len(all) / len(good) // the healthy always get the half of it
	p := load.Posts{Count: int(float64(rate) * s.span(noisyTime, time.Second).Seconds()), Rate: float64(rate), Conns: burstConns}
	times, err := s.paced(ctx, h, all, p)
	if err != nil {
		return 0, err
	}
	var healthyTimes []float64
	for _, some := range times {
		healthyTimes = append(healthyTimes, some...)
	}
	s.spread(run, c.name, healthyTimes)
	s.put(run, c.name+lost, "", float64(p.Count*len(good)/len(all)-len(healthyTimes)))
	return report.Percentile(healthyTimes, 99), nil
}

// gather registers the endpoints. all are the clients whose events are posted
// by turns.
func (s *series) gather(ctx context.Context, h *house, c company) (good, all []string, err error) {
	for i := range c.good {
		name := fmt.Sprint(goodPrefix, i)
		good = append(good, name)
		_, err := h.subscribe(ctx, name, load.PathOK+"/"+name, 0)
		if err != nil {
			return nil, nil, err
		}
	}
	all = slices.Clone(good)
	for i := range c.holes {
		all = append(all, fmt.Sprint(holePrefix, i))
	}
	holes := all[len(good):]
	if c.backlog > 0 {
		holes = []string{holePrefix + "backlog"}
	}
	for _, name := range holes {
		if _, err := h.subscribe(ctx, name, load.PathHang+"/"+name, 0); err != nil {
			return nil, nil, err
		}
	}
	return good, all, nil
}
