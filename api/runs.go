package api

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const (
	listRuns     = "runs"
	listRunPages = "run_pages"
)

// RunSummary is a run with its counts over all clients. (Exported because huma
// describes embedded fields of exported types only.)
type RunSummary struct {
	ID             webhook.RunID          `json:"id"`
	Export         string                 `json:"export"`
	Event          webhook.Slug           `json:"event"`
	Trigger        webhook.RunTrigger     `json:"trigger" enum:"schedule,manual,backfill"`
	ScheduledFor   *time.Time             `json:"scheduled_for" doc:"the schedule's time; null for a run by hand"`
	Late           bool                   `json:"late" doc:"it was made more than a minute after its time"`
	ClientID       webhook.ClientID       `json:"client_id,omitempty" doc:"the one client that it is for"`
	SubscriptionID webhook.SubscriptionID `json:"subscription_id,omitempty" doc:"the one subscription that it is for"`
	State          webhook.RunState       `json:"state" enum:"pending,running,finished" doc:"finished: every page is a delivery"`
	Error          string                 `json:"error,omitempty" doc:"why it does not go on at the moment; it is tried again by itself"`
	Failures       int                    `json:"failures" doc:"how often it stopped with an error"`
	SpanView
	Records    int64      `json:"records" doc:"in pages so far"`
	Pages      int64      `json:"pages" doc:"built so far"`
	Sent       int64      `json:"sent" doc:"pages that are deliveries"`
	Bytes      int64      `json:"bytes" doc:"of all bodies"`
	Refused    int64      `json:"refused" doc:"records of the source that cannot be sent"`
	CreatedAt  time.Time  `json:"created_at"`
	StartedAt  *time.Time `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at" doc:"when its last page became a delivery"`
}

func summarize(r *webhook.Run, t store.RunTotals) RunSummary {
	return RunSummary{
		ID: r.ID, Export: r.Export, Event: r.Event, Trigger: r.Trigger, ScheduledFor: r.ScheduledFor, Late: r.Late,
		ClientID: r.ClientID, SubscriptionID: r.SubscriptionID, State: r.State, Error: r.Error, Failures: r.Failures,
		SpanView: viewSpan(r.Window, r.Zone), Records: t.Records, Pages: t.Pages, Sent: t.Released, Bytes: t.Bytes, Refused: t.Refused,
		CreatedAt: r.CreatedAt, StartedAt: r.StartedAt, FinishedAt: r.FinishedAt,
	}
}

// RunView is a run with its counts by client.
type RunView struct {
	RunSummary
	CompletedAt *time.Time      `json:"completed_at" doc:"when its last delivery ended; null while one has not"`
	Clients     []runClientView `json:"clients" nullable:"false" doc:"by client id"`
}

// runClientView is the receipt of one client.
type runClientView struct {
	ClientID            webhook.ClientID         `json:"client_id"`
	Subscriptions       []webhook.SubscriptionID `json:"subscriptions" nullable:"false" doc:"that get the pages"`
	State               webhook.RunClientState   `json:"state" enum:"building,releasing,done"`
	Records             int64                    `json:"records" doc:"in pages"`
	LateRecords         int64                    `json:"late_records" doc:"of them, those that arrived after their own window's run"`
	Refused             int64                    `json:"refused" doc:"records of the source that cannot be sent"`
	RefusedRecords      []store.Refusal          `json:"refused_records,omitempty" doc:"the first of them, and why"`
	Pages               int                      `json:"pages" doc:"built so far"`
	Bytes               int64                    `json:"bytes" doc:"of all bodies"`
	Sent                int                      `json:"sent" doc:"pages that are deliveries"`
	Acknowledged        int64                    `json:"acknowledged" doc:"pages that every subscription has acknowledged"`
	Failed              int64                    `json:"failed" doc:"pages of which a delivery has failed or was canceled"`
	RecordsAcknowledged int64                    `json:"records_acknowledged"`
	RecordsFailed       int64                    `json:"records_failed"`
	StartedAt           *time.Time               `json:"started_at"`
	FinishedAt          *time.Time               `json:"finished_at" doc:"when its last page became a delivery"`
	CompletedAt         *time.Time               `json:"completed_at" doc:"when its last delivery ended; null while one has not"`
}

func viewRun(r *webhook.Run, clients []webhook.RunClient, tallies map[webhook.ClientID]store.Tally) RunView {
	v := RunView{CompletedAt: r.FinishedAt, Clients: make([]runClientView, len(clients))}
	var t store.RunTotals
	for i := range clients {
		c := viewRunClient(&clients[i], tallies[clients[i].ClientID])
		v.Clients[i] = c
		t.Records, t.Bytes, t.Refused = t.Records+c.Records, t.Bytes+c.Bytes, t.Refused+c.Refused
		t.Pages, t.Released = t.Pages+int64(c.Pages), t.Released+int64(c.Sent)
		switch {
		case c.CompletedAt == nil || v.CompletedAt == nil:
			v.CompletedAt = nil
		case c.CompletedAt.After(*v.CompletedAt):
			v.CompletedAt = c.CompletedAt
		}
	}
	v.RunSummary = summarize(r, t)
	return v
}

func viewRunClient(c *webhook.RunClient, t store.Tally) runClientView {
	v := runClientView{
		ClientID: c.ClientID, Subscriptions: c.Subscriptions, State: c.State, Records: c.Records, LateRecords: c.LateRecords,
		Refused: c.Refused, Pages: c.Built, Bytes: c.Bytes, Sent: c.Released, Acknowledged: t.PagesAcknowledged, Failed: t.PagesFailed,
		RecordsAcknowledged: t.RecordsAcknowledged, RecordsFailed: t.RecordsFailed, StartedAt: c.StartedAt, FinishedAt: c.FinishedAt,
	}
	if v.Subscriptions == nil {
		v.Subscriptions = []webhook.SubscriptionID{}
	}
	if c.State == webhook.ClientDone && t.Waiting == 0 {
		v.CompletedAt = c.FinishedAt
		if t.LastEnded.After(*c.FinishedAt) {
			v.CompletedAt = &t.LastEnded
		}
	}
	return v
}

type runsQuery struct {
	Name string `path:"name"`
	Paging
	ClientID webhook.ClientID `query:"client_id" doc:"runs in which this client has a part; their counts are then its own"`
}

// Resolve checks the filter.
func (q *runsQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, false)
	return asErrors(f)
}

func (a *api) listRuns(ctx context.Context, in *runsQuery) (*reply[list[RunSummary]], error) {
	page, err := in.page(listRuns)
	if err != nil {
		return nil, err
	}
	if _, err := a.o.Store.Export(ctx, in.Name); err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.Runs(ctx, store.RunFilter{Export: in.Name, ClientID: in.ClientID}, page)
	if err != nil {
		return nil, err
	}
	views := make([]RunSummary, len(rows))
	for i := range rows {
		totals, err := a.o.Store.RunTotals(ctx, rows[i].ID, in.ClientID)
		if err != nil {
			return nil, err
		}
		hideOthers(&rows[i], in.ClientID)
		views[i] = summarize(&rows[i], totals)
	}
	return listOf(listRuns, views, next, func(v *RunSummary) RunSummary { return *v }), nil
}

// hideOthers takes out of a run what may be about other clients than one: why
// it does not go on names the client at which it stopped.
func hideOthers(r *webhook.Run, only webhook.ClientID) {
	if only != "" && r.ClientID != only && r.Error != "" {
		r.Error = "The run stopped for the moment; it is tried again by itself."
	}
}

// findRun reads a run with its counts, of one client unless only is ""; what
// has not the form of an id does not exist.
func (a *api) findRun(ctx context.Context, id webhook.RunID, only webhook.ClientID) (RunView, error) {
	if !webhook.ValidID(webhook.PrefixRun, string(id)) {
		return RunView{}, webhook.NotFound("run", clip(string(id)))
	}
	r, err := a.o.Store.Run(ctx, id)
	if err != nil {
		return RunView{}, err
	}
	hideOthers(&r, only)
	clients, err := a.o.Store.RunClients(ctx, r.ID)
	if err != nil {
		return RunView{}, err
	}
	if only != "" {
		clients = slices.DeleteFunc(clients, func(c webhook.RunClient) bool { return c.ClientID != only })
	}
	tallies, err := a.o.Store.Tallies(ctx, r.ID)
	if err != nil {
		return RunView{}, err
	}
	v := viewRun(&r, clients, tallies)
	for i := range v.Clients {
		c := &v.Clients[i]
		if c.Refused == 0 {
			continue
		}
		if c.RefusedRecords, err = a.o.Store.Refusals(ctx, r.ID, c.ClientID); err != nil {
			return RunView{}, err
		}
		for j := range c.RefusedRecords { // a platform may use an address as its key
			c.RefusedRecords[j].Key = a.redacted().Text(c.RefusedRecords[j].Key)
		}
	}
	return v, nil
}

type runQuery struct {
	ID       webhook.RunID    `path:"id"`
	ClientID webhook.ClientID `query:"client_id" doc:"the part of one client only"`
	Paging
}

// Resolve checks the filter.
func (q *runQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, false)
	return asErrors(f)
}

// runDetail is a run with a part of its pages.
type runDetail struct {
	RunView
	PageList list[pageView] `json:"page_list" doc:"by client and number; next_cursor leads to the next part"`
}

// pageView is a page with its deliveries.
type pageView struct {
	ClientID   webhook.ClientID   `json:"client_id"`
	Page       int                `json:"page" doc:"counted from 1"`
	MessageID  webhook.MessageID  `json:"message_id" doc:"the webhook-id header"`
	Records    int                `json:"records"`
	Bytes      int                `json:"bytes" doc:"of the body"`
	SHA256     string             `json:"sha256" doc:"of the body, in hex"`
	Deliveries []pageDeliveryView `json:"deliveries" nullable:"false" doc:"empty until the page is sent"`
}

type pageDeliveryView struct {
	ID             webhook.DeliveryID     `json:"id"`
	SubscriptionID webhook.SubscriptionID `json:"subscription_id"`
	State          webhook.DeliveryState  `json:"state"`
	AttemptCount   int                    `json:"attempt_count"`
	LastStatus     *int                   `json:"last_status" doc:"HTTP status of the last attempt"`
	LastError      webhook.ErrorCode      `json:"last_error,omitempty"`
	CreatedAt      time.Time              `json:"created_at"`
	FinishedAt     *time.Time             `json:"finished_at"`
}

func viewPage(p *store.PageReceipt) pageView {
	v := pageView{
		ClientID: p.ClientID, Page: p.Number, MessageID: p.MessageID, Records: p.Records, Bytes: p.Bytes,
		SHA256: fmt.Sprintf("%x", p.SHA256), Deliveries: make([]pageDeliveryView, len(p.Deliveries)),
	}
	for i, d := range p.Deliveries {
		v.Deliveries[i] = pageDeliveryView{
			ID: d.ID, SubscriptionID: d.SubscriptionID, State: d.State, AttemptCount: d.AttemptCount, LastStatus: d.LastStatus,
			LastError: d.LastError, CreatedAt: d.CreatedAt, FinishedAt: d.FinishedAt,
		}
	}
	return v
}

func (a *api) getRun(ctx context.Context, in *runQuery) (*reply[runDetail], error) {
	after, err := in.page(listRunPages)
	if err != nil {
		return nil, err
	}
	f := store.PageFilter{RunID: in.ID, ClientID: in.ClientID, Limit: in.Limit + 1}
	if f.AfterNumber, f.AfterClient, err = pageAfter(after.After); err != nil {
		return nil, err
	}
	run, err := a.findRun(ctx, in.ID, in.ClientID)
	if err != nil {
		return nil, err
	}
	rows, err := a.o.Store.PageReceipts(ctx, f)
	if err != nil {
		return nil, err
	}
	next := ""
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		last := &rows[in.Limit-1]
		next = strconv.Itoa(last.Number) + " " + string(last.ClientID)
	}
	return &reply[runDetail]{Value: runDetail{run, listOf(listRunPages, rows, next, viewPage).Value}}, nil
}

// pageAfter reads the key of a page in a cursor: its number and its client.
func pageAfter(key string) (int, webhook.ClientID, error) {
	if key == "" {
		return 0, "", nil
	}
	number, client, ok := strings.Cut(key, " ")
	n, err := strconv.Atoi(number)
	if err == nil && !ok {
		err = errors.New("a cursor of pages without a client")
	}
	return n, webhook.ClientID(client), err
}
