package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type eventsCommand struct {
	Flags
	List   listEvents   `cmd:"" default:"withargs" help:"List events."`
	Get    getEvent     `cmd:"" help:"Show one event, with its data and its deliveries."`
	Post   postEvent    `cmd:"" help:"Post an event."`
	Replay replayEvents `cmd:"" help:"Send past events again, as new deliveries to whoever subscribes now: these, or all that a filter selects."`
	Batch  postBatch    `cmd:"" help:"Post the events of a file: lines of JSON, an array, or an object with \"events\"."`
}

type eventView struct {
	ID             string             `json:"id"`
	Type           string             `json:"type"`
	ClientID       string             `json:"client_id"`
	OccurredAt     time.Time          `json:"occurred_at"`
	CreatedAt      time.Time          `json:"created_at"`
	SubscriptionID string             `json:"subscription_id"`
	Data           json.RawMessage    `json:"data"`
	DataGone       json.RawMessage    `json:"data_gone"`
	Deliveries     []webhook.Delivery `json:"deliveries"`
	MoreDeliveries bool               `json:"more_deliveries"`
}

type listEvents struct {
	Type   string `predictor:"event-type" help:"Of this event type." placeholder:"SLUG"`
	Client string `predictor:"client" help:"Of this client." placeholder:"ID"`
	span
	paging
}

// span is a part of time.
type span struct {
	Since string `help:"From this time on: a time, a day, a weekday, or how long ago, such as 2h or 7d." placeholder:"TIME"`
	Until string `help:"Before this time." placeholder:"TIME"`
}

func (w span) into(s *Session, q query) error {
	since, err := s.since("--since", w.Since)
	if err != nil {
		return err
	}
	until, err := s.since("--until", w.Until)
	q.set("since", since)
	q.set("until", until)
	return err
}

func (c listEvents) Run(s *Session) error {
	q := query{}
	q.set("type", c.Type)
	q.set("client_id", c.Client)
	if err := c.into(s, q); err != nil {
		return err
	}
	return listing[eventView]{
		path: "/v1/events", query: q, paging: c.paging, many: "events",
		columns: show.Columns("ID", "TYPE", "CLIENT", "CREATED"),
		row: func(v *eventView) []show.Cell {
			return show.Texts(v.ID, v.Type, v.ClientID, s.out.Time(&v.CreatedAt))
		},
	}.run(s)
}

// revealing asks for personal data.
type revealing struct {
	Reveal bool `help:"Personal data too. Only with an admin's key; each look is written to the audit log."`
}

func (r revealing) query() query {
	q := query{}
	if r.Reveal {
		q.set("reveal", "true")
	}
	return q
}

type getEvent struct {
	ID ID `arg:"" predictor:"event" help:"The event's id."`
	revealing
}

func (c getEvent) Run(s *Session) error {
	return one(s, get(apiclient.Path("/v1/events/%s", string(c.ID)), c.query()), func(v *eventView) error {
		data := pretty(v.Data)
		if len(v.DataGone) > 0 && string(v.DataGone) != "null" {
			data = "removed: " + string(v.DataGone)
		}
		err := s.out.Fields(
			field("id", v.ID), field("type", v.Type), field("client", v.ClientID), field("occurred", s.out.Time(&v.OccurredAt)),
			field("created", s.out.Time(&v.CreatedAt)), field("only to", v.SubscriptionID), field("data", data),
		)
		if err != nil {
			return err
		}
		if len(v.Deliveries) == 0 {
			return s.out.Line("\nNobody had subscribed to it: there are no deliveries.")
		}
		if err := s.out.Line(""); err != nil {
			return err
		}
		return s.deliveryTable(v.Deliveries)
	})
}

type postEvent struct {
	Type         ID     `arg:"" predictor:"event-type" help:"The event type."`
	Client       string `required:"" predictor:"client" help:"Whose event it is." placeholder:"ID"`
	Data         string `short:"d" xor:"data" help:"The data as JSON; @FILE is a file's content, @- the standard input. Without it, the standard input." placeholder:"JSON"`
	Example      bool   `xor:"data" help:"Post the event type's own example."`
	Subscription string `predictor:"subscription" help:"To this subscription only." placeholder:"ID"`
	OccurredAt   string `help:"When it happened; now when nothing is given." placeholder:"TIME"`
	Key          string `name:"idempotency-key" help:"The same key and event are taken once, however often they are sent." placeholder:"KEY"`
	Wait         bool   `help:"Wait until its deliveries have ended, and fail when one has failed."`
}

func (c postEvent) Run(s *Session) error {
	body, err := c.body(s)
	if err != nil {
		return err
	}
	r := post("/v1/events", body)
	r.Keyed, r.Key = true, c.Key
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	var taken accepted
	if err := apiclient.Decode(answer.Body, &taken); err != nil {
		return err
	}
	if s.o.Flags.JSON {
		err = s.json(answer.Body)
	} else {
		err = s.showAccepted(&taken)
	}
	if err != nil || !c.Wait || len(taken.Deliveries) == 0 {
		return err
	}
	return s.waitForEvent(taken.ID)
}

func (c postEvent) body(s *Session) (map[string]any, error) {
	data, err := c.data(s)
	if err != nil {
		return nil, err
	}
	body := map[string]any{"type": c.Type, "client_id": c.Client, "data": data}
	if c.Subscription != "" {
		body["subscription_id"] = c.Subscription
	}
	if c.OccurredAt != "" {
		if body["occurred_at"], err = s.since("--occurred-at", c.OccurredAt); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func (c postEvent) data(s *Session) (json.RawMessage, error) {
	switch {
	case c.Example:
		t, err := fetch[eventTypeView](s, eventTypePath(string(c.Type)), nil)
		if err == nil && len(t.Example) == 0 {
			err = usage("the event type %s has no example; give --data", c.Type)
		}
		if err != nil {
			return nil, err
		}
		return t.Example, nil
	case c.Data != "":
		return s.jsonText("--data", c.Data)
	case s.asks():
		return nil, usage("what is the event's data? Give --data JSON, --data @FILE, or --example")
	}
	return s.jsonText("the standard input", "@-")
}

// accepted is an event that was taken.
type accepted struct {
	ID         string    `json:"id"`
	Type       string    `json:"type"`
	ClientID   string    `json:"client_id"`
	CreatedAt  time.Time `json:"created_at"`
	Deliveries []struct {
		ID             string `json:"id"`
		SubscriptionID string `json:"subscription_id"`
	} `json:"deliveries"`
}

func (s *Session) showAccepted(v *accepted) error {
	fields := []show.Field{field("id", v.ID), field("type", v.Type), field("client", v.ClientID), field("created", s.out.Time(&v.CreatedAt))}
	for _, d := range v.Deliveries {
		fields = append(fields, field("delivery", d.ID+" to "+d.SubscriptionID))
	}
	if err := s.out.Fields(fields...); err != nil || len(v.Deliveries) > 0 {
		return err
	}
	return s.note.Line("It is kept, but nobody has subscribed to it: nothing is sent.")
}

// waitForEvent waits until an event's deliveries have ended.
func (s *Session) waitForEvent(id string) error {
	bar := s.note.Progress("waiting for its deliveries", 0)
	defer bar.End()
	again := s.poll()
	for {
		v, err := fetch[eventView](s, apiclient.Path("/v1/events/%s", id), nil)
		if err != nil {
			return err
		}
		ended, failed, note := 0, 0, ""
		for i := range v.Deliveries {
			d := &v.Deliveries[i]
			if d.State.Final() {
				ended++
			} else {
				note = fmt.Sprintf("%s is %s, next attempt %s", d.ID, d.State, s.next(d))
			}
			if d.State.Final() && d.State != webhook.StateSucceeded {
				failed++
			}
		}
		bar.At(int64(ended), int64(len(v.Deliveries)), note)
		if ended == len(v.Deliveries) {
			bar.End()
			return s.afterWait(v.Deliveries, failed)
		}
		if err := again.wait(); err != nil {
			return err
		}
	}
}

func (s *Session) afterWait(ds []webhook.Delivery, failed int) error {
	if !s.o.Flags.JSON {
		if err := s.deliveryTable(ds); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("%s did not succeed", show.Count(int64(failed), "delivery", "deliveries"))
	}
	return nil
}

type postBatch struct {
	File string `arg:"" help:"The file; - is the standard input."`
}

// maxBatch is how many events the API takes at once.
const maxBatch = 1000

// Run posts as many at once as the API takes. A part is taken as a whole or
// not at all, and which part failed is told.
func (c postBatch) Run(s *Session) error {
	text, err := s.text("@" + c.File)
	if err != nil {
		return err
	}
	events, err := splitEvents(text)
	if err != nil {
		return usage("%s: %v", c.File, err)
	}
	bar := s.note.Progress("posting", int64(len(events)))
	defer bar.End()
	deliveries := 0
	for from := 0; from < len(events); from += maxBatch {
		to := min(from+maxBatch, len(events))
		r := post("/v1/events/batch", map[string]any{"events": events[from:to]})
		r.Keyed = true
		answer, err := s.do(r)
		if err != nil {
			return fmt.Errorf("events %d to %d were not taken, those before them were: %w", from+1, to, err)
		}
		var taken struct{ Events []json.RawMessage }
		if err := apiclient.Decode(answer.Body, &taken); err != nil {
			return err
		}
		bar.At(int64(to), int64(len(events)), "")
		if s.o.Flags.JSON {
			if err := s.lines(taken.Events); err != nil {
				return err
			}
		}
		err = eachOf(taken.Events, func(v *accepted) { deliveries += len(v.Deliveries) })
		if err != nil {
			return err
		}
	}
	bar.End()
	return s.done("%s posted; they have %s.", show.Count(int64(len(events)), "event", "events"), show.Count(int64(deliveries), "delivery", "deliveries"))
}

// splitEvents finds the events in a text, each as it stands.
func splitEvents(text []byte) ([]json.RawMessage, error) {
	var events []json.RawMessage
	text = bytes.TrimSpace(text)
	if len(text) > 0 && text[0] == '[' {
		err := json.Unmarshal(text, &events)
		return events, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var one json.RawMessage
		err := dec.Decode(&one)
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("value %d is no JSON: %w", len(events)+1, err)
		}
		events = append(events, one)
	}
	var whole struct{ Events []json.RawMessage }
	if len(events) == 1 && json.Unmarshal(events[0], &whole) == nil && whole.Events != nil {
		events = whole.Events
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("there are no events in it")
	}
	return events, nil
}
