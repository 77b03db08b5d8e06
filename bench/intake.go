package main

import (
	"context"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	accepted    = "accepted"
	bareIntake  = "bare intake"
	ofIntake    = "of bare intake"
	answerP50   = "answer p50 at half the rate"
	answerP99   = "answer p99 at half the rate"
	answerMax   = "slowest answer at half the rate"
	intakeTime  = 6 * time.Second // at half the rate
	intakeConns = 32
)

func intakeCases() []benchCase {
	return []benchCase{{
		Row: report.Row{
			Case: "F3", Work: "Intake alone: event and delivery committed before the answer, nothing is sent",
			Target: "≥ 8,000/s, ≥ 60 % of bare; p99 < 50 ms at half the rate",
			Shows:  []report.Show{{Figure: accepted}, {Figure: bareIntake, Label: "bare"}, {Figure: answerP50, Label: "p50"}, {Figure: answerP99, Label: "p99"}},
			Ratios: []report.Show{{Figure: ofIntake, Label: "of bare"}},
			Goals: []report.Goal{
				{Figure: accepted, AtLeast: true, Limit: 8000}, {Figure: ofIntake, AtLeast: true, Limit: 60}, {Figure: answerP99, Limit: 50},
			},
		},
		bars: []bar{
			{report.Show{Figure: accepted, Label: "Carteiro's intake"}, false},
			{report.Show{Figure: bareIntake, Label: "bare handler"}, true},
		},
		backends: []string{server, embedded}, fixed: 2 * time.Minute, perRun: 2 * time.Minute, measure: func(ctx context.Context, s *series) error { return s.intakes(ctx) },
	}}
}

// intakes measures the intake of a program that sends nothing: on servers a
// process with the role api, whose deliveries wait for workers that are not
// there; embedded, where one process must have all roles, for a paused
// subscription. Bare is a handler that reads the request and answers 202.
func (s *series) intakes(ctx context.Context) error {
	events := s.count(burstEvents, 200)
	return s.each(ctx, func(ctx context.Context, run int) error {
		bare, err := s.intakeRate(ctx, load.Posts{
			URL: s.receiver.URL + load.PathAccept, Clients: []string{acme}, Count: events, Conns: intakeConns, Status: http.StatusAccepted,
		})
		if err != nil {
			return err
		}
		s.put(run, bareIntake, "/s", bare)
		h, err := s.silent(ctx)
		if err != nil {
			return err
		}
		defer h.remove()
		p := h.events([]string{acme}, events, intakeConns)
		rate, err := s.intakeRate(ctx, p)
		if err != nil {
			return err
		}
		s.put(run, accepted, "/s", rate)
		s.put(run, ofIntake, "%", 100*rate/bare)
		p.Rate = rate / 2
		p.Count = max(50, int(p.Rate*s.span(intakeTime, time.Second).Seconds()))
		m, err := s.watch(h)
		if err != nil {
			return err
		}
		posted, err := s.post(ctx, p)
		if err != nil {
			return err
		}
		s.put(run, answerP50, "ms", posted.P50)
		s.put(run, answerP99, "ms", posted.P99)
		s.put(run, answerMax, "ms", posted.Max)
		_, err = s.costs(run, m, p.Count)
		return err
	})
}

// intakeRate is how many requests a second are answered, after a few to warm up.
func (s *series) intakeRate(ctx context.Context, p load.Posts) (float64, error) {
	few := p
	few.Count = max(50, p.Count/20)
	if _, err := s.post(ctx, few); err != nil {
		return 0, err
	}
	posted, err := s.post(ctx, p)
	return report.PerSecond(p.Count, time.Duration(posted.Last-posted.First)), err
}

// silent is a house with a subscription, and nobody who sends.
func (s *series) silent(ctx context.Context) (*house, error) {
	var roles []string
	if s.row.Backend == server {
		roles = []string{"CARTEIRO_ROLES=api"}
	}
	h, err := s.house(ctx, roles...)
	if err != nil {
		return nil, err
	}
	id, err := h.subscribe(ctx, acme, load.PathOK, 0)
	if err == nil && s.row.Backend == embedded {
		err = h.call(ctx, http.MethodPost, "/v1/subscriptions/"+id+"/pause", nil, nil)
	}
	return h, err
}
