package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

// burst is many events at once.
type burst struct {
	clients []string // whose events, by turns
	events  int
	conns   int    // that post
	slots   int    // requests at once to the receiver, of whoever sends
	path    string // of the receiver
	copies  int    // subscriptions that get each event; 0: one
}

// burstOf is the burst of F1 at the scale that was asked for.
func (s *series) burstOf(path string, clients ...string) burst {
	return burst{clients: clients, events: s.count(burstEvents, 100), conns: burstConns, slots: burstSlots, path: path}
}

const (
	burstEvents = 20_000
	burstConns  = 32
	burstSlots  = 64 // a subscription's default
	slowPath    = load.PathWait + "20ms"
	acme        = "acme"
)

// Names of figures that several cases have.
const (
	deliveries   = "deliveries"
	intakeRate   = "intake meanwhile"
	bareRate     = "bare"
	ofBare       = "of bare"
	asynqEmpty   = "asynq, empty handler"
	asynqPosting = "asynq, posting"
	ofAsynq      = "of asynq posting"
	repeats      = "repeats"
)

func burstCases() []benchCase {
	shows := []report.Show{{Figure: deliveries}, {Figure: bareRate, Label: "bare"}}
	withAsynq := append(shows[:2:2], report.Show{Figure: asynqEmpty, Label: "asynq, empty"}, report.Show{Figure: asynqPosting, Label: "asynq, posting"})
	rates := []bar{{report.Show{Figure: deliveries, Label: "Carteiro"}, false}, {report.Show{Figure: bareRate, Label: "bare client"}, true}}
	once := report.Goal{Figure: repeats, Limit: 0, Worst: true}
	return []benchCase{
		{
			Row: report.Row{
				Case: "F1", Work: "Burst: 20,000 events of 1 KB by 32 connections to one subscriber, first intake to last arrival",
				Target: "≥ 35 % of bare; ≥ 1.5 × asynq with POST", Shows: withAsynq,
				Ratios: []report.Show{{Figure: ofBare, Label: "of bare"}, {Figure: ofAsynq, Label: "of asynq"}},
				Goals:  []report.Goal{{Figure: ofBare, AtLeast: true, Limit: 35}, {Figure: ofAsynq, AtLeast: true, Limit: 1.5}, once},
			},
			bars: append(rates[:2:2], bar{report.Show{Figure: asynqEmpty, Label: "asynq, empty handler"}, true},
				bar{report.Show{Figure: asynqPosting, Label: "asynq, posting"}, true}),
			backends: []string{server}, fixed: 2 * time.Minute, perRun: 2 * time.Minute,
			measure: func(ctx context.Context, s *series) error { return s.bursts(ctx, load.PathOK, true) },
		},
		{
			Row: report.Row{
				Case: "F1b", Work: "The same, the receiver takes 20 ms, 64 slots for both", Target: "≥ 90 % of bare", Shows: shows,
				Ratios: []report.Show{{Figure: ofBare, Label: "of bare"}},
				Goals:  []report.Goal{{Figure: ofBare, AtLeast: true, Limit: 90}, once},
			},
			bars: rates, backends: []string{server}, fixed: 2 * time.Minute, perRun: 2 * time.Minute,
			measure: func(ctx context.Context, s *series) error { return s.bursts(ctx, slowPath, false) },
		},
		{
			Row: report.Row{
				Case: "F2", Work: "F1 on SQLite and the embedded Redis", Target: "≥ 30 % of bare", Shows: shows,
				Ratios: []report.Show{{Figure: ofBare, Label: "of bare"}},
				Goals:  []report.Goal{{Figure: ofBare, AtLeast: true, Limit: 30}, once},
			},
			bars: rates, backends: []string{embedded}, fixed: 2 * time.Minute, perRun: 2 * time.Minute,
			measure: func(ctx context.Context, s *series) error { return s.bursts(ctx, load.PathOK, false) },
		},
	}
}

// bursts measures bare, asynq where it is asked for, and Carteiro, by turns.
func (s *series) bursts(ctx context.Context, path string, asynq bool) error {
	b := s.burstOf(path, acme)
	return s.each(ctx, func(ctx context.Context, run int) error {
		bare, err := s.bare(ctx, run, b)
		if err != nil {
			return fmt.Errorf("bare: %w", err)
		}
		posting := 0.0
		if asynq && s.row.Backend == server {
			if posting, err = s.asynq(ctx, run, b); err != nil {
				return fmt.Errorf("asynq: %w", err)
			}
		}
		rate, err := s.deliver(ctx, run, b)
		if err != nil {
			return err
		}
		s.put(run, ofBare, "%", 100*rate/bare)
		if posting > 0 {
			s.put(run, ofAsynq, "×", rate/posting)
		}
		return nil
	})
}

// warm is how much is sent before a measurement begins.
func (b burst) warm() int { return max(50, b.events/20) }

// bare measures an http.Client that posts the same bodies to the same receiver.
func (s *series) bare(ctx context.Context, run int, b burst) (float64, error) {
	p := load.Posts{URL: s.receiver.URL + b.path + "/bare", Conns: b.slots, Status: http.StatusOK}
	for _, p.Count = range []int{b.warm(), b.events} {
		if err := s.receiver.Reset(ctx); err != nil {
			return 0, err
		}
		posted, err := s.post(ctx, p)
		if err != nil {
			return 0, err
		}
		c, err := s.arrived(ctx, b.path+"/bare", p.Count)
		if err != nil {
			return 0, err
		}
		if p.Count == b.events {
			rate := report.PerSecond(b.events, time.Duration(c.Last-posted.First))
			s.put(run, bareRate, "/s", rate)
			return rate, nil
		}
	}
	return 0, nil
}

// asynq measures what its engine does by itself, one task for each delivery.
func (s *series) asynq(ctx context.Context, run int, b burst) (posting float64, err error) {
	q := load.Queue{Redis: s.redis.Addr(), Enqueuers: b.conns, Concurrency: b.slots, Size: eventSize}
	for _, kind := range []struct{ name, url string }{{asynqEmpty, ""}, {asynqPosting, s.receiver.URL + b.path + "/asynq"}} {
		q.URL = kind.url
		for _, q.Tasks = range []int{b.warm(), b.events} {
			if err := s.redis.FlushAll(ctx); err != nil {
				return 0, err
			}
			done, err := s.load.Queue(ctx, q)
			if err != nil {
				return 0, err
			}
			if done.Failed > 0 {
				return 0, fmt.Errorf("%d of %d tasks failed; the first: %s", done.Failed, q.Tasks, done.Error)
			}
			posting = report.PerSecond(q.Tasks, done.Took)
		}
		s.put(run, kind.name, "/s", posting)
	}
	return posting, nil
}

// deliver measures Carteiro on an empty database.
func (s *series) deliver(ctx context.Context, run int, b burst) (float64, error) {
	h, err := s.house(ctx)
	if err != nil {
		return 0, err
	}
	defer h.remove()
	if _, err := h.subscribe(ctx, acme, b.path+"/"+acme, b.slots); err != nil {
		return 0, err
	}
	if err := s.warmUp(ctx, h, b); err != nil {
		return 0, err
	}
	m, err := s.watch(h)
	if err != nil {
		return 0, err
	}
	rate, err := s.burst(ctx, run, h, b)
	if err != nil {
		return 0, err
	}
	_, err = s.costs(run, m, b.events)
	return rate, err
}

// warmUp sends a few events, so that connections are open and the program has
// seen that the receiver answers.
func (s *series) warmUp(ctx context.Context, h *house, b burst) error {
	if err := s.receiver.Reset(ctx); err != nil {
		return err
	}
	if _, err := s.post(ctx, h.events(b.clients, b.warm(), b.conns)); err != nil {
		return err
	}
	if _, err := s.arrived(ctx, b.path, b.warm()*max(1, b.copies)); err != nil {
		return fmt.Errorf("warming up: %w", err)
	}
	return s.receiver.Reset(ctx)
}

// burst sends the events, and returns how many a second arrived, from the first
// intake to the last arrival. The receiver has been reset.
func (s *series) burst(ctx context.Context, run int, h *house, b burst) (float64, error) {
	posted, err := s.post(ctx, h.events(b.clients, b.events, b.conns))
	if err != nil {
		return 0, err
	}
	c, err := s.arrived(ctx, b.path, b.events)
	if err != nil {
		return 0, err
	}
	rate := report.PerSecond(b.events, time.Duration(c.Last-posted.First))
	s.put(run, deliveries, "/s", rate)
	s.put(run, intakeRate, "/s", report.PerSecond(b.events, time.Duration(posted.Last-posted.First)))
	s.put(run, repeats, "", float64(c.Requests-c.Distinct))
	return rate, nil
}

// events are posts to the intake of a house.
func (h *house) events(clients []string, count, conns int) load.Posts {
	return load.Posts{
		URL: h.base + "/v1/events", Key: h.key, Clients: clients, Count: count, Conns: conns, Status: http.StatusAccepted,
	}
}
