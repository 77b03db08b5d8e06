package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type jobsCommand struct {
	Flags
	List   listJobs  `cmd:"" default:"withargs" help:"List bulk retries and replays."`
	Get    getJob    `cmd:"" help:"Show one job, and how far it is."`
	Wait   waitJob   `cmd:"" help:"Show how far a job is until it has ended."`
	Cancel cancelJob `cmd:"" help:"Stop a job; what it has done stays."`
}

// jobView is a job as the API shows it.
type jobView struct {
	webhook.Job
	PerSecond     float64 `json:"per_second"`
	Waiting       *int64  `json:"waiting"`
	DryRun        bool    `json:"dry_run"`
	Subscriptions []struct {
		SubscriptionID string `json:"subscription_id"`
		Counted        int64  `json:"counted"`
		Done           int64  `json:"done"`
		Skipped        int64  `json:"skipped"`
	} `json:"subscriptions"`
}

// counted is how many it works on; 0 until they are counted.
func (v *jobView) counted() int64 {
	if v.Counted == nil {
		return 0
	}
	return *v.Counted
}

func (v *jobView) filter() string {
	f := v.Filter
	var parts []string
	for _, p := range []struct{ name, value string }{
		{"client", string(f.ClientID)},
		{"subscription", string(f.SubscriptionID)},
		{"event type", string(f.EventType)},
		{"state", string(f.State)},
		{"run", string(f.RunID)},
	} {
		if p.value != "" {
			parts = append(parts, p.name+" "+p.value)
		}
	}
	if n := len(f.EventIDs); n > 0 {
		parts = append(parts, show.Count(int64(n), "event", "events"))
	}
	if f.Since != nil {
		parts = append(parts, "since "+f.Since.UTC().Format(time.RFC3339))
	}
	if f.Until != nil {
		parts = append(parts, "until "+f.Until.UTC().Format(time.RFC3339))
	}
	return strings.Join(parts, ", ")
}

func jobPath(id ID, rest string) string { return apiclient.Path("/v1/jobs/%s", string(id)) + rest }

type listJobs struct {
	State string `enum:",pending,running,completed,canceled" default:"" help:"pending, running, completed or canceled." placeholder:"STATE"`
	paging
}

func (c listJobs) Run(s *Session) error {
	q := query{}
	q.set("state", c.State)
	return listing[jobView]{
		path: "/v1/jobs", query: q, paging: c.paging, many: "jobs",
		columns: []show.Column{
			{Head: "ID"},
			{Head: "KIND"},
			{Head: "CREATED"},
			{Head: "STATE"},
			{Head: "COUNTED", Right: true},
			{Head: "DONE", Right: true},
			{Head: "SKIPPED", Right: true},
			{Head: "SELECTS", Flex: true},
		},
		row: func(v *jobView) []show.Cell {
			return []show.Cell{
				show.Text(string(v.ID)), show.Text(string(v.Kind)), show.Text(s.out.Time(&v.CreatedAt)), stateCell(string(v.State)),
				show.Text(show.Number(v.counted())), show.Text(show.Number(v.Done)), show.Text(show.Number(v.Skipped)), show.Text(v.filter()),
			}
		},
	}.run(s)
}

type getJob struct {
	ID ID `arg:"" predictor:"job" help:"The job's id."`
}

func (c getJob) Run(s *Session) error { return one(s, get(jobPath(c.ID, ""), nil), s.showJob) }

func (s *Session) showJob(v *jobView) error {
	fields := []show.Field{
		field("id", string(v.ID)), field("kind", string(v.Kind)),
		{Name: "state", Value: stateCell(string(v.State))},
		field("selects", v.filter()),
		field("counted", show.Number(v.counted())), field("done", show.Number(v.Done)), field("skipped", v.skipped()), field("stopped by", v.Error),
	}
	if v.Rate > 0 {
		fields = append(fields, field("rate", fmt.Sprintf("at most %d a second", v.Rate)))
	}
	if v.Waiting != nil && *v.Waiting > 0 {
		fields = append(fields, field("not sent yet", show.Number(*v.Waiting)))
	}
	if !v.CreatedAt.IsZero() {
		fields = append(fields, field("created", s.out.Time(&v.CreatedAt)))
	}
	if v.FinishedAt != nil {
		fields = append(fields, field("finished", s.out.Time(v.FinishedAt)))
	}
	if err := s.out.Fields(fields...); err != nil || len(v.Subscriptions) == 0 {
		return err
	}
	t := s.out.Table(
		show.Column{Head: "SUBSCRIPTION"}, show.Column{Head: "COUNTED", Right: true}, show.Column{Head: "DONE", Right: true}, show.Column{Head: "SKIPPED", Right: true},
	)
	for _, p := range v.Subscriptions {
		t.Row(show.Texts(p.SubscriptionID, show.Number(p.Counted), show.Number(p.Done), show.Number(p.Skipped))...)
	}
	if err := s.out.Line(""); err != nil {
		return err
	}
	return t.Flush()
}

// skipped is how many were passed over, and why.
func (v *jobView) skipped() string {
	text := show.Number(v.Skipped)
	for _, why := range slices.Sorted(maps.Keys(v.SkippedWhy)) {
		text += fmt.Sprintf(", %s %s", show.Number(v.SkippedWhy[why]), why)
	}
	return text
}

type cancelJob struct {
	ID ID `arg:"" predictor:"job" help:"The job's id."`
}

func (c cancelJob) Run(s *Session) error {
	return one(s, post(jobPath(c.ID, "/cancel"), nil), s.showJob)
}

type waitJob struct {
	ID ID `arg:"" predictor:"job" help:"The job's id."`
}

func (c waitJob) Run(s *Session) error { return s.waitForJob(c.ID) }

// waitForJob shows how far a job is. Ctrl-C ends the waiting; the job goes on.
func (s *Session) waitForJob(id ID) error {
	bar := s.note.Progress(string(id), 0)
	defer bar.End()
	again := s.poll()
	for {
		answer, err := s.do(get(jobPath(id, ""), nil))
		if err != nil {
			return err
		}
		var v jobView
		if err := apiclient.Decode(answer.Body, &v); err != nil {
			return err
		}
		if v.State.Final() {
			bar.End()
			return s.jobIsOver(answer.Body, &v)
		}
		note := v.Error
		if note == "" {
			note = fmt.Sprintf("%s done, %s skipped, of %s", show.Number(v.Done), show.Number(v.Skipped), show.Number(v.counted()))
		}
		bar.At(v.Done+v.Skipped, v.counted(), note)
		if err := again.wait(); err != nil {
			_ = s.note.Line("The job goes on: \"carteiro jobs wait %s\" watches it, \"carteiro jobs cancel %[1]s\" stops it.", id)
			return err
		}
	}
}

func (s *Session) jobIsOver(raw []byte, v *jobView) error {
	err := s.showJob
	if s.o.Flags.JSON {
		err = func(*jobView) error { return s.json(raw) }
	}
	if err := err(v); err != nil {
		return err
	}
	if v.State == webhook.JobCanceled {
		return errors.New("the job was canceled before its end")
	}
	return nil
}
