package dispatcher

import (
	"context"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// NewVerification is a verification as a client's request registers it
// (verification-callback.md).
type NewVerification struct {
	ClientID   webhook.ClientID  // whose secret signs the callback
	NationalID string            // kept only masked
	Type       string            // verifications.type
	Callback   *webhook.Callback // nil: nobody is told, the client polls
	Metadata   []byte            // a JSON object, sent back byte for byte; nil: none
}

// RegisterVerification stores a verification that is pending until the engine
// reports its end. A callback that could not be sent to is refused here. The
// answer to a request with an idempotency key is made by respond, if it is not
// nil, and stored with the verification.
//
// Errors: *webhook.Error of KindInvalid lists every fault; *store.Replay when
// respond's key was used before.
func (d *Dispatcher) RegisterVerification(ctx context.Context, in NewVerification,
	respond func(*webhook.Verification) (*store.Idempotency, error),
) (*webhook.Verification, error) {
	if err := d.checkVerification(ctx, &in); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, intakeTimeout)
	defer cancel()
	if in.Callback != nil {
		// Made now, so that the client can be told of it before the first callback.
		if _, known := d.o.Subscriptions.Index().ClientSecrets(in.ClientID); !known {
			if _, err := d.o.Subscriptions.ClientSecrets(ctx, in.ClientID); err != nil {
				return nil, err
			}
		}
	}
	now := d.now()
	v := &webhook.Verification{
		ID: webhook.NewVerificationID(), ClientID: in.ClientID, Status: webhook.VerificationPending,
		Type: webhook.KeptVerificationType(in.Type), NationalIDMasked: webhook.MaskNationalID(in.NationalID),
		Callback: in.Callback, Metadata: in.Metadata, CreatedAt: now, UpdatedAt: now, ExpiresAt: now.Add(d.o.VerificationTTL),
	}
	var idem *store.Idempotency
	if respond != nil {
		var err error
		if idem, err = respond(v); err != nil {
			return nil, err
		}
	}
	return v, d.o.Store.CreateVerification(ctx, v, idem)
}

// intakeTimeout is how long who brings something in waits for the database. P6:
// one that does not answer is a 503 within two seconds.
const intakeTimeout = 1800 * time.Millisecond

func (d *Dispatcher) checkVerification(ctx context.Context, in *NewVerification) error {
	var f webhook.Faults
	if msg := in.ClientID.Fault(); msg != "" {
		f.Add("/client_id", "%s", msg)
	}
	if msg := webhook.CheckNationalID(in.NationalID); msg != "" {
		f.Add("/nationalId", "%s", msg)
	}
	if in.Callback == nil {
		return f.Err()
	}
	in.Callback.Validate("/callback", &f)
	if !slices.ContainsFunc(f, func(x webhook.Fault) bool { return x.Path == "/callback/url" }) {
		if msg := d.o.Subscriptions.CheckURL(ctx, in.Callback.URL); msg != "" {
			f.Add("/callback/url", "%s", msg)
		}
	}
	return f.Err()
}

// EndVerification takes the engine's report of how a verification ended, and
// brings its one message on the way to the callback. A repeat of the same
// report changes nothing; another one is a conflict: it ends once.
func (d *Dispatcher) EndVerification(ctx context.Context, id webhook.VerificationID, status webhook.VerificationStatus) (*webhook.Verification, error) {
	if !status.Reportable() {
		var f webhook.Faults
		f.Add("/status", "%q is not allowed: COMPLETED or FAILED", clip(string(status)))
		return nil, f.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, intakeTimeout)
	defer cancel()
	v, err := d.o.Store.Verification(ctx, id)
	if err != nil {
		return nil, err
	}
	if repeat, err := v.Report(status); repeat || err != nil {
		return &v, err
	}
	// Callback and metadata never change: they can be read before the
	// transaction that ends it.
	e := store.Ending{ID: id, Status: status, At: d.now()}
	if v.Callback != nil {
		d.deliverTo(&v, &e)
	}
	ended, repeat, err := d.o.Store.EndVerification(ctx, e)
	if err != nil {
		return nil, err
	}
	if e.Message != nil && !repeat {
		d.hintNew(&e.Delivery)
	}
	return &ended, nil
}

// deliverTo adds the message to the callback and its delivery: from here on it
// is a delivery like all others, but for the subscription that it has not.
func (d *Dispatcher) deliverTo(v *webhook.Verification, e *store.Ending) {
	m := &webhook.Message{
		ID: webhook.NewMessageID(), Kind: webhook.KindVerification, ClientID: v.ClientID, Type: e.Status.EventType(),
		DataLength: len(v.Metadata), OccurredAt: e.At, CreatedAt: e.At,
	}
	m.Body, m.DataStart = v.CallbackBody(e.Status)
	e.Message, e.Host = m, hostOf(v.Callback.URL)
	e.Delivery = store.NewDelivery{
		ID: webhook.NewDeliveryID(), Message: m, URL: v.Callback.URL, Method: v.Callback.Method, CheckAt: e.At.Add(checkAgain),
	}
}
