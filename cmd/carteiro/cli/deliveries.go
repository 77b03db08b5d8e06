package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type deliveriesCommand struct {
	Flags
	List    listDeliveries  `cmd:"" default:"withargs" help:"List deliveries."`
	Get     getDelivery     `cmd:"" help:"Show one delivery and its attempts."`
	Explain explainDelivery `cmd:"" help:"Say in plain words what happened, why, what comes next, and what to tell the client."`
	Payload getPayload      `cmd:"" help:"Print the body that is sent, byte for byte."`
	Curl    getCurl         `cmd:"" help:"Print a curl line that sends it, signed for now."`
	Retry   retryDelivery   `cmd:"" help:"Send again at once: these, or all that a filter selects (those that failed, unless --state says otherwise). The schedule stays as it is."`
	Cancel  cancelDelivery  `cmd:"" help:"Send no more of it."`
	Tail    tailDeliveries  `cmd:"" help:"Print deliveries as they come and change, until Ctrl-C."`
}

// deliveryFilter selects deliveries.
type deliveryFilter struct {
	State        string `enum:",pending,retrying,held,succeeded,failed,canceled" default:"" help:"pending, retrying, held, succeeded, failed or canceled." placeholder:"STATE"`
	HoldReason   string `enum:",paused,quarantine" default:"" help:"Of those that are held: paused or quarantine." placeholder:"REASON"`
	Client       string `predictor:"client" help:"Of this client." placeholder:"ID"`
	Subscription string `predictor:"subscription" help:"To this subscription." placeholder:"ID"`
	EventType    string `predictor:"event-type" help:"Of this event type." placeholder:"SLUG"`
	Event        string `predictor:"event" help:"Of this event." placeholder:"ID"`
	Run          string `predictor:"run" help:"Pages of this run." placeholder:"ID"`
	Job          string `predictor:"job" help:"Sent again by this bulk retry or replay." placeholder:"ID"`
	span
}

func (f deliveryFilter) query(s *Session) (query, error) {
	q := query{}
	q.set("state", f.State)
	q.set("hold_reason", f.HoldReason)
	q.set("client_id", f.Client)
	q.set("subscription_id", f.Subscription)
	q.set("event_type", f.EventType)
	q.set("event_id", f.Event)
	q.set("run_id", f.Run)
	q.set("job_id", f.Job)
	return q, f.into(s, q)
}

type listDeliveries struct {
	deliveryFilter
	paging
}

func (c listDeliveries) Run(s *Session) error {
	q, err := c.query(s)
	if err != nil {
		return err
	}
	return listing[webhook.Delivery]{
		path: "/v1/deliveries", query: q, paging: c.paging, many: "deliveries", columns: deliveryColumns(), row: s.deliveryRow,
	}.run(s)
}

func deliveryColumns() []show.Column {
	return []show.Column{
		{Head: "ID"},
		{Head: "CREATED"},
		{Head: "CLIENT"},
		{Head: "EVENT TYPE", Flex: true},
		{Head: "STATE"},
		{Head: "ATTEMPTS", Right: true},
		{Head: "LAST"},
		{Head: "NEXT"},
		{Head: "URL", Flex: true},
	}
}

func (s *Session) deliveryRow(d *webhook.Delivery) []show.Cell {
	return []show.Cell{
		show.Text(string(d.ID)), show.Text(s.out.Time(&d.CreatedAt)), show.Text(string(d.ClientID)), show.Text(string(d.EventType)), deliveryState(d),
		show.Text(fmt.Sprint(d.AttemptCount)), show.Text(lastOutcome(d)), show.Text(s.next(d)), show.Text(d.URL),
	}
}

// lastOutcome is what the last attempt came to: a status, or why there is none.
func lastOutcome(d *webhook.Delivery) string {
	if text := statusText(d.LastStatus); text != "" {
		return text
	}
	return string(d.LastError)
}

// deliveryState is the state, and what makes it another than it looks.
func deliveryState(d *webhook.Delivery) show.Cell {
	c := stateCell(string(d.State))
	switch {
	case d.HoldReason != "":
		c.Text += " (" + string(d.HoldReason) + ")"
	case d.Test:
		c.Text += " (test)"
	}
	return c
}

// next is when it is sent next.
func (s *Session) next(d *webhook.Delivery) string {
	switch {
	case d.InFlight:
		return "under way"
	case d.RetryRequested:
		return "retry due"
	case d.NextAttemptAt != nil:
		return s.out.In(d.NextAttemptAt)
	}
	return ""
}

func (s *Session) deliveryTable(ds []webhook.Delivery) error {
	t := s.out.Table(deliveryColumns()...)
	for i := range ds {
		t.Row(s.deliveryRow(&ds[i])...)
	}
	return t.Flush()
}

func deliveryPath(id ID, rest string) string {
	return apiclient.Path("/v1/deliveries/%s", string(id)) + rest
}

type getPayload struct {
	ID ID `arg:"" predictor:"delivery" help:"The delivery's id."`
	revealing
}

func (c getPayload) Run(s *Session) error {
	return s.verbatim(get(deliveryPath(c.ID, "/payload"), c.query()))
}

type getCurl struct {
	ID ID `arg:"" predictor:"delivery" help:"The delivery's id."`
	revealing
}

func (c getCurl) Run(s *Session) error {
	return s.verbatim(get(deliveryPath(c.ID, "/curl"), c.query()))
}

// verbatim prints an answer byte for byte, and a line's end where a terminal
// would go on behind it.
func (s *Session) verbatim(r apiclient.Request) error {
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	body := answer.Body
	if s.out.Terminal {
		body = []byte(show.Clean(string(body)))
		if n := len(body); n > 0 && body[n-1] != '\n' {
			body = append(body, '\n')
		}
	}
	_, err = s.out.W.Write(body)
	return err
}

type cancelDelivery struct {
	IDs []ID `arg:"" name:"id" predictor:"delivery" help:"The deliveries' ids."`
}

func (c cancelDelivery) Run(s *Session) error {
	return s.eachDelivery(c.IDs, "/cancel")
}

// eachDelivery does the same to several deliveries: all are tried, and what
// failed is told.
func (s *Session) eachDelivery(ids []ID, what string) error {
	var failed []error
	for _, id := range ids {
		r := post(deliveryPath(id, what), nil)
		r.Keyed = true
		err := one(s, r, func(d *webhook.Delivery) error { return s.deliveryTable([]webhook.Delivery{*d}) })
		if err != nil && len(ids) > 1 {
			err = fmt.Errorf("%s: %w", id, err)
		}
		failed = append(failed, err)
		if s.Err() != nil {
			break
		}
	}
	return errors.Join(failed...)
}

type retryDelivery struct {
	IDs  []ID `arg:"" optional:"" name:"id" predictor:"delivery" help:"The deliveries' ids; all that the flags select when nothing is given."`
	Wait bool `help:"Wait for the attempts of the ids, and fail when one has failed."`
	deliveryFilter
	bulk
}

func (c retryDelivery) Run(s *Session) error {
	switch {
	case len(c.IDs) == 0:
		return c.retryMany(s)
	case c.given() || c.DryRun || c.Rate != 0:
		return usage("ids and a filter are two ways to say which; one is wanted")
	}
	before := map[ID]int{}
	if c.Wait {
		for _, id := range c.IDs {
			d, err := fetch[webhook.Delivery](s, deliveryPath(id, ""), nil)
			if err != nil {
				return err
			}
			before[id] = d.AttemptCount
		}
	}
	if err := s.eachDelivery(c.IDs, "/retry"); err != nil || !c.Wait {
		return err
	}
	var failed []error
	for _, id := range c.IDs {
		failed = append(failed, s.waitForRetry(id, before[id]))
	}
	return errors.Join(failed...)
}

// waitForRetry waits for the attempt that was asked for. One that the schedule
// made meanwhile does not answer for it.
func (s *Session) waitForRetry(id ID, before int) error {
	again := s.poll()
	for idle := 0; idle < mostIdle; {
		d, err := fetch[webhook.Delivery](s, deliveryPath(id, ""), nil)
		switch {
		case err != nil:
			return err
		case d.RetryRequested || d.InFlight:
			idle = 0
		case d.AttemptCount == before:
			idle++
		case d.State == webhook.StateSucceeded:
			return s.done("%s was acknowledged with %s.", id, lastOutcome(d))
		default:
			return fmt.Errorf("%s was not acknowledged: %s; \"carteiro deliveries get %[1]s\" shows the attempt", id, lastOutcome(d))
		}
		if err := again.wait(); err != nil {
			return err
		}
	}
	return fmt.Errorf("%s was not sent again: is its subscription still there?", id)
}

// mostIdle is how often a delivery may look as if nobody had asked for a
// retry, until that is believed.
const mostIdle = 8

type tailDeliveries struct {
	deliveryFilter
	Every time.Duration `default:"1s" help:"How often the server is asked (default ${default})." placeholder:"DURATION"`
}

// Run prints each delivery when it is new, and again when its state, its
// attempts or its next attempt are others.
func (c tailDeliveries) Run(s *Session) error {
	if c.Every < 100*time.Millisecond {
		return usage("--every %s is too often: 100ms or more", c.Every)
	}
	if c.Since == "" {
		c.Since = "5m"
	}
	q, err := c.query(s)
	if err != nil {
		return err
	}
	w := watch{s: s, query: q, seen: map[webhook.DeliveryID]string{}, table: s.out.Table(deliveryColumns()...)}
	for {
		if err := w.look(); err != nil && !apiclient.Is(err, apiclient.Unavailable) {
			return err
		} else if err != nil {
			_ = s.note.Line("%v", err)
		}
		if err := s.pause(c.Every); err != nil {
			return nil // Ctrl-C is how it ends
		}
	}
}
