package api

import (
	"context"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type startReplay struct {
	Keyed
	Content jsonBody[replayBody] `json:"-"`

	only webhook.ClientID // the client that the key is bound to
}

// replayBody asks for a bulk retry or replay.
type replayBody struct {
	Kind   webhook.JobKind  `json:"kind,omitempty" enum:"retry,replay" doc:"retry (default): another attempt of each delivery; replay: a new delivery of each event. The webhook-id stays the same in both"`
	Filter replayFilterBody `json:"filter"`
	Rate   int              `json:"rate,omitempty" doc:"deliveries a second at most; as fast as there is room when nothing is given"`
	DryRun bool             `json:"dry_run,omitempty" doc:"true: only count, and change nothing"`
}

// replayFilterBody selects; all that is given must hold.
type replayFilterBody struct {
	ClientID       webhook.ClientID       `json:"client_id,omitempty"`
	SubscriptionID webhook.SubscriptionID `json:"subscription_id,omitempty"`
	EventType      webhook.Slug           `json:"event_type,omitempty"`
	State          webhook.DeliveryState  `json:"state,omitempty" enum:"pending,retrying,held,succeeded,failed,canceled" doc:"of the deliveries; a retry takes those that have failed when nothing is given. For a replay: only events whose delivery to the same subscription is in this state"`
	RunID          webhook.RunID          `json:"run_id,omitempty" doc:"the pages of an export's run; retries only"`
	EventIDs       []webhook.MessageID    `json:"event_ids,omitempty" doc:"at most 500"`
	Since          time.Time              `json:"since,omitempty" doc:"created at or after this time"`
	Until          time.Time              `json:"until,omitempty" doc:"created before this time"`

	filter webhook.JobFilter
}

func (b *replayBody) decode(o *object) {
	filled(o, "kind", &b.Kind)
	o.object("filter", &b.Filter)
	o.integer("rate", 1, &b.Rate)
	o.boolean("dry_run", &b.DryRun)
	o.need("filter")
}

func (b *replayFilterBody) decode(o *object) {
	f := &b.filter
	filled(o, "client_id", &f.ClientID)
	filled(o, "subscription_id", &f.SubscriptionID)
	filled(o, "event_type", &f.EventType)
	filled(o, "state", &f.State)
	filled(o, "run_id", &f.RunID)
	p := o.list("event_ids", webhook.MaxJobEvents, func(raw []byte, path string) {
		if kind := kindOf(raw); kind != "a string" {
			o.faults.Add(path, "must be a string, but is %s", kind)
			return
		}
		id, fault := unquote(raw)
		if fault != "" {
			o.faults.Add(path, "%s", fault)
		}
		f.EventIDs = append(f.EventIDs, webhook.MessageID(id))
	})
	if p == given && len(f.EventIDs) == 0 {
		o.fault("event_ids", "must not be empty; leave it out for all events")
	}
	if o.time("since", &b.Since) == given {
		f.Since = &b.Since
	}
	if o.time("until", &b.Until) == given {
		f.Until = &b.Until
	}
}

func (in *startReplay) bind(who principal) error {
	in.only = who.client
	client := &in.Content.value.Filter.filter.ClientID
	switch {
	case who.client == "" || *client == who.client:
	case *client != "":
		return otherClient(who, "/filter/client_id")
	default:
		*client = who.client
	}
	return nil
}

// replayView is the job that was made; of a dry run, the one that would be.
type replayView struct {
	JobView
	DryRun  bool                            `json:"dry_run"`
	ByState map[webhook.DeliveryState]int64 `json:"by_state,omitempty" doc:"of a dry run of a retry: how many deliveries are in each state"`
	Sample  []replayItem                    `json:"sample,omitempty" doc:"of a dry run: the first of what was counted, oldest first"`
}

// replayItem is a delivery to retry, or an event to replay.
type replayItem struct {
	ID        string             `json:"id" doc:"of the delivery; for a replay, of the event"`
	ClientID  webhook.ClientID   `json:"client_id"`
	EventType webhook.Slug       `json:"event_type"`
	Skip      webhook.SkipReason `json:"skip,omitempty" doc:"why it would be passed over"`
}

func (a *api) startReplay(ctx context.Context, in *startReplay) (*reply[replayView], error) {
	b := &in.Content.value
	r := dispatcher.ReplayRequest{Kind: b.Kind, Filter: b.Filter.filter, Rate: b.Rate, VisibleTo: in.only}
	if b.DryRun {
		return a.countReplay(ctx, r)
	}
	key := in.idempotency(ctx, in.Content.raw)
	if key != nil { // before subscriptions are looked at: one may be gone by now
		if err := a.o.Store.FindIdempotent(ctx, key); err != nil {
			return madeBefore[replayView](err, jobURL)
		}
	}
	var body []byte
	j, err := a.o.Dispatcher.StartReplay(ctx, r, func(j *webhook.Job) (*store.Idempotency, error) {
		var err error
		body, err = encodeJSON(replayView{JobView: viewJob(j, a.o.Now())})
		return answered(key, http.StatusAccepted, body), err
	})
	if err != nil {
		return madeBefore[replayView](err, jobURL)
	}
	return &reply[replayView]{Location: jobURL(j.ID), Raw: body}, nil
}

func (a *api) countReplay(ctx context.Context, r dispatcher.ReplayRequest) (*reply[replayView], error) {
	c, err := a.o.Dispatcher.CountReplay(ctx, r)
	if err != nil {
		return nil, err
	}
	c.Job.ID, c.Job.State, c.Job.Counted = "", "", &c.Count
	v := replayView{JobView: viewJob(&c.Job, a.o.Now()), DryRun: true, ByState: c.States}
	v.Subscriptions = c.Parts
	for _, x := range c.Sample {
		v.Sample = append(v.Sample, replayItem{x.ID, x.ClientID, x.Type, x.Skip})
	}
	return &reply[replayView]{Status: http.StatusOK, Value: v}, nil
}
