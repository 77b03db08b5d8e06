package main

import (
	"bytes"
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/records"
	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The demo's export: tickets, every minute, those since the minute before.
const (
	demoExport   = webhook.Ingressos
	demoCron     = "0 * * * * *"
	demoPageSize = 20
	demoTickets  = 3 // made up with every redemption
)

// schedule makes the export fire every minute; it is switched off when the
// demo stops, so that the next one does not run what it missed.
func (d *demo) schedule(ctx context.Context, h *house, on bool) error {
	cron, rule, size := demoCron, webhook.SinceLastRun, demoPageSize
	p := scheduler.ExportPatch{Enabled: &on}
	if on {
		p.Cron, p.Window, p.PageSize = &cron, &rule, &size
	}
	_, err := h.scheduler.Edit(ctx, string(demoExport), p)
	return err
}

// putTickets stores the n-th few made-up tickets, of this moment, as the
// platform would.
func (d *demo) putTickets(ctx context.Context, h *house, n int) error {
	now := time.Now()
	g := sample.New(uint64(now.UnixNano()), webhook.Window{From: now.Add(-demoEvery), To: now})
	load := &scheduler.Load{Store: h.store, Dataset: demoExport, ClientID: demoClient}
	lines := g.Lines(nil, demoExport, n*demoTickets, (n+1)*demoTickets)
	return load.Run(ctx, records.NewReader(bytes.NewReader(lines), records.Lines, webhook.MaxRecord))
}

// observeRun says what became of a run. Those of exports that the demo does
// not feed are empty, and nothing is said of them.
func (d *demo) observeRun(o scheduler.Observation) {
	if !o.Done || o.Run.Dataset != demoExport {
		return
	}
	for i := range o.Clients {
		c := &o.Clients[i]
		d.say("%s  %s  the export %s: %d records since %s, in %d pages for %s", clock(time.Now()), o.Run.ID, o.Run.Export,
			c.Records, o.Run.Window.From.Local().Format(time.TimeOnly), c.Built, c.ClientID)
	}
}
