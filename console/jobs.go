package console

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// jobFilters are the filters of the list of deliveries that a bulk retry takes
// over.
func jobFilters() []string {
	return []string{stateParam, clientParam, typeParam, subscriptionParam, eventParam, runParam, sinceParam, untilParam}
}

type retryPage struct {
	Form   *form
	States []choice
	Count  *dispatcher.ReplayCount // nil: it was not counted
	Counts []stateCount            // the same by state
	Hidden []fact                  // what was counted, for the form that does it
	Fault  string                  // what is wrong with what was selected
}

type stateCount struct {
	State webhook.DeliveryState
	N     int64
}

// retryRequest is what the filters of an address or a form select.
func (v *visit) retryRequest(f *form) (dispatcher.ReplayRequest, bool) {
	filter := v.deliveryFilter(f)
	q := dispatcher.ReplayRequest{
		Kind: webhook.JobRetry, VisibleTo: v.who.BoundTo(),
		Filter: webhook.JobFilter{
			ClientID: filter.ClientID, SubscriptionID: filter.SubscriptionID, EventType: filter.EventType, State: filter.State, RunID: filter.RunID,
		},
	}
	if filter.MessageID != "" {
		q.Filter.EventIDs = []webhook.MessageID{filter.MessageID}
	}
	for _, bound := range []struct {
		at   time.Time
		into **time.Time
	}{{filter.Since, &q.Filter.Since}, {filter.Until, &q.Filter.Until}} {
		if !bound.at.IsZero() {
			*bound.into = &bound.at
		}
	}
	return q, !f.Wrong()
}

// countRetry counts what a bulk retry would send, and sends nothing.
func (c *console) countRetry(v *visit) error {
	f := v.typed()
	p := retryPage{Form: f, States: v.retryStates()}
	if f.Get(stateParam) == "" {
		f.Values.Set(stateParam, string(webhook.StateFailed))
	}
	q, ok := v.retryRequest(f)
	if !ok {
		return v.showWith(422, "retry", p)
	}
	if !f.Values.Has(typeParam) && len(f.only(jobFilters())) == 1 && v.client() == "" {
		return v.show("retry", p) // just opened, with nothing selected but the state
	}
	count, err := c.o.Dispatcher.CountReplay(v.ctx, q)
	if fault, wrong := v.jobFault(f, err); wrong {
		p.Fault = fault
		return v.showWith(422, "retry", p)
	}
	if err != nil {
		return err
	}
	p.Count = count
	for name, values := range f.only(jobFilters()) {
		p.Hidden = append(p.Hidden, fact{name, values[0]})
	}
	for _, s := range webhook.States {
		if n := count.States[s]; n > 0 {
			p.Counts = append(p.Counts, stateCount{s, n})
		}
	}
	return v.show("retry", p)
}

// retryStates are the states that a bulk retry may be of.
func (v *visit) retryStates() []choice {
	var out []choice
	for _, s := range []webhook.DeliveryState{webhook.StateFailed, webhook.StateRetrying, webhook.StateHeld, webhook.StatePending, webhook.StateSucceeded} {
		out = append(out, choice{string(s), v.c.words[v.lang].orWord("state.", string(s)), false})
	}
	return out
}

// jobFault brings what is wrong with what was selected to its fields, and
// returns in words what is not about one of them.
func (v *visit) jobFault(f *form, err error) (rest string, wrong bool) {
	var e *webhook.Error
	if !errors.As(err, &e) || e.Kind != webhook.KindInvalid {
		return "", false
	}
	var words []string
	for _, fault := range e.Faults {
		if name := strings.TrimPrefix(fault.Path, "/filter/"); slices.Contains(jobFilters(), name) {
			f.fault(name, fault.Message)
		} else {
			words = append(words, v.told(fault.Message))
		}
	}
	return strings.Join(words, "; "), true
}

// startRetry makes the job, as it was counted, and shows its progress.
func (c *console) startRetry(v *visit) error {
	f := v.typed()
	q, ok := v.retryRequest(f)
	if !ok {
		return v.to(address("/console/deliveries/retry", f.only(jobFilters())))
	}
	ctx, cancel := v.outliving()
	defer cancel()
	j, err := c.o.Dispatcher.StartReplay(ctx, q, nil)
	if fault, wrong := v.jobFault(f, err); wrong {
		return v.showWith(422, "retry", retryPage{Form: f, States: v.retryStates(), Fault: fault})
	}
	if err != nil {
		return err
	}
	return v.finish("/console/jobs/"+string(j.ID), "job.started")
}

// only is what was typed into some fields.
func (f *form) only(names []string) url.Values {
	out := url.Values{}
	for _, name := range names {
		if text := f.Get(name); text != "" {
			out.Set(name, text)
		}
	}
	return out
}

type jobPage struct {
	Job     webhook.Job
	Parts   []jobPart
	Percent int
	Waiting int // asked for, and not sent yet
}

type jobPart struct {
	webhook.JobPart
	URL     string
	Client  webhook.ClientID
	Waiting int
}

// job reads the job of the path.
func (v *visit) job() (webhook.Job, error) {
	id := v.r.PathValue("id")
	if !webhook.ValidID(webhook.PrefixJob, id) {
		return webhook.Job{}, webhook.NotFound("job", webhook.Clip(id))
	}
	return v.c.o.Store.Job(v.ctx, webhook.JobID(id))
}

func (c *console) showJob(v *visit) error {
	j, err := v.job()
	if err != nil {
		return err
	}
	parts, err := c.o.Store.JobParts(v.ctx, j.ID)
	if err != nil {
		return err
	}
	waiting, err := c.o.Store.JobWaiting(v.ctx, j.ID)
	if err != nil {
		return err
	}
	p := jobPage{Job: j}
	if j.Counted != nil && *j.Counted > 0 {
		p.Percent = int(100 * (j.Done + j.Skipped) / *j.Counted)
	}
	for _, part := range parts {
		x := jobPart{JobPart: part, Waiting: waiting[part.SubscriptionID]}
		if sub := c.o.Subscriptions.Index().Get(part.SubscriptionID); sub != nil {
			x.URL, x.Client = v.redacted().Text(sub.URL), sub.ClientID
		}
		p.Waiting += x.Waiting
		p.Parts = append(p.Parts, x)
	}
	return v.show("job", p)
}

type jobsPage struct {
	Jobs  []webhook.Job
	Pager pager
}

func (c *console) listJobs(v *visit) error {
	at, err := v.page()
	if err != nil {
		return err
	}
	rows, next, err := c.o.Store.Jobs(v.ctx, store.JobsFilter{VisibleTo: v.who.BoundTo()}, at)
	if err != nil {
		return err
	}
	return v.show("jobs", jobsPage{rows, v.pager(next)})
}

func (c *console) cancelJob(v *visit) error {
	j, err := v.job()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if _, err := c.o.Dispatcher.CancelJob(ctx, j.ID); err != nil {
		return err
	}
	return v.finish("/console/jobs/"+string(j.ID), "job.canceled")
}
