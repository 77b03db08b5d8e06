package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// runClient is the part of a run that is one client's: its receipt.
type runClient struct {
	webhook.RunClient
	store.Tally
	Refusals []store.Refusal
	Percent  int // of its pages that are delivered, 0 to 100
}

type runPage struct {
	Run        webhook.Run
	Start, End string
	Clients    []runClient
	Records    int64
	Pages      int64
	Done       int64 // pages that every subscription has acknowledged
	Failed     int64 // pages of which a delivery has failed
	Percent    int
	Ended      time.Time // when its last delivery did; zero: one has not
	List       []store.PageReceipt
	Pager      pager
}

// showRun is a run with the receipt of each client and its pages.
func (c *console) showRun(v *visit) error {
	id := webhook.RunID(v.r.PathValue("id"))
	if !webhook.ValidID(webhook.PrefixRun, string(id)) {
		return webhook.NotFound("run", webhook.Clip(string(id)))
	}
	run, err := c.o.Store.Run(v.ctx, id)
	if err != nil {
		return err
	}
	p := runPage{Run: run}
	if only := v.client(); only != "" && run.ClientID != only && run.Error != "" {
		p.Run.Error = v.t("run.stopped") // it names the client at which it stopped
	}
	p.Start, p.End = scheduler.Dates(run.Window, run.Zone)
	if err := v.receipt(&p); err != nil {
		return err
	}
	return v.pagesOf(&p)
}

// receipt adds what each client was sent, and what became of it.
func (v *visit) receipt(p *runPage) error {
	clients, err := v.c.o.Store.RunClients(v.ctx, p.Run.ID)
	if err != nil {
		return err
	}
	if only := v.client(); only != "" {
		clients = slices.DeleteFunc(clients, func(c webhook.RunClient) bool { return c.ClientID != only })
	}
	tallies, err := v.c.o.Store.Tallies(v.ctx, p.Run.ID)
	if err != nil {
		return err
	}
	open := p.Run.FinishedAt == nil
	for i := range clients {
		one := runClient{RunClient: clients[i], Tally: tallies[clients[i].ClientID]}
		one.Percent = percent(one.PagesAcknowledged, int64(one.Built))
		p.Records, p.Pages = p.Records+one.RunClient.Records, p.Pages+int64(one.Built)
		p.Done, p.Failed = p.Done+one.PagesAcknowledged, p.Failed+one.PagesFailed
		open = open || one.Waiting > 0
		if one.LastEnded.After(p.Ended) {
			p.Ended = one.LastEnded
		}
		if one.Refused > 0 {
			if one.Refusals, err = v.c.o.Store.Refusals(v.ctx, p.Run.ID, one.ClientID); err != nil {
				return err
			}
			for j := range one.Refusals { // a platform may use an address as its key
				one.Refusals[j].Key = v.redacted().Text(one.Refusals[j].Key)
			}
		}
		p.Clients = append(p.Clients, one)
	}
	if open {
		p.Ended = time.Time{}
	} else if p.Ended.IsZero() {
		p.Ended = *p.Run.FinishedAt
	}
	p.Percent = percent(p.Done, p.Pages)
	return nil
}

// percent is how much of all is done, rounded down; of nothing, all is.
func percent(done, all int64) int {
	if all == 0 {
		return 100
	}
	return int(100 * done / all)
}

// pagesOf adds a part of the run's pages with their deliveries, and shows it.
func (v *visit) pagesOf(p *runPage) error {
	at, err := v.page()
	if err != nil {
		return err
	}
	f := store.PageFilter{RunID: p.Run.ID, ClientID: v.client(), Limit: at.Limit + 1}
	if at.After != "" {
		number, client, _ := strings.Cut(at.After, " ")
		if f.AfterNumber, err = strconv.Atoi(number); err != nil {
			return webhook.Malformed("invalid_cursor", "This address does not lead to a page of the list. Start at its first page.")
		}
		f.AfterClient = webhook.ClientID(client)
	}
	if p.List, err = v.c.o.Store.PageReceipts(v.ctx, f); err != nil {
		return err
	}
	next := ""
	if len(p.List) > at.Limit {
		p.List = p.List[:at.Limit]
		last := &p.List[at.Limit-1]
		next = strconv.Itoa(last.Number) + " " + string(last.ClientID)
	}
	p.Pager = v.pager(next)
	return v.show("run", p)
}
