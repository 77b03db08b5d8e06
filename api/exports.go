package api

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// exportView is a schedule with the times at which it fires next.
type exportView struct {
	webhook.Export
	UpdatedAt *time.Time `json:"updated_at" doc:"when it was last changed; null: it is as it was shipped"`
	NextFires []fireView `json:"next_fires" nullable:"false" doc:"empty while it is not enabled"`
}

// fireView is one time of a schedule, and what it will cover.
type fireView struct {
	At time.Time `json:"at"`
	SpanView
}

// SpanView is a window: its days in the export's zone, both included, and its
// exact times. (Exported because huma describes embedded fields of exported
// types only.)
type SpanView struct {
	StartDate string    `json:"start_date" doc:"first day"`
	EndDate   string    `json:"end_date" doc:"last day, included"`
	From      time.Time `json:"from" doc:"the first moment"`
	To        time.Time `json:"to" doc:"the end, not included"`
}

func viewSpan(w webhook.Window, zone string) SpanView {
	start, end := scheduler.Dates(w, zone)
	return SpanView{StartDate: start, EndDate: end, From: w.From, To: w.To}
}

// nextFires is how many fires of an export are told.
const nextFires = 3

func (a *api) viewExport(e *webhook.Export) (exportView, error) {
	v := exportView{Export: *e, NextFires: []fireView{}}
	if e.UpdatedAt.Unix() > 0 {
		v.UpdatedAt = &e.UpdatedAt
	}
	next, err := a.o.Scheduler.Upcoming(e, nextFires)
	for _, u := range next {
		v.NextFires = append(v.NextFires, fireView{u.At, viewSpan(u.Window, e.Zone)})
	}
	return v, err
}

func (a *api) listExports(ctx context.Context, _ *struct{}) (*reply[list[exportView]], error) {
	rows, err := a.o.Store.Exports(ctx)
	if err != nil {
		return nil, err
	}
	out := list[exportView]{Data: make([]exportView, len(rows))}
	for i := range rows {
		if out.Data[i], err = a.viewExport(&rows[i]); err != nil {
			return nil, err
		}
	}
	return &reply[list[exportView]]{Value: out}, nil
}

type exportPath struct {
	Name string `path:"name" doc:"cadastros, vendas, ingressos or financeiro"`
}

func (a *api) getExport(ctx context.Context, in *exportPath) (*reply[exportView], error) {
	e, err := a.o.Store.Export(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	v, err := a.viewExport(&e)
	return &reply[exportView]{Value: v}, err
}

type changeExport struct {
	Name    string                `path:"name"`
	Content jsonBody[exportPatch] `json:"-"`
}

// exportPatch is what may be changed of an export.
type exportPatch struct {
	Cron      string             `json:"cron,omitempty" doc:"five fields, or six with seconds first"`
	Zone      string             `json:"zone,omitempty" doc:"a fixed offset, such as -03:00"`
	Window    webhook.WindowRule `json:"window,omitempty" enum:"previous_day,previous_week_mon_sun,since_last_run"`
	PageSize  int                `json:"page_size,omitempty" doc:"records of a page, at most"`
	PageBytes int                `json:"page_bytes,omitempty" doc:"bytes of a page's body, at most"`
	Enabled   bool               `json:"enabled,omitempty" doc:"false: it never fires by itself"`

	patch scheduler.ExportPatch
}

func (b *exportPatch) decode(o *object) {
	b.patch = scheduler.ExportPatch{
		Cron: ifGiven(o, "cron", text(o, "cron", &b.Cron), &b.Cron), Zone: ifGiven(o, "zone", text(o, "zone", &b.Zone), &b.Zone),
		Window:    ifGiven(o, "window", text(o, "window", &b.Window), &b.Window),
		PageSize:  ifGiven(o, "page_size", o.integer("page_size", 1, &b.PageSize), &b.PageSize),
		PageBytes: ifGiven(o, "page_bytes", o.integer("page_bytes", webhook.MinPageBytes, &b.PageBytes), &b.PageBytes),
		Enabled:   ifGiven(o, "enabled", o.boolean("enabled", &b.Enabled), &b.Enabled),
	}
}

// ifGiven is a field of a patch that has no default to go back to.
func ifGiven[T any](o *object, name string, p presence, value *T) *T {
	switch p {
	case given:
		return value
	case null:
		o.fault(name, "must not be null")
	}
	return nil
}

func (b *exportPatch) bodyRules() bodyRules { return bodyRules{limit: maxBody, mergePatch: true} }

func (a *api) changeExport(ctx context.Context, in *changeExport) (*reply[exportView], error) {
	e, err := a.o.Scheduler.Edit(ctx, in.Name, in.Content.value.patch)
	if err != nil {
		return nil, err
	}
	v, err := a.viewExport(&e)
	return &reply[exportView]{Value: v}, err
}

type previewExport struct {
	Revealing
	Name      string           `path:"name"`
	StartDate string           `query:"start_date" doc:"first day, YYYY-MM-DD in the export's zone; neither day: what a scheduled run would take now"`
	EndDate   string           `query:"end_date" doc:"last day, included"`
	ClientID  webhook.ClientID `query:"client_id" doc:"one client; all when nothing is given"`
}

// Resolve checks the filters.
func (in *previewExport) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", in.ClientID, false)
	return asErrors(f)
}

// previewView is what a run would send. Nothing was sent.
type previewView struct {
	Export string       `json:"export"`
	Event  webhook.Slug `json:"event"`
	SpanView
	Records   int64                     `json:"records"`
	Pages     int                       `json:"pages"`
	Bytes     int64                     `json:"bytes" doc:"of all bodies"`
	Clients   []scheduler.PreviewClient `json:"clients" nullable:"false"`
	FirstPage any                       `json:"first_page,omitempty" doc:"the body of the first page, without personal data; not there when there is none"`
}

func (a *api) previewExport(ctx context.Context, in *previewExport) (*reply[previewView], error) {
	p, err := a.o.Scheduler.Preview(ctx, scheduler.Period{
		Export: in.Name, StartDate: in.StartDate, EndDate: in.EndDate, ClientID: in.ClientID,
	})
	if err != nil {
		return nil, asQuery(err)
	}
	v := previewView{Export: p.Export.Name, Event: p.Export.Event, SpanView: viewSpan(p.Window, p.Export.Zone), Clients: p.Clients}
	for _, c := range p.Clients {
		v.Records, v.Pages, v.Bytes = v.Records+c.Records, v.Pages+c.Pages, v.Bytes+c.Bytes
	}
	s, err := a.sightOf(ctx, in.Revealing, webhook.AuditEntry{Resource: webhook.ResourceExport, ResourceID: in.Name, ClientID: in.ClientID})
	if err != nil {
		return nil, err
	}
	body, err := encodeJSON(v)
	if err == nil && p.FirstPage != nil {
		// By hand: an encoder would rewrite the platform's bytes.
		body = append(bytes.TrimSuffix(body, []byte("}")), `,"first_page":`...)
		body = append(append(body, s.JSON(p.FirstPage)...), '}')
	}
	return &reply[previewView]{Raw: body}, err
}

// asQuery names faults by query parameters instead of places in a body.
func asQuery(err error) error {
	var e *webhook.Error
	if !errors.As(err, &e) {
		return err
	}
	moved := *e
	moved.Faults = slices.Clone(e.Faults)
	for i := range moved.Faults {
		moved.Faults[i].Path = strings.TrimPrefix(moved.Faults[i].Path, "/")
	}
	return &moved
}

type startRun struct {
	Keyed
	Name    string            `path:"name"`
	Content jsonBody[runBody] `json:"-"`
}

// runBody asks for a run.
type runBody struct {
	StartDate      string                 `json:"start_date,omitempty" doc:"first day, YYYY-MM-DD; neither day: the window that the schedule would take now"`
	EndDate        string                 `json:"end_date,omitempty" doc:"last day, included"`
	ClientID       webhook.ClientID       `json:"client_id,omitempty" doc:"one client; all when nothing is given"`
	SubscriptionID webhook.SubscriptionID `json:"subscription_id,omitempty" doc:"one subscription; all that match when nothing is given"`
}

func (b *runBody) decode(o *object) {
	filled(o, "start_date", &b.StartDate)
	filled(o, "end_date", &b.EndDate)
	filled(o, "client_id", &b.ClientID)
	filled(o, "subscription_id", &b.SubscriptionID)
}

func (b *runBody) bodyRules() bodyRules { return bodyRules{limit: maxBody, optional: true} }

func (a *api) startRun(ctx context.Context, in *startRun) (*reply[RunView], error) {
	key := in.idempotency(ctx, in.Content.raw)
	if key != nil { // before today's date is asked for: it may be another one now
		if err := a.o.Store.FindIdempotent(ctx, key); err != nil {
			return madeBefore[RunView](err, runURL)
		}
	}
	b := &in.Content.value
	var body []byte
	run, err := a.o.Scheduler.RunNow(ctx, scheduler.RunRequest{
		Period:         scheduler.Period{Export: in.Name, StartDate: b.StartDate, EndDate: b.EndDate, ClientID: b.ClientID},
		SubscriptionID: b.SubscriptionID,
	}, func(run *webhook.Run) (*store.Idempotency, error) {
		var err error
		body, err = encodeJSON(viewRun(run, nil, nil))
		return answered(key, http.StatusAccepted, body), err
	})
	if err != nil {
		return madeBefore[RunView](err, runURL)
	}
	return &reply[RunView]{Location: runURL(run.ID), Raw: body}, nil
}

func runURL(id webhook.RunID) string { return "/v1/runs/" + string(id) }
