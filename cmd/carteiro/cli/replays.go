package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

// bulk is how a bulk retry or replay is asked for.
type bulk struct {
	DryRun bool `group:"Many at once:" help:"Only count what would be sent."`
	Rate   int  `group:"Many at once:" help:"Deliveries a second at most; as fast as there is room when nothing is given." placeholder:"N"`
	NoWait bool `group:"Many at once:" help:"Do not wait; \"carteiro jobs\" tells how far it is."`
	Yes    bool `short:"y" group:"Many at once:" help:"Do not ask."`
}

// replayRequest is the API's form of it.
type replayRequest struct {
	Kind   string         `json:"kind"`
	Filter map[string]any `json:"filter"`
	Rate   int            `json:"rate,omitempty"`
	DryRun bool           `json:"dry_run,omitempty"`
}

// replayCount is what a dry run answers.
type replayCount struct {
	jobView
	ByState map[string]int64 `json:"by_state"`
}

// start counts, asks, begins the job and shows how far it is.
func (b bulk) start(s *Session, r replayRequest, one, many string) error {
	r.Rate, r.DryRun = b.Rate, true
	answer, err := s.do(post("/v1/replays", r))
	if err != nil {
		return err
	}
	var count replayCount
	if err := apiclient.Decode(answer.Body, &count); err != nil {
		return err
	}
	if b.DryRun {
		return s.showCount(answer.Body, &count)
	}
	if count.counted() == 0 {
		return s.note.Line("Nothing matches: nothing is sent.")
	}
	if err := s.confirm(b.Yes, "Send again: %s, to %s.", show.Count(count.counted(), one, many),
		show.Count(int64(len(count.Subscriptions)), "subscription", "subscriptions")); err != nil {
		return err
	}
	r.DryRun = false
	begin := post("/v1/replays", r)
	begin.Keyed = true
	if answer, err = s.do(begin); err != nil {
		return err
	}
	var job jobView
	if err := apiclient.Decode(answer.Body, &job); err != nil {
		return err
	}
	if !b.NoWait {
		return s.waitForJob(ID(job.ID))
	}
	if s.o.Flags.JSON {
		return s.json(answer.Body)
	}
	return s.showJob(&job)
}

func (s *Session) showCount(raw []byte, v *replayCount) error {
	if s.o.Flags.JSON {
		return s.json(raw)
	}
	counted := show.Number(v.counted())
	for _, state := range slices.Sorted(maps.Keys(v.ByState)) {
		counted += fmt.Sprintf(", %s %s", show.Number(v.ByState[state]), state)
	}
	fields := []show.Field{field("kind", string(v.Kind)), field("selects", v.filter()), field("counted", counted)}
	for _, p := range v.Subscriptions {
		fields = append(fields, field("to", fmt.Sprintf("%s: %s", p.SubscriptionID, show.Number(p.Counted))))
	}
	if err := s.out.Fields(fields...); err != nil {
		return err
	}
	return s.note.Line("This was a dry run: nothing is sent.")
}

// given tells whether a filter selects anything, so that a list of ids and a
// filter are not taken together.
func (f deliveryFilter) given() bool { return f != deliveryFilter{} }

// replay is the filter as a job takes it.
func (f deliveryFilter) replay(s *Session) (map[string]any, error) {
	q, err := f.query(s)
	if err != nil {
		return nil, err
	}
	switch {
	case f.HoldReason != "":
		return nil, usage("--hold-reason selects nothing here; \"carteiro subscriptions resume\" sends what is held")
	case f.Job != "":
		return nil, usage("--job selects nothing here; name what the job itself selected")
	}
	filter := map[string]any{}
	for name, values := range q {
		filter[name] = values[0]
	}
	if f.Event != "" {
		delete(filter, "event_id")
		filter["event_ids"] = []string{f.Event}
	}
	return filter, nil
}

type replayEvents struct {
	IDs          []ID   `arg:"" optional:"" name:"id" predictor:"event" help:"Events' ids; all that the flags select when nothing is given."`
	Client       string `predictor:"client" help:"Of this client." placeholder:"ID"`
	Subscription string `predictor:"subscription" help:"To this subscription." placeholder:"ID"`
	Type         string `predictor:"event-type" help:"Of this event type." placeholder:"SLUG"`
	State        string `enum:",pending,retrying,held,succeeded,failed,canceled" default:"" help:"Only those whose delivery to the same subscription is in this state." placeholder:"STATE"`
	span
	bulk
}

// Run makes new deliveries of past events, to whoever subscribes to them now.
func (c replayEvents) Run(s *Session) error {
	q := query{}
	q.set("client_id", c.Client)
	q.set("subscription_id", c.Subscription)
	q.set("event_type", c.Type)
	q.set("state", c.State)
	if err := c.into(s, q); err != nil {
		return err
	}
	filter := map[string]any{}
	for name, values := range q {
		filter[name] = values[0]
	}
	if len(c.IDs) > 0 {
		filter["event_ids"] = c.IDs
	}
	if len(filter) == 0 {
		return usage("which events? Name their ids, or select them: --client, --subscription, --since …")
	}
	return c.start(s, replayRequest{Kind: "replay", Filter: filter}, "new delivery", "new deliveries")
}

// retryMany retries what a filter selects.
func (c retryDelivery) retryMany(s *Session) error {
	if !c.given() {
		return usage("which deliveries? Name their ids, or select them: --client, --state, --since …")
	}
	filter, err := c.replay(s)
	if err != nil {
		return err
	}
	if c.State == "" {
		filter["state"] = "failed"
	}
	return c.start(s, replayRequest{Kind: "retry", Filter: filter}, fmt.Sprintf("%s delivery", filter["state"]), fmt.Sprintf("%s deliveries", filter["state"]))
}
