package console

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type deliveryPage struct {
	Delivery webhook.Delivery
	Explain  webhook.Explanation
	Timeline *timeline
	Attempts []attemptView // the last one first
	Removed  int           // attempts that were removed at the end of their retention
	Payload  payloadView
	Most     int // automatic attempts that the schedule makes at most
	Revealed bool
}

// attemptView is an attempt as the page shows it.
type attemptView struct {
	webhook.Attempt
	Method  string
	Open    bool // it is shown whole from the start
	Bar     timing
	Request []headerView
	Answer  []headerView
	Body    string
	Binary  bool // the body is not text: what cannot be shown is replaced
}

// OK tells whether the attempt was acknowledged.
func (a attemptView) OK() bool { return a.Acknowledged() }

// headerView is a header's line.
type headerView struct{ Name, Value string }

// payloadView is the body that goes on the wire.
type payloadView struct {
	Text string
	Size int
	Cut  bool // there is more
	Gone *webhook.Gone
}

// maxShown is how much of a payload a page shows, in bytes.
const maxShown = 128 << 10

// delivery reads the delivery of the path.
func (v *visit) delivery() (webhook.Delivery, error) {
	id := v.r.PathValue("id")
	if !webhook.ValidID(webhook.PrefixDelivery, id) {
		return webhook.Delivery{}, webhook.NotFound("delivery", webhook.Clip(id))
	}
	return v.c.o.Store.Delivery(v.ctx, webhook.DeliveryID(id))
}

// lookAtDelivery is the line of a look at a delivery's personal data.
func lookAtDelivery(d *webhook.Delivery) webhook.AuditEntry {
	return webhook.AuditEntry{Resource: webhook.ResourceDelivery, ResourceID: string(d.ID), ClientID: d.ClientID}
}

func (c *console) showDelivery(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	attempts, err := c.o.Store.Attempts(v.ctx, d.ID)
	if err != nil {
		return err
	}
	m, err := c.o.Store.Message(v.ctx, d.MessageID)
	if err != nil {
		return err
	}
	s, err := v.sight(lookAtDelivery(&d))
	if err != nil {
		return err
	}
	schedule := c.o.Dispatcher.Schedule()
	p := deliveryPage{
		Delivery: s.Delivery(&d), Removed: max(0, d.AttemptCount-len(attempts)), Payload: viewPayload(&m, s),
		Timeline: drawTimeline(&d, attempts, schedule, v.now), Most: len(schedule) + 1, Revealed: v.revealing(),
		Explain: webhook.Explain(webhook.Facts{
			Delivery: &d, Attempts: attempts, Gone: m.Gone, Schedule: schedule, Now: v.now,
		}, webhook.Language(v.lang)),
	}
	for i := range slices.Backward(attempts) {
		p.Attempts = append(p.Attempts, viewAttempt(&attempts[i], s))
	}
	if len(p.Attempts) > 0 {
		p.Attempts[0].Open = true
	}
	for i := range p.Attempts {
		p.Attempts[i].Method = d.Method
	}
	return v.show("delivery", p)
}

func viewAttempt(a *webhook.Attempt, s redact.Sight) attemptView {
	v := attemptView{Attempt: *a, Bar: drawTiming(a)}
	v.URL = s.Text(a.URL)
	for _, name := range slices.Sorted(maps.Keys(a.RequestHeaders)) {
		v.Request = append(v.Request, headerView{name, a.RequestHeaders[name]})
	}
	answer := s.Headers(a.ResponseHeaders)
	for _, name := range slices.Sorted(maps.Keys(answer)) {
		for _, value := range answer[name] {
			v.Answer = append(v.Answer, headerView{name, value})
		}
	}
	v.Binary = !utf8.Valid(a.ResponseBody)
	v.Body = readable(s.JSON(a.ResponseBody))
	return v
}

func viewPayload(m *webhook.Message, s redact.Sight) payloadView {
	v := payloadView{Size: len(m.Body), Gone: m.Gone}
	if m.Body == nil {
		return v
	}
	v.Text = readable(s.JSON(m.Body))
	if len(v.Text) > maxShown {
		v.Text, v.Cut = strings.ToValidUTF8(v.Text[:maxShown], ""), true
	}
	return v
}

// readable is a text with its JSON laid out in lines; what is no JSON stays as
// it is, and what is no text is replaced.
func readable(text []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, text, "", "  ") == nil {
		text = b.Bytes()
	}
	return strings.ToValidUTF8(string(text), "\uFFFD")
}

func deliveryPath(id webhook.DeliveryID) string { return "/console/deliveries/" + string(id) }

func (c *console) retryDelivery(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if err := c.o.Dispatcher.Retry(ctx, d.ID, nil); err != nil {
		return err
	}
	return v.finish(deliveryPath(d.ID), "delivery.retried")
}

func (c *console) confirmCancel(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	return v.confirm(confirmation{
		Title: v.t("delivery.cancel_title"), Text: v.t("delivery.cancel_text"), Do: v.t("delivery.cancel"), Danger: true,
		Action: deliveryPath(d.ID) + "/cancel", Back: deliveryPath(d.ID),
		Facts: []fact{{v.t("delivery.id"), string(d.ID)}, {v.t("deliveries.client"), string(d.ClientID)}, {v.t("deliveries.type"), string(d.EventType)}},
	})
}

func (c *console) cancelDelivery(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if _, err := c.o.Dispatcher.Cancel(ctx, d.ID); err != nil {
		return err
	}
	return v.finish(deliveryPath(d.ID), "delivery.canceled")
}

type curlPage struct {
	ID       webhook.DeliveryID
	Line     string
	Revealed bool
	Fault    string // why there is none
}

// showCurl shows the delivery's next request, signed now, as a line for a shell.
func (c *console) showCurl(v *visit) error {
	d, err := v.delivery()
	if err != nil {
		return err
	}
	p := curlPage{ID: d.ID, Revealed: v.revealing()}
	r, err := c.o.Dispatcher.SignedRequest(v.ctx, d.ID)
	if webhook.IsKind(err, webhook.KindGone) || webhook.IsKind(err, webhook.KindConflict) {
		p.Fault = v.told(err.Error())
		return v.showWith(http.StatusConflict, "curl", p)
	}
	if err != nil {
		return err
	}
	s, err := v.sight(lookAtDelivery(&d))
	if err != nil {
		return err
	}
	p.Line = string(r.Curl(s))
	return v.show("curl", p)
}
