package console

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestOverview(t *testing.T) {
	eachDatabase(t, 4, func(t *testing.T, h *house) {
		v := h.admin()
		v.get("/console").want(200).has("Nothing was delivered", "cadastros", "No run yet")
		h.subscribe("acme", newReceiver(t, 500, ""))
		h.subscribe("beta", newReceiver(t, 500, ""))
		h.subscribe("gamma", newReceiver(t, 200, ""))
		for _, client := range []webhook.ClientID{"acme", "acme", "beta", "gamma"} {
			h.accept(client)
			h.next()
		}
		// Both fail for one reason: it is told once, with both.
		p := v.get("/console").want(200).has("status 500", "3 deliveries wait for another attempt", "acme", "beta", "25 %")
		p.has("of 4 deliveries", "fill-warn", "state=retrying", "of 4 workers here").hasNot("Nothing needs you")
		// A key of one client learns nothing of the others, nor of the machine.
		h.as(webhook.RoleViewer, "gamma").get("/console").want(200).has("Nothing needs you", "of 1 deliver").
			hasNot("acme", "beta", "workers here")
		h.c.o.Ready = func(context.Context) map[string]error { return map[string]error{"redis": errors.New("it evicts keys")} }
		v.get("/console").want(200).has("Redis: not well", "it evicts keys")
		h.as(webhook.RoleViewer, "gamma").get("/console").want(200).hasNot("it evicts keys")
	})
}

// TestLongNamesBreakNoOthers: what is long takes the room, and the short words
// beside it stay whole.
func TestLongNamesBreakNoOthers(t *testing.T) {
	h := newHouse(t, 4)
	client := webhook.ClientID(strings.Repeat("long-client-", 5))
	h.subscribe(client, newReceiver(t, 503, "")+"/"+strings.Repeat("long-path-segment/", 20))
	h.accept(client)
	h.next()
	v := h.admin()
	v.post("/console/clients/"+string(client), "name", strings.Repeat("Nome Comprido ", 10)).want(200)
	b := v.browse(t)
	for _, path := range []string{"/console", "/console/deliveries", "/console/subscriptions", "/console/clients", "/console/clients/" + string(client), "/console/events", "/console/audit-log"} {
		b.open(path).check()
	}
}

func TestOverviewInABrowser(t *testing.T) {
	h := newHouse(t, 4)
	h.subscribe("acme", newReceiver(t, 503, ""))
	h.subscribe("gamma", newReceiver(t, 200, ""))
	for range 3 {
		h.accept("acme")
		h.accept("gamma")
	}
	for range 6 {
		h.next()
	}
	b := h.admin().browse(t)
	b.open("/console").check()
	// What happens is seen without reloading: the script takes it over.
	evaluate[bool](b, `(live.every = 50, live.wait(), true)`)
	h.accept("gamma")
	h.next()
	b.waitFor(`document.getElementById("figures").textContent.includes("of 7 deliveries")`)
	// From here to the failed delivery, as somebody does who gets the call.
	b.click("#attention tbody a")
	b.click("#list tbody a")
	if got := b.text("#explain"); got == "" {
		t.Error("it is not explained why the delivery failed")
	}
}

// TestChartOfHours: what is stacked is as high as its numbers.
func TestChartOfHours(t *testing.T) {
	h := newHouse(t, 0)
	v := &visit{c: h.c, lang: english}
	chart := v.drawHours(&store.DeliveryCounts{Hours: []store.HourCounts{
		{States: store.StateCounts{webhook.StateSucceeded: 30, webhook.StateFailed: 10}},
		{States: store.StateCounts{webhook.StateSucceeded: 20}},
		{States: store.StateCounts{}},
	}})
	if len(chart.Bars) != 3 || chart.Sum != 60 || len(chart.States) != 2 {
		t.Fatalf("drawn as %+v", chart)
	}
	whole := chart.Bars[0].Height + chart.Bars[1].Height
	if whole != chartHeight || chart.Bars[1].Y != chartTop || chart.Bars[1].Class != "fill-bad" || 3*chart.Bars[1].Height < chart.Bars[0].Height-3 {
		t.Errorf("40 of 40 are %d of %d high: %+v", whole, chartHeight, chart.Bars)
	}
	for n, want := range map[int64]int64{0: 2, 2: 2, 3: 4, 5: 10, 11: 20, 99: 100, 101: 200, 100_000: 100_000} {
		if got := niceAbove(n); got != want {
			t.Errorf("above %d there is %d, want %d", n, got, want)
		}
	}
}
