package cli

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type subscriptionsCommand struct {
	Flags
	List         listSubscriptions  `cmd:"" default:"withargs" help:"List subscriptions."`
	Get          getSubscription    `cmd:"" help:"Show one subscription."`
	Create       createSubscription `cmd:"" help:"Register a URL. The answer has its secret."`
	Update       updateSubscription `cmd:"" help:"Change what is given of a subscription, and nothing else."`
	Delete       deleteSubscription `cmd:"" help:"Delete a subscription; what waits to be sent to it is canceled."`
	Pause        pauseSubscription  `cmd:"" help:"Hold its deliveries: nothing is sent, nothing is lost."`
	Resume       resumeSubscription `cmd:"" help:"Send again, what was held first."`
	Secret       subscriptionSecret `cmd:"" help:"Show the secret, or the public key, that verifies its messages. The look is written to the audit log."`
	RotateSecret rotateSecret       `cmd:"" help:"Give it a new secret; the old one signs too for a while."`
	Test         testSubscription   `cmd:"" help:"Send a sample now, and show the attempt. Fails when it was not acknowledged."`
	Check        checkSubscription  `cmd:"" help:"Look at its receiver on the whole way: name, address, TLS, answer, signature, repeat; and say what mends what is wrong."`
}

// subscriptionView is a subscription as the API shows it.
type subscriptionView struct {
	ID          string            `json:"id"`
	ClientID    string            `json:"client_id"`
	URL         string            `json:"url"`
	EventTypes  []string          `json:"event_types"`
	Description string            `json:"description"`
	Method      string            `json:"method"`
	Headers     map[string]string `json:"headers"`
	Auth        *struct {
		Type     string `json:"type"`
		Username string `json:"username"`
	} `json:"auth"`
	Signing string `json:"signing"`
	Ack     struct {
		Status      string `json:"status"`
		Body        any    `json:"body"`
		RequireBody bool   `json:"require_body"`
	} `json:"ack"`
	Timeout     string    `json:"timeout"`
	RateLimit   int       `json:"rate_limit"`
	MaxInFlight int       `json:"max_in_flight"`
	SendEmpty   bool      `json:"send_empty_exports"`
	State       string    `json:"state"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	secretView
}

func subscriptionPath(id ID, rest string) string {
	return apiclient.Path("/v1/subscriptions/%s", string(id)) + rest
}

type listSubscriptions struct {
	Client    string `predictor:"client" help:"Of this client; * for those to every client's events." placeholder:"ID"`
	EventType string `predictor:"event-type" help:"That would get this event type." placeholder:"SLUG"`
	State     string `enum:",active,paused" default:"" help:"active or paused." placeholder:"STATE"`
	paging
}

func (c listSubscriptions) Run(s *Session) error {
	q := query{}
	q.set("client_id", c.Client)
	q.set("event_type", c.EventType)
	q.set("state", c.State)
	return listing[subscriptionView]{
		path: "/v1/subscriptions", query: q, paging: c.paging, many: "subscriptions",
		columns: []show.Column{
			{Head: "ID"}, {Head: "CLIENT"}, {Head: "STATE"}, {Head: "URL", Flex: true}, {Head: "EVENT TYPES", Flex: true}, {Head: "CREATED"},
		},
		row: func(v *subscriptionView) []show.Cell {
			return []show.Cell{
				show.Text(v.ID), show.Text(v.ClientID), stateCell(v.State), show.Text(v.URL),
				show.Text(strings.Join(v.EventTypes, ",")), show.Text(s.out.Time(&v.CreatedAt)),
			}
		},
	}.run(s)
}

type getSubscription struct {
	ID ID `arg:"" predictor:"subscription" help:"The subscription's id."`
}

func (c getSubscription) Run(s *Session) error {
	return one(s, get(subscriptionPath(c.ID, ""), nil), s.showSubscription)
}

func (s *Session) showSubscription(v *subscriptionView) error {
	fields := []show.Field{
		field("id", v.ID), field("client", v.ClientID),
		{Name: "state", Value: stateCell(v.State)},
		field("url", v.Method+" "+v.URL),
		field("event types", strings.Join(v.EventTypes, ", ")), field("description", v.Description),
		field("acknowledged by", v.acknowledgedBy()), field("signing", v.Signing),
	}
	if v.Auth != nil {
		fields = append(fields, field("credentials", strings.TrimSpace(v.Auth.Type+" "+v.Auth.Username)))
	}
	if len(v.Headers) > 0 {
		fields = append(fields, field("headers", strings.Join(slices.Sorted(maps.Keys(v.Headers)), ", ")+" (values are secret)"))
	}
	fields = append(fields, field("limits", v.limits()), field("created", s.out.Time(&v.CreatedAt)), field("updated", s.out.Time(&v.UpdatedAt)))
	return s.out.Fields(append(fields, s.secretFields(&v.secretView)...)...)
}

func (v *subscriptionView) acknowledgedBy() string {
	text := v.Ack.Status
	switch {
	case v.Ack.RequireBody:
		text += " with the expected body, and no other"
	case v.Ack.Body != nil:
		text += "; another body than the expected one is flagged"
	}
	return text
}

func (v *subscriptionView) limits() string {
	text := fmt.Sprintf("%d in flight", v.MaxInFlight)
	if v.RateLimit > 0 {
		text += fmt.Sprintf(", %d a second", v.RateLimit)
	}
	if v.Timeout != "" && v.Timeout != "0s" {
		text += ", " + v.Timeout + " for an attempt"
	}
	if v.SendEmpty {
		text += ", empty exports are sent too"
	}
	return text
}

type deleteSubscription struct {
	ID  ID   `arg:"" predictor:"subscription" help:"The subscription's id."`
	Yes bool `short:"y" help:"Do not ask."`
}

func (c deleteSubscription) Run(s *Session) error {
	sub, err := fetch[subscriptionView](s, subscriptionPath(c.ID, ""), nil)
	if err != nil {
		return err
	}
	err = s.confirm(c.Yes, "The subscription %s of %s to %s is deleted, and what waits to be sent to it is canceled.", sub.ID, sub.ClientID, sub.URL)
	if err != nil {
		return err
	}
	if _, err := s.do(apiclient.Request{Method: http.MethodDelete, Path: subscriptionPath(c.ID, "")}); err != nil {
		return err
	}
	return s.done("The subscription %s is deleted.", c.ID)
}

type pauseSubscription struct {
	ID ID `arg:"" predictor:"subscription" help:"The subscription's id."`
}

func (c pauseSubscription) Run(s *Session) error {
	return one(s, post(subscriptionPath(c.ID, "/pause"), nil), s.showSubscription)
}

type resumeSubscription struct {
	ID ID `arg:"" predictor:"subscription" help:"The subscription's id."`
}

func (c resumeSubscription) Run(s *Session) error {
	return one(s, post(subscriptionPath(c.ID, "/resume"), nil), s.showSubscription)
}

type subscriptionSecret struct {
	ID ID `arg:"" predictor:"subscription" help:"The subscription's id."`
}

func (c subscriptionSecret) Run(s *Session) error {
	return one(s, get(subscriptionPath(c.ID, "/secret"), nil), s.showSecret)
}

type rotateSecret struct {
	ID ID `arg:"" predictor:"subscription" help:"The subscription's id."`
	rotation
}

func (c rotateSecret) Run(s *Session) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	return one(s, post(subscriptionPath(c.ID, "/rotate-secret"), body), s.showSubscription)
}
