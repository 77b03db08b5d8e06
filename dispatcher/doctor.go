package dispatcher

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The doctor goes the way to a subscription's URL step by step, and then sends
// the example of an event type three times: wrongly signed, rightly signed, and
// again. All is under the sender's own address policy, and what the receiver
// has seen is recorded as a test.

const (
	// inspectTimeout bounds the way up to the TLS session.
	inspectTimeout = 5 * time.Second
	// checkTimeout bounds all of a check: somebody waits for it.
	checkTimeout = 40 * time.Second
)

// Checkup is a check that is over. Its findings are made by
// [webhook.Diagnose], in the language of who asks.
type Checkup struct {
	Facts    webhook.CheckFacts
	Delivery *webhook.Delivery // where the three attempts are recorded; nil: nothing was sent
	Took     time.Duration
}

// Check looks at a subscription's URL, whether it is paused or not. What is
// wrong with the receiver is no error: it is in the facts.
//
// Errors: KindNotFound; KindRateLimited when too many tests are under way.
func (d *Dispatcher) Check(ctx context.Context, id webhook.SubscriptionID) (*Checkup, error) {
	sub, err := d.o.Subscriptions.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := d.types.reload(ctx); err != nil {
		return nil, err
	}
	leave, err := d.enterTest()
	if err != nil {
		return nil, err
	}
	defer leave()
	began := time.Now()
	// It goes on when the caller has gone away, as a test does.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	c := &Checkup{Facts: webhook.CheckFacts{Now: d.now(), Inspection: d.o.Sender.Inspect(ctx, sub.URL, inspectTimeout)}}
	if t := d.anySample(sub); t == nil {
		c.Facts.NoSample = true
	} else if c.Facts.Inspection.Error == nil {
		if err := d.sendThrice(ctx, sub, t, c); err != nil {
			return nil, err
		}
	}
	if c.Delivery == nil {
		err = d.o.Store.NoteCheck(context.WithoutCancel(ctx), sub)
	}
	c.Took = time.Since(began)
	d.o.Log.Info("check", "client", sub.ClientID, "subscription", sub.ID, "duration_ms", c.Took.Milliseconds(),
		"result", webhook.Worst(webhook.Diagnose(c.Facts, webhook.English)))
	return c, err
}

// anySample is an event type that the subscription wants and that has an
// example: the first exact one, or any; nil: there is none.
func (d *Dispatcher) anySample(sub *webhook.Subscription) *eventType {
	if t, err := d.sample(sub, ""); err == nil {
		return t
	}
	types := d.types.table()
	if all := wantedSamples(sub, types); len(all) > 0 {
		return types.bySlug[webhook.Slug(all[0])]
	}
	return nil
}

// sendThrice sends a message wrongly signed, rightly signed, and again, and
// records the attempts. The wrong one goes first: a receiver that drops repeats
// before it verifies would take it unseen. A repeat tells something only when
// the message was taken.
func (d *Dispatcher) sendThrice(ctx context.Context, sub *webhook.Subscription, t *eventType, c *Checkup) error {
	nd := d.testDelivery(sub, t)
	r := d.testRequest(sub, nd)
	f := &c.Facts
	f.Export, f.Timeout = isExport(t.Slug), r.Timeout
	var out store.TestOutcome
	send := func(r sender.Request) *webhook.Attempt {
		r.Number = len(out.Attempts) + 1
		a := d.o.Sender.Send(ctx, &r)
		out.Attempts = append(out.Attempts, a)
		return a
	}
	forged := *r
	forged.Secrets = []webhook.Secret{sub.Signing.NewSecret()}
	f.Forged = send(forged)
	f.Good = send(*r)
	out.Decides = len(out.Attempts) - 1
	if f.Good.Acknowledged() {
		f.Repeat = send(*r)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	row, err := d.o.Store.RecordTest(ctx, nd, out)
	c.Delivery = &row
	return err
}
