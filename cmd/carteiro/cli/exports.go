package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type exportsCommand struct {
	Flags
	List     listExports    `cmd:"" default:"withargs" help:"List the exports, and when each runs next."`
	Get      getExport      `cmd:"" help:"Show one export, its schedule and its next windows."`
	Preview  previewExport  `cmd:"" help:"Count what a run would send, and show the first page. Nothing is sent."`
	Run      runExport      `cmd:"" help:"Run now, with the window that the schedule would take."`
	Backfill backfillExport `cmd:"" help:"Run for a past period, exactly."`
	Update   updateExport   `cmd:"" help:"Change what is given of an export's schedule, and nothing else."`
}

// exportView is an export as the API shows it.
type exportView struct {
	Name      string `json:"name"`
	Event     string `json:"event"`
	Dataset   string `json:"dataset"`
	Cron      string `json:"cron"`
	Zone      string `json:"zone"`
	Window    string `json:"window"`
	PageSize  int    `json:"page_size"`
	PageBytes int64  `json:"page_bytes"`
	Enabled   bool   `json:"enabled"`
	NextFires []struct {
		At        time.Time `json:"at"`
		StartDate string    `json:"start_date"`
		EndDate   string    `json:"end_date"`
	} `json:"next_fires"`
}

func exportPath(name ID, rest string) string {
	return apiclient.Path("/v1/exports/%s", string(name)) + rest
}

// days are a window's, in few words.
func days(start, end string) string {
	if start == end {
		return start
	}
	return start + " to " + end
}

type listExports struct{}

func (c listExports) Run(s *Session) error {
	answer, err := s.do(get("/v1/exports", nil))
	if err != nil {
		return err
	}
	var page apiclient.Page
	if err := apiclient.Decode(answer.Body, &page); err != nil {
		return err
	}
	if s.o.Flags.JSON {
		return s.lines(page.Data)
	}
	t := s.out.Table(show.Columns("NAME", "EVENT", "CRON", "ZONE", "WINDOW", "NEXT RUN", "IN", "FOR")...)
	err = eachOf(page.Data, func(v *exportView) {
		next, in, window := "off", "", ""
		if len(v.NextFires) > 0 {
			n := &v.NextFires[0]
			next, in, window = s.out.Time(&n.At), s.out.In(&n.At), days(n.StartDate, n.EndDate)
		}
		t.Row(show.Texts(v.Name, v.Event, v.Cron, v.Zone, v.Window, next, in, window)...)
	})
	if err != nil {
		return err
	}
	return t.Flush()
}

type getExport struct {
	Name ID `arg:"" predictor:"export" help:"cadastros, vendas, ingressos or financeiro."`
}

func (c getExport) Run(s *Session) error {
	return one(s, get(exportPath(c.Name, ""), nil), s.showExport)
}

func (s *Session) showExport(v *exportView) error {
	enabled := show.Cell{Text: "on", Color: show.Green}
	if !v.Enabled {
		enabled = show.Cell{Text: "off", Color: show.Yellow}
	}
	fields := []show.Field{
		field("name", v.Name), field("event", v.Event), field("dataset", v.Dataset),
		{Name: "schedule", Value: enabled},
		field("cron", v.Cron+" at "+v.Zone), field("window", v.Window),
		field("page", fmt.Sprintf("at most %s records and %s", show.Number(int64(v.PageSize)), show.Bytes(v.PageBytes))),
	}
	for i := range v.NextFires {
		n := &v.NextFires[i]
		fields = append(fields, field("next run", fmt.Sprintf("%s (%s), for %s", s.out.Time(&n.At), s.out.In(&n.At), days(n.StartDate, n.EndDate))))
	}
	return s.out.Fields(fields...)
}

// period is a span of days.
type period struct {
	From string `help:"First day, YYYY-MM-DD." placeholder:"DAY"`
	To   string `help:"Last day, included; the first one when nothing is given." placeholder:"DAY"`
}

func (p period) last() string {
	if p.To == "" {
		return p.From
	}
	return p.To
}

type previewExport struct {
	Name ID `arg:"" predictor:"export" help:"cadastros, vendas, ingressos or financeiro."`
	period
	Client string `predictor:"client" help:"Of this client only." placeholder:"ID"`
	revealing
}

func (c previewExport) Run(s *Session) error {
	q := c.query()
	q.set("start_date", c.From)
	q.set("end_date", c.last())
	q.set("client_id", c.Client)
	type preview struct {
		Export    string          `json:"export"`
		Event     string          `json:"event"`
		StartDate string          `json:"start_date"`
		EndDate   string          `json:"end_date"`
		Records   int64           `json:"records"`
		Pages     int64           `json:"pages"`
		Bytes     int64           `json:"bytes"`
		Clients   []clientCounts  `json:"clients"`
		FirstPage json.RawMessage `json:"first_page"`
	}
	return one(s, get(exportPath(c.Name, "/preview"), q), func(v *preview) error {
		err := s.out.Fields(
			field("export", v.Export), field("event", v.Event), field("days", days(v.StartDate, v.EndDate)),
			field("records", show.Number(v.Records)), field("pages", show.Number(v.Pages)), field("bytes", show.Bytes(v.Bytes)),
		)
		if err != nil || len(v.Clients) == 0 {
			return err
		}
		t := s.out.Table(
			show.Column{Head: "CLIENT"}, show.Column{Head: "RECORDS", Right: true}, show.Column{Head: "LATE", Right: true},
			show.Column{Head: "REFUSED", Right: true}, show.Column{Head: "PAGES", Right: true}, show.Column{Head: "BYTES", Right: true},
		)
		for _, n := range v.Clients {
			t.Row(show.Texts(n.ClientID, show.Number(n.Records), show.Number(n.LateRecords), show.Number(n.Refused), show.Number(n.Pages), show.Bytes(n.Bytes))...)
		}
		if err := s.out.Line(""); err != nil {
			return err
		}
		if err := t.Flush(); err != nil || len(v.FirstPage) == 0 {
			return err
		}
		return s.out.Line("\nThe first page:\n%s", show.Clean(show.JSON(v.FirstPage)))
	})
}

// target is for whom a run is, and whether it is waited for.
type target struct {
	Client       string `predictor:"client" help:"For this client only." placeholder:"ID"`
	Subscription string `predictor:"subscription" help:"For this subscription only." placeholder:"ID"`
	Wait         bool   `help:"Wait until every delivery has ended, and fail when one has failed. Otherwise until every page is a delivery."`
	NoWait       bool   `help:"Do not wait at all."`
}

func (t target) start(s *Session, name ID, p period) error {
	body := map[string]string{}
	for field, value := range map[string]string{
		"start_date": p.From, "end_date": p.last(), "client_id": t.Client, "subscription_id": t.Subscription,
	} {
		if value != "" {
			body[field] = value
		}
	}
	r := post(exportPath(name, "/runs"), body)
	r.Keyed = true
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	var run runView
	if err := apiclient.Decode(answer.Body, &run); err != nil {
		return err
	}
	if t.NoWait {
		if s.o.Flags.JSON {
			return s.json(answer.Body)
		}
		return s.showRun(&run)
	}
	return s.waitForRun(ID(run.ID), t.Wait)
}

type runExport struct {
	Name ID `arg:"" predictor:"export" help:"cadastros, vendas, ingressos or financeiro."`
	target
}

func (c runExport) Run(s *Session) error { return c.start(s, c.Name, period{}) }

type backfillExport struct {
	Name ID `arg:"" predictor:"export" help:"cadastros, vendas, ingressos or financeiro."`
	period
	target
}

func (c backfillExport) Run(s *Session) error {
	if c.From == "" {
		return usage("--from is needed: the first day of the period, such as 2025-06-15")
	}
	return c.start(s, c.Name, c.period)
}

type updateExport struct {
	Name      ID      `arg:"" predictor:"export" help:"cadastros, vendas, ingressos or financeiro."`
	Cron      *string `help:"Five fields, or six with seconds first." placeholder:"CRON"`
	Zone      *string `help:"A fixed offset, such as -03:00." placeholder:"ZONE"`
	Window    *string `enum:"previous_day,previous_week_mon_sun,since_last_run" help:"previous_day, previous_week_mon_sun or since_last_run." placeholder:"RULE"`
	PageSize  *int    `help:"Records of a page, at most." placeholder:"N"`
	PageBytes *int    `help:"Bytes of a page's body, at most." placeholder:"N"`
	Enable    bool    `xor:"enabled" help:"It runs by its schedule."`
	Disable   bool    `xor:"enabled" help:"It never runs by itself."`
}

func (c updateExport) Run(s *Session) error {
	body := map[string]any{}
	put(body, "cron", c.Cron)
	put(body, "zone", c.Zone)
	put(body, "window", c.Window)
	put(body, "page_size", c.PageSize)
	put(body, "page_bytes", c.PageBytes)
	if c.Enable || c.Disable {
		body["enabled"] = c.Enable
	}
	if len(body) == 0 {
		return usage("nothing is said that should change; \"carteiro exports update --help\" lists what can")
	}
	return one(s, apiclient.Request{Method: http.MethodPatch, Path: exportPath(c.Name, ""), Body: body}, s.showExport)
}
