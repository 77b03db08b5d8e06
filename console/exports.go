package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const (
	calendarWeeks = 5 // this week and those before it
	nextFires     = 3 // how many fires of an export are told
)

// fire is a time of a schedule and the days that it covers.
type fire struct {
	At         time.Time
	Start, End string
}

// exportCard is an export as the page of all of them shows it.
type exportCard struct {
	webhook.Export
	Next         []fire
	Open         int64     // runs that have not ended
	LastFinished time.Time // zero: none has
	Weeks        [][]calendarDay
	Bad          int // days on which something is wrong
}

// calendarDay is a day of an export's calendar.
type calendarDay struct {
	Number int // of the day in its month
	Level  string
	Text   string // the same in words, for those who see neither colours nor shapes
	To     string // the export's runs from the end of that day back; "" where there is none
}

type exportsPage struct {
	Exports  []exportCard
	Weekdays []string // Monday first, short
}

func (c *console) showExports(v *visit) error {
	exports, err := c.o.Store.Exports(v.ctx)
	if err != nil {
		return err
	}
	stats, err := c.o.Store.ExportStats(v.ctx)
	if err != nil {
		return err
	}
	first := firstDay(v.now)
	runs, err := c.o.Store.RunDays(v.ctx, v.client(), first)
	if err != nil {
		return err
	}
	p := exportsPage{Weekdays: strings.Fields(v.t("exports.weekdays"))}
	for i := range exports {
		card := exportCard{Export: exports[i]}
		if v.who.BoundTo() == "" {
			s := stats[card.Name]
			card.Open, card.LastFinished = s.Open, s.LastFinished
		}
		if card.Next, err = c.upcoming(&exports[i]); err != nil {
			return err
		}
		days, bad := v.calendar(card.Name, first, runs)
		card.Weeks, card.Bad = slices.Collect(slices.Chunk(days, 7)), bad
		p.Exports = append(p.Exports, card)
	}
	return v.show("exports", p)
}

// firstDay is when the calendar begins: a Monday.
func firstDay(now time.Time) time.Time {
	y, m, d := now.In(brasilia).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, brasilia)
	sinceMonday := (int(today.Weekday()) + 6) % 7
	return today.AddDate(0, 0, -sinceMonday-7*(calendarWeeks-1))
}

// calendar is one export's days up to today, the oldest first.
func (v *visit) calendar(export string, first time.Time, runs []store.RunDay) (days []calendarDay, bad int) {
	for at := first; !at.After(v.now); at = at.AddDate(0, 0, 1) {
		day, n := at.Format(time.DateOnly), 0
		d := calendarDay{Number: at.Day(), Level: "none"}
		if i := slices.IndexFunc(runs, func(r store.RunDay) bool { return r.Export == export && r.Day == day }); i >= 0 {
			n, d.Level = int(runs[i].Runs), dayLevel(&runs[i])
			d.To = "/console/exports/" + export + "?" + afterParam + "=" + webhook.FirstIDAt(webhook.PrefixRun, at.AddDate(0, 0, 1))
		}
		if d.Level == "bad" {
			bad++
		}
		d.Text = fmt.Sprintf(v.c.words[v.lang].orWord("exports.day.", d.Level), day, v.lang.number(n))
		days = append(days, d)
	}
	return days, bad
}

// Shape is the picture of the day's level: that of a state.
func (d calendarDay) Shape() string {
	switch d.Level {
	case "bad":
		return "failed"
	case "open":
		return "pending"
	case "late":
		return "warn"
	}
	return "ok"
}

// dayLevel is the worst of what happened on a day: "bad", "open", "late" or "ok".
func dayLevel(r *store.RunDay) string {
	switch {
	case r.Failing > 0:
		return "bad"
	case r.Open > 0:
		return "open"
	case r.Late > 0:
		return "late"
	}
	return "ok"
}

// upcoming tells when an export fires next.
func (c *console) upcoming(e *webhook.Export) ([]fire, error) {
	next, err := c.o.Scheduler.Upcoming(e, nextFires)
	out := make([]fire, len(next))
	for i, u := range next {
		start, end := scheduler.Dates(u.Window, e.Zone)
		out[i] = fire{u.At, start, end}
	}
	return out, err
}

// runRow is a run in a list.
type runRow struct {
	webhook.Run
	store.RunTotals
	Start, End string
}

type exportPage struct {
	Export webhook.Export
	Next   []fire
	Form   *form // of a backfill
	Runs   []runRow
	Pager  pager
}

func (c *console) showExport(v *visit) error {
	return v.exportPage(200, newForm("start_date", "", "end_date", ""))
}

// exportPage shows an export with the form of a backfill.
func (v *visit) exportPage(status int, f *form) error {
	c := v.c
	e, err := c.o.Store.Export(v.ctx, v.r.PathValue("name"))
	if err != nil {
		return err
	}
	p := exportPage{Export: e, Form: f}
	if p.Next, err = c.upcoming(&e); err != nil {
		return err
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	runs, next, err := c.o.Store.Runs(v.ctx, store.RunFilter{Export: e.Name, ClientID: v.client()}, at)
	if err != nil {
		return err
	}
	if p.Runs, err = v.runRows(runs); err != nil {
		return err
	}
	p.Pager = v.pager(next)
	return v.showWith(status, "export", p)
}

// runRows adds to runs what they have in them, as far as it is the visitor's.
func (v *visit) runRows(runs []webhook.Run) ([]runRow, error) {
	out := make([]runRow, len(runs))
	for i := range runs {
		totals, err := v.c.o.Store.RunTotals(v.ctx, runs[i].ID, v.client())
		if err != nil {
			return nil, err
		}
		out[i] = runRow{Run: runs[i], RunTotals: totals}
		out[i].Start, out[i].End = scheduler.Dates(runs[i].Window, runs[i].Zone)
	}
	return out, nil
}

type previewPage struct {
	Export     webhook.Export
	Start, End string // of the window
	Named      bool   // the visitor named the days
	Client     webhook.ClientID
	Clients    []scheduler.PreviewClient
	Records    int64
	Pages      int
	Bytes      int64
	Refused    int64
	FirstPage  string // without personal data, cut
	Cut        bool
	Reveal     bool
}

// shownPage is how much of a page's body is shown, in bytes.
const shownPage = 64 << 10

func (c *console) previewExport(v *visit) error {
	f, name := v.typed(), v.r.PathValue("name")
	q := scheduler.Period{
		Export: name, StartDate: strings.TrimSpace(f.Get("start_date")), EndDate: strings.TrimSpace(f.Get("end_date")), ClientID: v.client(),
	}
	if msg := q.ClientID.Fault(); q.ClientID != "" && msg != "" {
		f.fault("/client_id", msg)
		return v.exportPage(422, f)
	}
	preview, err := c.o.Scheduler.Preview(v.ctx, q)
	if f.refused(err) {
		return v.exportPage(422, f)
	}
	if err != nil {
		return err
	}
	s, err := v.sight(webhook.AuditEntry{Resource: webhook.ResourceExport, ResourceID: name, ClientID: q.ClientID})
	if err != nil {
		return err
	}
	p := previewPage{Export: preview.Export, Named: q.StartDate != "" || q.EndDate != "", Client: q.ClientID, Clients: preview.Clients, Reveal: v.revealing()}
	p.Start, p.End = scheduler.Dates(preview.Window, preview.Export.Zone)
	for _, one := range preview.Clients {
		p.Records, p.Pages, p.Bytes, p.Refused = p.Records+one.Records, p.Pages+one.Pages, p.Bytes+one.Bytes, p.Refused+one.Refused
	}
	p.FirstPage, p.Cut = clip(s.JSON(preview.FirstPage), shownPage)
	return v.show("preview", p)
}

// clip is the beginning of a text that is too long to be shown.
func clip(text []byte, most int) (string, bool) {
	if len(text) <= most {
		return string(text), false
	}
	return strings.ToValidUTF8(string(text[:most]), ""), true
}

// startRun makes a run of the days of the form, or of what the schedule would
// take now.
func (c *console) startRun(v *visit) error {
	f := v.typed()
	ctx, cancel := v.outliving()
	defer cancel()
	run, err := c.o.Scheduler.RunNow(ctx, scheduler.RunRequest{Period: scheduler.Period{
		Export: v.r.PathValue("name"), StartDate: strings.TrimSpace(f.Get("start_date")), EndDate: strings.TrimSpace(f.Get("end_date")),
		ClientID: v.client(),
	}}, nil)
	if f.refused(err) {
		return v.exportPage(422, f)
	}
	if err != nil {
		return err
	}
	return v.finish("/console/runs/"+string(run.ID), "run.started")
}

type schedulePage struct {
	Export  webhook.Export
	Form    *form
	Windows []choice
	Next    []fire // by what is typed; nil: it was not asked for
}

// changesExport are the fields of the form of a schedule.
func changesExport() []string {
	return []string{"cron", "zone", "window", "page_size", "page_bytes", "enabled"}
}

func (c *console) editExport(v *visit) error {
	e, err := c.o.Store.Export(v.ctx, v.r.PathValue("name"))
	if err != nil {
		return err
	}
	f := newForm("cron", e.Cron, "zone", e.Zone, "window", string(e.Window),
		"page_size", strconv.Itoa(e.PageSize), "page_bytes", strconv.Itoa(e.PageBytes))
	if e.Enabled {
		f.Values.Set("enabled", "true")
	}
	p := schedulePage{Export: e, Form: f, Windows: v.windowChoices()}
	if p.Next, err = c.upcoming(&e); err != nil {
		return err
	}
	return v.show("schedule", p)
}

func (v *visit) windowChoices() []choice {
	var out []choice
	for _, rule := range []webhook.WindowRule{webhook.PreviousDay, webhook.PreviousWeek, webhook.SinceLastRun} {
		out = append(out, choice{Value: string(rule), Label: v.c.words[v.lang].orWord("window.", string(rule))})
	}
	return out
}

// changeExport saves a schedule, or shows what it would fire.
func (c *console) changeExport(v *visit) error {
	e, err := c.o.Store.Export(v.ctx, v.r.PathValue("name"))
	if err != nil {
		return err
	}
	f := v.typed()
	p := schedulePage{Export: e, Form: f, Windows: v.windowChoices()}
	patch := v.exportPatch(f)
	if f.Wrong() {
		return v.showWith(422, "schedule", p)
	}
	next, err := c.o.Scheduler.Edited(v.ctx, e.Name, patch)
	if f.refused(err) {
		return v.showWith(422, "schedule", p)
	}
	if err != nil {
		return err
	}
	if f.Get("do") == "check" {
		if p.Next, err = c.upcoming(&next); err != nil {
			return err
		}
		return v.show("schedule", p)
	}
	v.changing(changesExport())
	ctx, cancel := v.outliving()
	defer cancel()
	if _, err := c.o.Scheduler.Edit(ctx, e.Name, patch); err != nil {
		return err
	}
	return v.finish("/console/exports/"+e.Name, "schedule.saved")
}

// exportPatch reads the form of a schedule.
func (v *visit) exportPatch(f *form) scheduler.ExportPatch {
	text := func(name string) *string { s := strings.TrimSpace(f.Get(name)); return &s }
	whole := func(name string) *int {
		n, err := strconv.Atoi(strings.TrimSpace(f.Get(name)))
		if err != nil {
			f.fault("/"+name, v.t("form.no_number"))
		}
		return &n
	}
	window, enabled := webhook.WindowRule(f.Get("window")), f.Get("enabled") == "true"
	return scheduler.ExportPatch{
		Cron: text("cron"), Zone: text("zone"), Window: &window, PageSize: whole("page_size"), PageBytes: whole("page_bytes"), Enabled: &enabled,
	}
}
