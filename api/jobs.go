package api

import (
	"context"
	"math"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const listJobs = "jobs"

// JobView is a bulk job and how far it has come. (Exported because huma
// describes embedded fields of exported types only.)
type JobView struct {
	ID             webhook.JobID                `json:"id,omitempty"`
	Kind           webhook.JobKind              `json:"kind" enum:"retry,replay"`
	Filter         webhook.JobFilter            `json:"filter" doc:"with its defaults"`
	Rate           int                          `json:"rate" doc:"deliveries a second at most; 0: as fast as there is room"`
	State          webhook.JobState             `json:"state,omitempty" enum:"pending,running,completed,canceled" doc:"completed: all that it counted is done or skipped, and being delivered"`
	Counted        *int64                       `json:"counted" doc:"how many it works on; null until they are counted"`
	Done           int64                        `json:"done" doc:"retries asked for, or deliveries made"`
	Skipped        int64                        `json:"skipped" doc:"passed over"`
	SkippedReasons map[webhook.SkipReason]int64 `json:"skipped_reasons" doc:"payload_gone, erased, subscription_gone or no_longer_selected"`
	Progress       *float64                     `json:"progress" doc:"from 0 to 1; null until they are counted"`
	PerSecond      float64                      `json:"per_second" doc:"since it was started, on average"`
	Error          string                       `json:"error,omitempty" doc:"why it does not go on at the moment; it is tried again by itself"`
	Failures       int                          `json:"failures" doc:"how often it stopped with an error"`
	CreatedAt      time.Time                    `json:"created_at" doc:"what was created later is not selected"`
	StartedAt      *time.Time                   `json:"started_at"`
	FinishedAt     *time.Time                   `json:"finished_at"`
	Waiting        *int                         `json:"waiting,omitempty" doc:"of one job: asked for, and not sent yet"`
	Subscriptions  []webhook.JobPart            `json:"subscriptions,omitempty" doc:"of one job: its part for each subscription"`
}

func viewJob(j *webhook.Job, now time.Time) JobView {
	v := JobView{
		ID: j.ID, Kind: j.Kind, Filter: j.Filter, Rate: j.Rate, State: j.State, Counted: j.Counted, Done: j.Done, Skipped: j.Skipped,
		SkippedReasons: j.SkippedWhy, Error: j.Error, Failures: j.Failures, CreatedAt: j.CreatedAt, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt,
	}
	over := float64(j.Done + j.Skipped)
	switch {
	case j.Counted == nil:
	case *j.Counted == 0:
		whole := 1.0
		v.Progress = &whole
	default:
		part := min(1, over/float64(*j.Counted))
		v.Progress = &part
	}
	if j.StartedAt != nil {
		end := now
		if j.FinishedAt != nil {
			end = *j.FinishedAt
		}
		if took := end.Sub(*j.StartedAt).Seconds(); took > 0 {
			v.PerSecond = math.Round(over/took*10) / 10
		}
	}
	return v
}

func jobURL(id webhook.JobID) string { return "/v1/jobs/" + string(id) }

type jobsQuery struct {
	Paging
	State webhook.JobState `query:"state" enum:"pending,running,completed,canceled"`

	only webhook.ClientID // the client that the key is bound to
}

// bind shows a bound key what keys of its client have made: others may touch
// what is the platform's.
func (q *jobsQuery) bind(who principal) error {
	q.only = who.client
	return nil
}

func (a *api) listJobs(ctx context.Context, in *jobsQuery) (*reply[list[JobView]], error) {
	page, err := in.page(listJobs)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.Jobs(ctx, store.JobsFilter{State: in.State, VisibleTo: in.only}, page)
	if err != nil {
		return nil, err
	}
	now := a.o.Now()
	return listOf(listJobs, rows, next, func(j *webhook.Job) JobView { return viewJob(j, now) }), nil
}

type jobPath struct {
	ID webhook.JobID `path:"id"`
}

// job reads a job; what has not the form of an id does not exist.
func (a *api) job(ctx context.Context, id webhook.JobID) (webhook.Job, error) {
	if !webhook.ValidID(webhook.PrefixJob, string(id)) {
		return webhook.Job{}, webhook.NotFound("job", clip(string(id)))
	}
	return a.o.Store.Job(ctx, id)
}

func (a *api) getJob(ctx context.Context, in *jobPath) (*reply[JobView], error) {
	j, err := a.job(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	v := viewJob(&j, a.o.Now())
	if v.Subscriptions, err = a.o.Store.JobParts(ctx, j.ID); err != nil {
		return nil, err
	}
	waiting, err := a.o.Store.JobWaiting(ctx, j.ID)
	all := 0
	for _, n := range waiting {
		all += n
	}
	v.Waiting = &all
	return &reply[JobView]{Value: v}, err
}

type cancelJob struct {
	ID      webhook.JobID      `path:"id"`
	Content jsonBody[noFields] `json:"-"`
}

func (a *api) cancelJob(ctx context.Context, in *cancelJob) (*reply[JobView], error) {
	if _, err := a.job(ctx, in.ID); err != nil {
		return nil, err
	}
	j, err := a.o.Dispatcher.CancelJob(ctx, in.ID)
	return &reply[JobView]{Value: viewJob(&j, a.o.Now())}, err
}
