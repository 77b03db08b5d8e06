package api

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const listDeliveries = "deliveries"

type deliveriesQuery struct {
	Paging
	State          webhook.DeliveryState  `query:"state" enum:"pending,retrying,held,succeeded,failed,canceled"`
	HoldReason     webhook.HoldReason     `query:"hold_reason" enum:"paused,quarantine" doc:"of those that are held: its subscription is paused, or sending it crashed us three times"`
	ClientID       webhook.ClientID       `query:"client_id"`
	SubscriptionID webhook.SubscriptionID `query:"subscription_id"`
	EventType      webhook.Slug           `query:"event_type"`
	EventID        webhook.MessageID      `query:"event_id"`
	RunID          webhook.RunID          `query:"run_id"`
	JobID          webhook.JobID          `query:"job_id" doc:"those that a bulk job made, or asked for the last retry of"`
	Since          string                 `query:"since" doc:"created at or after this time (RFC 3339)"`
	Until          string                 `query:"until" doc:"created before this time (RFC 3339)"`

	filter store.DeliveryFilter
}

// Resolve checks the filters.
func (q *deliveriesQuery) Resolve(ctx huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, false)
	checkID(&f, "subscription_id", webhook.PrefixSubscription, q.SubscriptionID)
	checkSlug(&f, "event_type", q.EventType)
	checkID(&f, "event_id", webhook.PrefixEvent, q.EventID)
	checkID(&f, "run_id", webhook.PrefixRun, q.RunID)
	checkID(&f, "job_id", webhook.PrefixJob, q.JobID)
	if q.HoldReason != "" && q.State != "" && q.State != webhook.StateHeld {
		f.Add("hold_reason", "goes with state=held only; a delivery that is %s is not held", q.State)
	}
	since, until := checkSpan(&f, q.Since, q.Until)
	q.filter = store.DeliveryFilter{
		State: q.State, HoldReason: q.HoldReason, ClientID: q.ClientID, SubscriptionID: q.SubscriptionID, EventType: q.EventType,
		MessageID: q.EventID, RunID: q.RunID, JobID: q.JobID,
		Since: since, Until: until,
		VisibleTo: callOf(ctx.Context()).who.client,
	}
	return asErrors(f)
}

func (a *api) listDeliveries(ctx context.Context, in *deliveriesQuery) (*reply[list[webhook.Delivery]], error) {
	page, err := in.page(listDeliveries)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.Deliveries(ctx, in.filter, page)
	if err != nil {
		return nil, err
	}
	return listOf(listDeliveries, rows, next, a.redacted().Delivery), nil
}

type deliveryPath struct {
	Revealing
	ID webhook.DeliveryID `path:"id"`
}

// deliveryDetail is a delivery with its attempts.
type deliveryDetail struct {
	webhook.Delivery
	PayloadGone     *webhook.Gone `json:"payload_gone" doc:"when and why its payload was removed; null: it is there"`
	AttemptsRemoved int           `json:"attempts_removed" doc:"how many of its attempts were removed at the end of their retention"`
	Attempts        []AttemptView `json:"attempts" nullable:"false" doc:"the first one first"`
}

// AttemptView is an attempt as the API shows it. (Exported because huma describes
// exported embedded fields only.)
type AttemptView struct {
	Number             int                   `json:"number" doc:"counted from 1, without gaps"`
	Trigger            webhook.Trigger       `json:"trigger" enum:"automatic,manual,test"`
	StartedAt          time.Time             `json:"started_at"`
	DurationMS         float64               `json:"duration_ms" doc:"until the answer's body was read"`
	Timing             timingView            `json:"timing"`
	URL                string                `json:"url"`
	RemoteAddr         string                `json:"remote_addr" doc:"the address dialled; empty when none was"`
	Status             int                   `json:"status" doc:"HTTP status; 0 when no status line was read"`
	Error              *webhook.AttemptError `json:"error" doc:"null when acknowledged"`
	RequestHeaders     map[string]string     `json:"request_headers" doc:"secret values redacted"`
	ResponseHeaders    map[string][]string   `json:"response_headers" doc:"secret values redacted"`
	ResponseBody       string                `json:"response_body" doc:"its first 16 KiB; what is not UTF-8 is replaced"`
	ResponseBodyBase64 string                `json:"response_body_base64,omitempty" doc:"the same bytes, when they are not UTF-8"`
	ResponseTruncated  bool                  `json:"response_truncated" doc:"there was more"`
	Warnings           []string              `json:"warnings" nullable:"false"`
	LateMS             *float64              `json:"late_ms" doc:"how long after its due time it was started; null: it had none, or an older version recorded it"`
	Waited             bool                  `json:"waited" doc:"it was late because its subscription had all the attempts in flight that it may"`
}

// timingView is how long the steps of an exchange took, in milliseconds; a
// step that did not happen is null.
type timingView struct {
	DNS       *float64 `json:"dns_ms"`
	Connect   *float64 `json:"connect_ms"`
	TLS       *float64 `json:"tls_ms"`
	FirstByte *float64 `json:"first_byte_ms"`
}

func viewAttempt(a *webhook.Attempt, s redact.Sight) AttemptView {
	body := s.JSON(a.ResponseBody)
	v := AttemptView{
		Number: a.Number, Trigger: a.Trigger, StartedAt: a.StartedAt, DurationMS: milliseconds(a.Duration),
		Timing: timingView{
			DNS: maybeMilliseconds(a.Timing.DNS), Connect: maybeMilliseconds(a.Timing.Connect),
			TLS: maybeMilliseconds(a.Timing.TLS), FirstByte: maybeMilliseconds(a.Timing.FirstByte),
		},
		URL: s.Text(a.URL), RemoteAddr: a.RemoteAddr, Status: a.Status, Error: a.Error,
		RequestHeaders: a.RequestHeaders, ResponseHeaders: s.Headers(a.ResponseHeaders),
		ResponseBody: string(body), ResponseTruncated: a.ResponseTruncated, Warnings: a.Warnings,
		LateMS: maybeMilliseconds(a.Late), Waited: a.Waited,
	}
	if v.RequestHeaders == nil {
		v.RequestHeaders = map[string]string{}
	}
	if v.Warnings == nil {
		v.Warnings = []string{}
	}
	if !utf8.Valid(body) {
		v.ResponseBody = strings.ToValidUTF8(v.ResponseBody, "\uFFFD")
		v.ResponseBodyBase64 = base64.StdEncoding.EncodeToString(body)
	}
	return v
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func maybeMilliseconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	ms := milliseconds(*d)
	return &ms
}

// delivery reads a delivery; what has not the form of an id does not exist.
func (a *api) delivery(ctx context.Context, id webhook.DeliveryID) (webhook.Delivery, error) {
	if !webhook.ValidID(webhook.PrefixDelivery, string(id)) {
		return webhook.Delivery{}, webhook.NotFound("delivery", clip(string(id)))
	}
	return a.o.Store.Delivery(ctx, id)
}

func (a *api) getDelivery(ctx context.Context, in *deliveryPath) (*reply[deliveryDetail], error) {
	d, err := a.delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := a.o.Store.Attempts(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	gone, err := a.o.Store.PayloadGone(ctx, d.MessageID)
	if err != nil {
		return nil, err
	}
	s, err := a.sightOf(ctx, in.Revealing, deliveryAudit(&d))
	if err != nil {
		return nil, err
	}
	v := deliveryDetail{
		Delivery: s.Delivery(&d), PayloadGone: gone, AttemptsRemoved: max(0, d.AttemptCount-len(attempts)),
		Attempts: make([]AttemptView, len(attempts)),
	}
	for i := range attempts {
		v.Attempts[i] = viewAttempt(&attempts[i], s)
	}
	return &reply[deliveryDetail]{Value: v}, nil
}

// getPayload answers with the bytes that go on the wire; without reveal, with
// personal data taken out of them.
func (a *api) getPayload(ctx context.Context, in *deliveryPath) (*reply[rawJSON], error) {
	d, err := a.delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	m, err := a.o.Store.Message(ctx, d.MessageID)
	if err != nil {
		return nil, err
	}
	if m.Body == nil {
		return nil, webhook.PayloadGone(d.ID, m.Gone)
	}
	s, err := a.sightOf(ctx, in.Revealing, deliveryAudit(&d))
	if err != nil {
		return nil, err
	}
	return &reply[rawJSON]{Raw: s.JSON(m.Body)}, nil
}

type retryDelivery struct {
	Keyed
	ID      webhook.DeliveryID `path:"id"`
	Content jsonBody[noFields] `json:"-"`
}

// retryDelivery answers with the delivery as it is with the retry noted. Its
// attempt may be over before the answer arrives.
func (a *api) retryDelivery(ctx context.Context, in *retryDelivery) (*reply[webhook.Delivery], error) {
	d, err := a.delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	d.RetryRequested = true
	body, err := encodeJSON(a.redacted().Delivery(&d))
	if err != nil {
		return nil, err
	}
	key := in.idempotency(ctx, in.Content.raw)
	if key != nil && d.SubscriptionID == "" { // its URL may name a person
		key.ClientID = d.ClientID
	}
	ctx, cancel := outliving(ctx, requestTimeout)
	defer cancel()
	err = a.o.Dispatcher.Retry(ctx, in.ID, answered(key, http.StatusAccepted, body))
	if r := replayed[webhook.Delivery](err); r != nil {
		return r, nil
	}
	return &reply[webhook.Delivery]{Raw: body}, err
}

type cancelDelivery struct {
	ID      webhook.DeliveryID `path:"id"`
	Content jsonBody[noFields] `json:"-"`
}

func (a *api) cancelDelivery(ctx context.Context, in *cancelDelivery) (*reply[webhook.Delivery], error) {
	if _, err := a.delivery(ctx, in.ID); err != nil {
		return nil, err
	}
	d, err := a.o.Dispatcher.Cancel(ctx, in.ID)
	return &reply[webhook.Delivery]{Value: a.redacted().Delivery(&d)}, err
}
