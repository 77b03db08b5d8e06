package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type runsCommand struct {
	Flags
	List    listRuns   `cmd:"" default:"withargs" help:"List runs."`
	Get     getRun     `cmd:"" help:"Show one run, what became of it for each client, and its pages."`
	Receipt getReceipt `cmd:"" help:"The receipt of a run: every page, its deliveries, and what became of them."`
	Wait    waitRun    `cmd:"" help:"Wait until a run's deliveries have ended; fail when one has failed."`
}

// runView is a run as the API shows it.
type runView struct {
	ID             string         `json:"id"`
	Export         string         `json:"export"`
	Event          string         `json:"event"`
	Trigger        string         `json:"trigger"`
	ScheduledFor   *time.Time     `json:"scheduled_for"`
	Late           bool           `json:"late"`
	ClientID       string         `json:"client_id"`
	SubscriptionID string         `json:"subscription_id"`
	State          string         `json:"state"`
	Error          string         `json:"error"`
	StartDate      string         `json:"start_date"`
	EndDate        string         `json:"end_date"`
	Records        int64          `json:"records"`
	Pages          int64          `json:"pages"`
	Sent           int64          `json:"sent"`
	Bytes          int64          `json:"bytes"`
	Refused        int64          `json:"refused"`
	CreatedAt      time.Time      `json:"created_at"`
	FinishedAt     *time.Time     `json:"finished_at"`
	CompletedAt    *time.Time     `json:"completed_at"`
	Clients        []clientCounts `json:"clients"`
	PageList       struct {
		Data []pageView `json:"data"`
		Next string     `json:"next_cursor"`
	} `json:"page_list"`
}

// clientCounts is the part of one client in a run, or in a preview.
type clientCounts struct {
	ClientID     string `json:"client_id"`
	Records      int64  `json:"records"`
	LateRecords  int64  `json:"late_records"`
	Refused      int64  `json:"refused"`
	Pages        int64  `json:"pages"`
	Bytes        int64  `json:"bytes"`
	Sent         int64  `json:"sent"`
	Acknowledged int64  `json:"acknowledged"`
	Failed       int64  `json:"failed"`
	Refusals     []struct {
		Line   int    `json:"line"`
		Key    string `json:"key"`
		Reason string `json:"reason"`
	} `json:"refused_records"`
}

type pageView struct {
	ClientID   string `json:"client_id"`
	Page       int    `json:"page"`
	Records    int64  `json:"records"`
	Bytes      int64  `json:"bytes"`
	Deliveries []struct {
		ID           string `json:"id"`
		State        string `json:"state"`
		AttemptCount int    `json:"attempt_count"`
		LastStatus   *int   `json:"last_status"`
		LastError    string `json:"last_error"`
	} `json:"deliveries"`
}

type listRuns struct {
	Export string `arg:"" optional:"" predictor:"export" help:"Of this export; of all when nothing is given."`
	Client string `predictor:"client" help:"In which this client has a part; the counts are then its own." placeholder:"ID"`
	paging
}

// Run asks for the runs of each export, as the API has them, and puts the
// newest first.
func (c listRuns) Run(s *Session) error {
	names := []string{c.Export}
	if c.Export == "" {
		var err error
		if names, err = s.exportNames(); err != nil {
			return err
		}
	}
	most, err := c.most()
	if err != nil {
		return err
	}
	api, err := s.client()
	if err != nil {
		return err
	}
	q := query{}
	q.set("client_id", c.Client)
	var all []listedRun
	more := false
	for _, name := range names {
		others, err := api.List(s, exportPath(ID(name), "/runs"), url.Values(q), most, func(p apiclient.Page) error {
			for _, raw := range p.Data {
				r := listedRun{raw: raw}
				if err := apiclient.Decode(raw, &r.runView); err != nil {
					return err
				}
				all = append(all, r)
			}
			return nil
		})
		if err != nil {
			return err
		}
		more = more || others
	}
	slices.SortStableFunc(all, func(a, b listedRun) int { return cmp.Compare(b.ID, a.ID) }) // ids sort by time
	if most > 0 && len(all) > most {
		all, more = all[:most], true
	}
	return s.showRuns(all, more)
}

// listedRun is a run of a list, and how it came.
type listedRun struct {
	runView
	raw json.RawMessage
}

func (s *Session) showRuns(runs []listedRun, more bool) error {
	if s.o.Flags.JSON {
		for i := range runs {
			if err := s.json(runs[i].raw); err != nil {
				return err
			}
		}
		return nil
	}
	if len(runs) == 0 {
		return s.note.Line("There are no runs.")
	}
	t := s.out.Table(
		show.Column{Head: "ID"}, show.Column{Head: "EXPORT"}, show.Column{Head: "BY"}, show.Column{Head: "CREATED"}, show.Column{Head: "FOR"},
		show.Column{Head: "STATE"}, show.Column{Head: "RECORDS", Right: true}, show.Column{Head: "PAGES", Right: true}, show.Column{Head: "SENT", Right: true},
	)
	for i := range runs {
		r := &runs[i]
		t.Row(
			show.Text(r.ID), show.Text(r.Export), show.Text(r.Trigger), show.Text(s.out.Time(&r.CreatedAt)), show.Text(days(r.StartDate, r.EndDate)),
			stateCell(r.State), show.Text(show.Number(r.Records)), show.Text(show.Number(r.Pages)), show.Text(show.Number(r.Sent)),
		)
	}
	if err := t.Flush(); err != nil || !more {
		return err
	}
	return s.note.Line("There are more: --limit N or --all shows them.")
}

func (s *Session) exportNames() ([]string, error) {
	page, err := fetch[struct{ Data []exportView }](s, "/v1/exports", nil)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(page.Data))
	for i := range page.Data {
		names[i] = page.Data[i].Name
	}
	return names, nil
}

func runPath(id ID, rest string) string { return apiclient.Path("/v1/runs/%s", string(id)) + rest }

type getRun struct {
	ID     ID     `arg:"" predictor:"run" help:"The run's id."`
	Client string `predictor:"client" help:"The part of this client only." placeholder:"ID"`
	Limit  int    `default:"50" help:"How many pages at most (default ${default}); \"runs receipt\" has all." placeholder:"N"`
}

func (c getRun) Run(s *Session) error {
	q := query{}
	q.set("client_id", c.Client)
	q.set("limit", fmt.Sprint(c.Limit))
	return one(s, get(runPath(c.ID, ""), q), s.showRun)
}

func (s *Session) showRun(v *runView) error {
	state := stateCell(v.State)
	if v.State == "finished" && v.CompletedAt == nil {
		state.Text += ", deliveries under way"
	}
	fields := []show.Field{
		field("id", v.ID), field("export", v.Export+" ("+v.Event+")"), field("by", v.Trigger), field("days", days(v.StartDate, v.EndDate)),
		field("only", v.ClientID+v.SubscriptionID),
		{Name: "state", Value: state},
		field("stopped by", v.Error),
		field("records", show.Number(v.Records)), field("pages", fmt.Sprintf("%s, %s sent, %s", show.Number(v.Pages), show.Number(v.Sent), show.Bytes(v.Bytes))),
		field("created", s.out.Time(&v.CreatedAt)),
	}
	if v.ScheduledFor != nil {
		fields = append(fields, field("scheduled for", s.out.Time(v.ScheduledFor)))
	}
	if v.CompletedAt != nil {
		fields = append(fields, field("completed", s.out.Time(v.CompletedAt)))
	}
	if err := s.out.Fields(fields...); err != nil {
		return err
	}
	if err := s.clientTable(v.Clients); err != nil {
		return err
	}
	return s.pageTable(v)
}

// clientTable is the receipt by client.
func (s *Session) clientTable(clients []clientCounts) error {
	if len(clients) == 0 {
		return nil
	}
	t := s.out.Table(
		show.Column{Head: "CLIENT"}, show.Column{Head: "RECORDS", Right: true}, show.Column{Head: "LATE", Right: true}, show.Column{Head: "REFUSED", Right: true},
		show.Column{Head: "PAGES", Right: true}, show.Column{Head: "SENT", Right: true}, show.Column{Head: "ACKNOWLEDGED", Right: true}, show.Column{Head: "FAILED", Right: true},
	)
	for _, n := range clients {
		failed := show.Text(show.Number(n.Failed))
		if n.Failed > 0 {
			failed.Color = show.Red
		}
		t.Row(append(show.Texts(n.ClientID, show.Number(n.Records), show.Number(n.LateRecords), show.Number(n.Refused),
			show.Number(n.Pages), show.Number(n.Sent), show.Number(n.Acknowledged)), failed)...)
	}
	if err := s.out.Line(""); err != nil {
		return err
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, n := range clients {
		for _, r := range n.Refusals {
			if err := s.out.Line("refused: %s %s: %s", show.OneLine(n.ClientID), show.OneLine(r.Key), show.OneLine(r.Reason)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Session) pageTable(v *runView) error {
	if len(v.PageList.Data) == 0 {
		return nil
	}
	t := s.out.Table(
		show.Column{Head: "PAGE", Right: true}, show.Column{Head: "CLIENT"}, show.Column{Head: "RECORDS", Right: true}, show.Column{Head: "BYTES", Right: true},
		show.Column{Head: "DELIVERY"}, show.Column{Head: "STATE"}, show.Column{Head: "ATTEMPTS", Right: true}, show.Column{Head: "LAST"},
	)
	for _, p := range v.PageList.Data {
		cells := show.Texts(fmt.Sprint(p.Page), p.ClientID, show.Number(p.Records), show.Bytes(p.Bytes))
		if len(p.Deliveries) == 0 {
			t.Row(cells...)
		}
		for _, d := range p.Deliveries {
			last := statusText(d.LastStatus)
			if last == "" {
				last = d.LastError
			}
			t.Row(append(cells[:len(cells):len(cells)], show.Text(d.ID), stateCell(d.State), show.Text(fmt.Sprint(d.AttemptCount)), show.Text(last))...)
		}
	}
	if err := s.out.Line(""); err != nil {
		return err
	}
	if err := t.Flush(); err != nil || v.PageList.Next == "" {
		return err
	}
	return s.note.Line("There are more pages: --limit N shows up to 500, \"carteiro runs receipt %s\" all.", v.ID)
}

type getReceipt struct {
	ID     ID     `arg:"" predictor:"run" help:"The run's id."`
	Client string `predictor:"client" help:"The receipt of this client." placeholder:"ID"`
	CSV    bool   `name:"csv" help:"As CSV, a row for each page and delivery."`
	Out    string `short:"o" help:"Write it to this file." placeholder:"FILE"`
}

func (c getReceipt) Run(s *Session) error {
	q := query{}
	q.set("client_id", c.Client)
	if c.CSV {
		q.set("format", "csv")
	}
	answer, err := s.do(get(runPath(c.ID, "/receipt"), q))
	if err != nil {
		return err
	}
	switch {
	case c.Out != "":
		if err := os.WriteFile(c.Out, answer.Body, 0o600); err != nil {
			return err
		}
		return s.done("The receipt is in %s.", c.Out)
	case c.CSV:
		_, err := s.out.W.Write(answer.Body)
		return err
	case s.o.Flags.JSON:
		return s.json(answer.Body)
	}
	var v struct {
		runView
		PageList []pageView `json:"page_list"`
	}
	if err := apiclient.Decode(answer.Body, &v); err != nil {
		return err
	}
	v.runView.PageList.Data = v.PageList
	return s.showRun(&v.runView)
}

type waitRun struct {
	ID ID `arg:"" predictor:"run" help:"The run's id."`
}

func (c waitRun) Run(s *Session) error { return s.waitForRun(c.ID, true) }
