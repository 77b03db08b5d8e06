package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// attemptView is an attempt as the API shows it.
type attemptView struct {
	Number     int       `json:"number"`
	Trigger    string    `json:"trigger"`
	StartedAt  time.Time `json:"started_at"`
	DurationMS float64   `json:"duration_ms"`
	Timing     struct {
		DNS       *float64 `json:"dns_ms"`
		Connect   *float64 `json:"connect_ms"`
		TLS       *float64 `json:"tls_ms"`
		FirstByte *float64 `json:"first_byte_ms"`
	} `json:"timing"`
	URL               string                `json:"url"`
	RemoteAddr        string                `json:"remote_addr"`
	Status            int                   `json:"status"`
	Error             *webhook.AttemptError `json:"error"`
	RequestHeaders    map[string]string     `json:"request_headers"`
	ResponseHeaders   map[string][]string   `json:"response_headers"`
	ResponseBody      string                `json:"response_body"`
	ResponseTruncated bool                  `json:"response_truncated"`
	Warnings          []string              `json:"warnings"`
}

// result is what came of it, in few words.
func (a *attemptView) result() show.Cell {
	if a.Error == nil {
		c := show.Cell{Text: fmt.Sprintf("acknowledged with %d", a.Status), Color: show.Green}
		if len(a.Warnings) > 0 {
			c = show.Cell{Text: fmt.Sprintf("%d, %s", a.Status, strings.Join(a.Warnings, ", ")), Color: show.Yellow}
		}
		return c
	}
	return show.Cell{Text: string(a.Error.Code) + ": " + a.Error.Message, Color: show.Red}
}

// timing tells how long the steps took that happened.
func (a *attemptView) timing() string {
	var parts []string
	for _, step := range []struct {
		name string
		ms   *float64
	}{{"dns", a.Timing.DNS}, {"connect", a.Timing.Connect}, {"tls", a.Timing.TLS}, {"first byte", a.Timing.FirstByte}} {
		if step.ms != nil {
			parts = append(parts, step.name+" "+show.Milliseconds(*step.ms))
		}
	}
	return strings.Join(parts, ", ")
}

type getDelivery struct {
	ID      ID   `arg:"" predictor:"delivery" help:"The delivery's id."`
	Verbose bool `short:"v" help:"Headers and answers of each attempt, too."`
	revealing
}

func (c getDelivery) Run(s *Session) error {
	type detail struct {
		webhook.Delivery
		AttemptsRemoved int           `json:"attempts_removed"`
		Attempts        []attemptView `json:"attempts"`
	}
	return one(s, get(deliveryPath(c.ID, ""), c.query()), func(v *detail) error {
		if err := s.out.Fields(s.deliveryFields(&v.Delivery)...); err != nil {
			return err
		}
		if len(v.Attempts) == 0 {
			return s.out.Line("\nThere was no attempt yet.")
		}
		if err := s.out.Line(""); err != nil {
			return err
		}
		if v.AttemptsRemoved > 0 {
			if err := s.out.Line("%s older than their retention are gone.", show.Count(int64(v.AttemptsRemoved), "attempt", "attempts")); err != nil {
				return err
			}
		}
		if c.Verbose {
			return s.showAttempts(v.Attempts)
		}
		return s.attemptTable(v.Attempts)
	})
}

func (s *Session) deliveryFields(d *webhook.Delivery) []show.Field {
	fields := []show.Field{
		field("id", string(d.ID)), field("event type", string(d.EventType)), field("message", string(d.MessageID)), field("client", string(d.ClientID)),
		field("subscription", string(d.SubscriptionID)), field("url", d.Method+" "+d.URL),
		{Name: "state", Value: deliveryState(d)},
		field("canceled by", string(d.CancelReason)), field("next attempt", s.nextField(d)),
	}
	if d.RunID != nil && d.Page != nil {
		fields = append(fields, field("export", fmt.Sprintf("page %d of %s", *d.Page, *d.RunID)))
	}
	fields = append(fields, field("created", s.out.Time(&d.CreatedAt)))
	if d.FinishedAt != nil {
		fields = append(fields, field("finished", s.out.Time(d.FinishedAt)))
	}
	return fields
}

func (s *Session) nextField(d *webhook.Delivery) string {
	text := s.next(d)
	if d.NextAttemptAt != nil && !d.InFlight {
		text = s.out.Time(d.NextAttemptAt) + " (" + text + ")"
	}
	return text
}

func (s *Session) attemptTable(attempts []attemptView) error {
	t := s.out.Table(
		show.Column{Head: "#", Right: true}, show.Column{Head: "STARTED"}, show.Column{Head: "BY"}, show.Column{Head: "TOOK", Right: true},
		show.Column{Head: "RESULT", Flex: true},
	)
	for i := range attempts {
		a := &attempts[i]
		t.Row(show.Text(fmt.Sprint(a.Number)), show.Text(s.out.Time(&a.StartedAt)), show.Text(a.Trigger), show.Text(show.Milliseconds(a.DurationMS)), a.result())
	}
	return t.Flush()
}

func (s *Session) showAttempts(attempts []attemptView) error {
	for i := range attempts {
		if i > 0 {
			if err := s.out.Line(""); err != nil {
				return err
			}
		}
		if err := s.out.Fields(s.attemptFields(&attempts[i])...); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) attemptFields(a *attemptView) []show.Field {
	body := a.ResponseBody
	if a.ResponseTruncated {
		body += "\n(there was more)"
	}
	return []show.Field{
		field("attempt", fmt.Sprintf("%d, %s, %s", a.Number, a.Trigger, s.out.Time(&a.StartedAt))), field("url", a.URL),
		{Name: "result", Value: a.result()},
		field("took", show.Milliseconds(a.DurationMS)), field("of that", a.timing()), field("dialled", a.RemoteAddr),
		field("request headers", headerLines(a.RequestHeaders)), field("answer's headers", headerLists(a.ResponseHeaders)), field("answer", body),
	}
}

func headerLines(h map[string]string) string {
	lines := make([]string, 0, len(h))
	for name, value := range h {
		lines = append(lines, name+": "+value)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func headerLists(h map[string][]string) string {
	flat := map[string]string{}
	for name, values := range h {
		flat[name] = strings.Join(values, ", ")
	}
	return headerLines(flat)
}

type testSubscription struct {
	ID        ID     `arg:"" predictor:"subscription" help:"The subscription's id."`
	EventType string `predictor:"event-type" help:"Whose example is sent; the subscription's first exact slug when nothing is given." placeholder:"SLUG"`
}

func (c testSubscription) Run(s *Session) error {
	body := map[string]string{}
	if c.EventType != "" {
		body["event_type"] = c.EventType
	}
	type probe struct {
		attemptView
		DeliveryID   string `json:"delivery_id"`
		EventType    string `json:"event_type"`
		Acknowledged bool   `json:"acknowledged"`
	}
	answer, err := s.do(post(subscriptionPath(c.ID, "/test"), body))
	if err != nil {
		return err
	}
	var v probe
	if err := apiclient.Decode(answer.Body, &v); err != nil {
		return err
	}
	if s.o.Flags.JSON {
		err = s.json(answer.Body)
	} else {
		err = s.out.Fields(append([]show.Field{field("delivery", v.DeliveryID), field("event type", v.EventType)}, s.attemptFields(&v.attemptView)...)...)
	}
	if err == nil && !v.Acknowledged {
		err = fmt.Errorf("the test was not acknowledged: %s", v.result().Text)
	}
	return err
}
