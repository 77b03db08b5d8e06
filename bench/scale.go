package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/machine"
	"github.com/carteiro-webhooks/carteiro/bench/report"
	"github.com/carteiro-webhooks/carteiro/internal/fill"
)

const (
	storedDeliveries     = 1_000_000
	storedDeliveriesFull = 10_000_000
	storedSubscriptions  = 10_000
	storedBody           = 256 // bytes of each message that is stored

	emptyCost = "cost on an empty database"
	fullCost  = "cost on the full one"
	costRatio = "cost, full to empty"
	fullRate  = "deliveries, full"
	slowList  = "slowest list or count"
	registry  = "registering"
)

func scaleCases() []benchCase {
	return []benchCase{{
		Row: report.Row{
			Case: "F10", Work: "Cost of a delivery with a million stored ones (ten million with -full) and 10,000 subscriptions that get them by turns, against an empty database with one",
			Target: "≤ 1.2 ×",
			Shows: []report.Show{
				{Figure: emptyCost, Label: "empty"},
				{Figure: fullCost, Label: "full"},
				{Figure: deliveries, Label: "empty"},
				{Figure: fullRate, Label: "full"},
				{Figure: slowList, Label: "slowest list or count"},
				{Figure: registry, Label: "a registration"},
			},
			Ratios: []report.Show{{Figure: costRatio, Label: "cost"}},
			Goals:  []report.Goal{{Figure: costRatio, Limit: 1.2}},
		},
		backends: []string{server}, fixed: 15 * time.Minute, perRun: 4 * time.Minute, more: 90 * time.Minute,
		measure: func(ctx context.Context, s *series) error { return s.scales(ctx) },
	}}
}

// scales fills a database once, and measures by turns there and on empty ones.
func (s *series) scales(ctx context.Context) error {
	full, clients, err := s.fullHouse(ctx)
	if err != nil {
		return err
	}
	err = s.each(ctx, func(ctx context.Context, run int) error {
		empty, err := s.emptyCost(ctx, run, s.burstOf(load.PathOK, acme))
		if err != nil {
			return err
		}
		if err := full.start(ctx); err != nil {
			return err
		}
		defer full.stop()
		cost, err := s.fullCost(ctx, run, full, s.burstOf(load.PathOK, clients...))
		s.put(run, emptyCost, "µs", empty)
		s.put(run, fullCost, "µs", cost)
		s.put(run, costRatio, "×", cost/empty)
		return err
	})
	if err != nil {
		return err
	}
	if err := full.start(ctx); err != nil {
		return err
	}
	return s.lists(ctx, full, clients[0])
}

// fullHouse is a house with many subscriptions and a long history. It does not
// run.
func (s *series) fullHouse(ctx context.Context) (*house, []string, error) {
	h, err := s.house(ctx)
	if err != nil {
		return nil, nil, err
	}
	clients := make([]string, s.count(storedSubscriptions, 20))
	s.step("registering %d subscriptions", len(clients))
	began := time.Now()
	for i := range clients {
		if i%1000 == 999 {
			s.step("%d registered", i+1)
		}
		clients[i] = fmt.Sprint("client-", i)
		if _, err := h.subscribe(ctx, clients[i], load.PathOK+"/"+clients[i], 0); err != nil {
			return nil, nil, err
		}
	}
	s.put(1, registry, "ms", report.Milliseconds(time.Since(began))/float64(len(clients)))
	h.stop()
	n := s.count(storedDeliveries, 2000)
	if s.o.full {
		n = s.count(storedDeliveriesFull, 2000)
	}
	told := time.Now()
	history := fill.History{
		Database: h.database, Deliveries: n, Until: time.Now().AddDate(0, 0, -1), Body: storedBody,
		Progress: func(done int) {
			if time.Since(told) > 5*time.Second {
				told = time.Now()
				s.step("%d of %d deliveries filled in", done, n)
			}
		},
	}
	s.step("filling in %d deliveries", n)
	return h, clients, history.Put(ctx)
}

// emptyCost is what a delivery costs on an empty database, in µs.
func (s *series) emptyCost(ctx context.Context, run int, b burst) (float64, error) {
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
	if _, err := s.burst(ctx, run, h, b); err != nil {
		return 0, err
	}
	return s.ours(m, b.events)
}

// ours is what Carteiro took for each delivery, in µs.
func (s *series) ours(m *machine.Meter, n int) (float64, error) {
	u, err := m.Stop()
	used := u.CPU[partProgram] + u.CPU[partPostgres] + u.CPU[partRedis]
	return float64(used) / float64(time.Microsecond) / float64(n), err
}

// fullCost is the same on the full one, the events spread over all clients.
func (s *series) fullCost(ctx context.Context, run int, h *house, b burst) (float64, error) {
	if err := s.warmUp(ctx, h, b); err != nil {
		return 0, err
	}
	m, err := s.watch(h)
	if err != nil {
		return 0, err
	}
	posted, err := s.post(ctx, h.events(b.clients, b.events, b.conns))
	if err != nil {
		return 0, err
	}
	c, err := s.arrived(ctx, b.path, b.events)
	if err != nil {
		return 0, err
	}
	s.put(run, fullRate, "/s", report.PerSecond(b.events, time.Duration(c.Last-posted.First)))
	return s.costs(run, m, b.events)
}

// lists times the answers of the lists and of the counts.
func (s *series) lists(ctx context.Context, h *house, client string) error {
	var first struct {
		Data []struct {
			SubscriptionID string `json:"subscription_id"`
		}
		NextCursor string `json:"next_cursor"`
	}
	if err := h.call(ctx, http.MethodGet, "/v1/deliveries?limit=500", nil, &first); err != nil {
		return err
	}
	if len(first.Data) == 0 {
		return errors.New("there are no deliveries to list")
	}
	slowest := 0.0
	for _, list := range []struct{ path, name, value string }{
		{"/v1/deliveries", "", ""},
		{"/v1/deliveries", "cursor", first.NextCursor},
		{"/v1/deliveries", "client_id", client},
		{"/v1/deliveries", "state", "failed"},
		{"/v1/deliveries", "subscription_id", first.Data[0].SubscriptionID},
		{"/v1/deliveries", "event_type", load.EventType},
		{"/v1/events", "", ""},
		{"/v1/events", "client_id", client},
		{"/v1/subscriptions", "", ""},
		{"/v1/clients", "", ""},
		{"/v1/stats", "", ""},
	} {
		const times = 5
		path := list.path
		if list.name != "" {
			path += "?" + url.Values{list.name: {list.value}}.Encode()
		}
		var took []float64
		for range times {
			began := time.Now()
			if err := h.call(ctx, http.MethodGet, path, nil, nil); err != nil {
				return err
			}
			took = append(took, report.Milliseconds(time.Since(began)))
		}
		s.put(1, strings.TrimSpace("GET "+list.path+" "+list.name), "ms", report.Median(took))
		slowest = max(slowest, report.Median(took))
	}
	s.put(1, slowList, "ms", slowest)
	return nil
}
