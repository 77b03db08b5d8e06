package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type createVerification struct {
	Keyed
	Content jsonBody[verificationBody] `json:"-"`
}

// verificationBody is the client's own request (verification-callback.md).
// Its messages never repeat the nationalId.
type verificationBody struct {
	NationalID    string              `json:"nationalId" minLength:"1" maxLength:"32" doc:"who is verified; kept only masked"`
	Verifications verificationsObject `json:"verifications" doc:"what is verified: any object; only its type is kept"`
	Callback      *callbackBody       `json:"callback,omitempty" doc:"where the result goes; without it, nobody is told: poll"`
	Metadata      any                 `json:"metadata,omitempty" doc:"an object; comes back byte for byte"`
	ClientID      webhook.ClientID    `json:"client_id,omitempty" doc:"whose verification it is, and whose secret signs the callback; the key's client, or default, when nothing is given"`

	metadata []byte
}

// verificationsObject is of the engine: of its fields only "type" is looked at.
type verificationsObject map[string]any

type callbackBody struct {
	URL    string `json:"url" doc:"https"`
	Method string `json:"method" enum:"POST,PUT"`
}

func (b *callbackBody) decode(o *object) {
	text(o, "url", &b.URL)
	text(o, "method", &b.Method)
	o.need("url", "method")
}

func (b *verificationBody) decode(o *object) {
	text(o, "nationalId", &b.NationalID)
	if raw, p := o.typed("verifications", "an object"); p == given {
		b.Verifications = verificationsObject{"type": verificationType(raw)}
	}
	var callback callbackBody
	if o.object("callback", &callback) == given {
		b.Callback = &callback
	}
	b.metadata, _ = o.typed("metadata", "an object")
	filled(o, "client_id", &b.ClientID)
	o.need("nationalId", "verifications")
}

// verificationType is the "type" of the verifications object when it is a
// text, else "": the contract does not say what it may be.
func verificationType(object []byte) string {
	for _, m := range members(object) {
		if m.name == "type" && kindOf(m.value) == "a string" {
			if s, fault := unquote(m.value); fault == "" {
				return s
			}
		}
	}
	return ""
}

// verification is what the body registers.
func (b *verificationBody) verification() dispatcher.NewVerification {
	in := dispatcher.NewVerification{ClientID: b.ClientID, NationalID: b.NationalID, Metadata: b.metadata}
	in.Type, _ = b.Verifications["type"].(string)
	if in.ClientID == "" {
		in.ClientID = webhook.DefaultVerificationClient
	}
	if b.Callback != nil {
		in.Callback = &webhook.Callback{URL: b.Callback.URL, Method: b.Callback.Method}
	}
	return in
}

// The view of a verification. Its first three fields are the body that the
// callback gets, in the same order: who polls sees what is pushed. (Exported
// where huma describes exported embedded fields only.)
type (
	verificationView struct {
		VerificationHead
		Metadata any `json:"metadata,omitempty" doc:"as it was given, byte for byte; left out if none was given, and once it was removed. Without personal data, but for producers"`
		VerificationTail
	}
	VerificationHead struct {
		ID     webhook.VerificationID     `json:"id"`
		Status webhook.VerificationStatus `json:"status" enum:"PENDING,COMPLETED,FAILED,EXPIRED"`
	}
	VerificationTail struct {
		ClientID         webhook.ClientID    `json:"client_id"`
		Type             string              `json:"type,omitempty" doc:"verifications.type of the request"`
		NationalIDMasked string              `json:"national_id_masked"`
		Callback         *callbackView       `json:"callback" doc:"null: nobody is told"`
		CreatedAt        time.Time           `json:"created_at"`
		UpdatedAt        time.Time           `json:"updated_at" doc:"when it ended"`
		ExpiresAt        time.Time           `json:"expires_at" doc:"it stays pending until then"`
		DeliveryID       *webhook.DeliveryID `json:"delivery_id" doc:"what brings the result to the callback; null before the end"`
		WipedAt          *time.Time          `json:"personal_data_removed_at" doc:"when metadata, masked id and the callback's query were removed; null: they are there"`
	}
	callbackView struct {
		URL    string `json:"url"`
		Method string `json:"method"`
	}
)

func viewVerification(v *webhook.Verification, s redact.Sight) verificationView {
	out := verificationView{
		VerificationHead: VerificationHead{v.ID, v.Status},
		VerificationTail: VerificationTail{
			ClientID: v.ClientID, Type: v.Type, NationalIDMasked: v.NationalIDMasked,
			CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, ExpiresAt: v.ExpiresAt, WipedAt: v.WipedAt,
		},
	}
	if v.Callback != nil {
		out.Callback = &callbackView{s.Text(v.Callback.URL), v.Callback.Method}
	}
	if v.DeliveryID != "" {
		out.DeliveryID = &v.DeliveryID
	}
	return out
}

// encodeVerification writes a verification with its metadata byte for byte:
// encoding/json would take the space out of it.
func encodeVerification(v *webhook.Verification, s redact.Sight) ([]byte, error) {
	view, metadata := viewVerification(v, s), s.JSON(v.Metadata, "metadata")
	head, err := encodeJSON(view.VerificationHead)
	if err != nil {
		return nil, err
	}
	tail, err := encodeJSON(view.VerificationTail)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(head)+len(metadata)+len(tail)+16)
	b = append(b, head[:len(head)-1]...)
	if metadata != nil {
		b = append(append(b, `,"metadata":`...), metadata...)
	}
	return append(append(b, ','), tail[1:]...), nil
}

func (a *api) createVerification(ctx context.Context, in *createVerification) (*reply[verificationView], error) {
	key := in.idempotency(ctx, in.Content.raw)
	if key != nil {
		// A plain hash would betray a nationalId to whoever tries them all.
		key.RequestHash = a.o.Keys.MAC(key.RequestHash)
		key.ClientID = in.Content.value.verification().ClientID
		if err := a.o.Store.FindIdempotent(ctx, key); err != nil { // before the URL's host is looked up
			return madeBefore[verificationView](err, verificationURL)
		}
	}
	var body []byte
	v, err := a.o.Dispatcher.RegisterVerification(ctx, in.Content.value.verification(), func(v *webhook.Verification) (*store.Idempotency, error) {
		var err error
		body, err = encodeVerification(v, redact.Revealed()) // to whoever has just sent it
		return answered(key, http.StatusCreated, body), err
	})
	if err != nil {
		return madeBefore[verificationView](err, verificationURL)
	}
	return &reply[verificationView]{Location: verificationURL(v.ID), Raw: body}, nil
}

func verificationURL(id webhook.VerificationID) string { return "/v1/verifications/" + string(id) }

type verificationPath struct {
	Revealing
	ID webhook.VerificationID `path:"id"`
}

func mustBeVerification(id webhook.VerificationID) error {
	if !webhook.ValidID(webhook.PrefixVerification, string(id)) {
		return webhook.NotFound("verification", clip(string(id)))
	}
	return nil
}

func (a *api) getVerification(ctx context.Context, in *verificationPath) (*reply[verificationView], error) {
	if err := mustBeVerification(in.ID); err != nil {
		return nil, err
	}
	v, err := a.o.Store.Verification(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	s := redact.Revealed() // a producer brought it in, and polls what the callback gets
	if in.Reveal || callOf(ctx).who.role != webhook.RoleProducer {
		s, err = a.sightOf(ctx, in.Revealing, webhook.AuditEntry{
			Resource: webhook.ResourceVerification, ResourceID: string(v.ID), ClientID: v.ClientID,
		})
		if err != nil {
			return nil, err
		}
	}
	body, err := encodeVerification(&v, s)
	return &reply[verificationView]{Raw: body}, err
}

type endVerification struct {
	ID      webhook.VerificationID `path:"id"`
	Content jsonBody[statusBody]   `json:"-"`
}

type statusBody struct {
	Status webhook.VerificationStatus `json:"status" enum:"COMPLETED,FAILED" doc:"how it ended"`
}

func (b *statusBody) decode(o *object) {
	text(o, "status", &b.Status)
	o.need("status")
}

// endVerification takes the engine's report. It needs no idempotency key: the
// same report again changes nothing and answers the same.
func (a *api) endVerification(ctx context.Context, in *endVerification) (*reply[verificationView], error) {
	if err := mustBeVerification(in.ID); err != nil {
		return nil, err
	}
	v, err := a.o.Dispatcher.EndVerification(ctx, in.ID, in.Content.value.Status)
	if err != nil {
		return nil, err
	}
	body, err := encodeVerification(v, redact.Revealed()) // to a producer, as above
	return &reply[verificationView]{Raw: body}, err
}

const listVerifications = "verifications"

type verificationsQuery struct {
	Paging
	ClientID webhook.ClientID           `query:"client_id"`
	Status   webhook.VerificationStatus `query:"status" enum:"PENDING,COMPLETED,FAILED,EXPIRED"`
	Since    string                     `query:"since" doc:"registered at or after this time (RFC 3339)"`
	Until    string                     `query:"until" doc:"registered before this time (RFC 3339)"`

	filter store.VerificationFilter
}

// Resolve checks the filters.
func (q *verificationsQuery) Resolve(huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, false)
	since, until := checkSpan(&f, q.Since, q.Until)
	q.filter = store.VerificationFilter{
		ClientID: q.ClientID, Status: q.Status,
		Since: since, Until: until,
	}
	return asErrors(f)
}

// listVerifications shows no metadata: it may be large, and personal.
func (a *api) listVerifications(ctx context.Context, in *verificationsQuery) (*reply[list[verificationView]], error) {
	page, err := in.page(listVerifications)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.Verifications(ctx, in.filter, page)
	if err != nil {
		return nil, err
	}
	return listOf(listVerifications, rows, next, func(v *webhook.Verification) verificationView {
		return viewVerification(v, a.redacted())
	}), nil
}
