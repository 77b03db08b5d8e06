package dispatcher

import (
	"context"
	"errors"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// delivery is one claimed delivery on its way through this process.
type delivery struct {
	w       *worker
	c       *store.Claimed
	lane    Lane
	ticket  *ticket               // of the gate; a parked delivery that was fed comes with one
	sub     *webhook.Subscription // nil: a verification's callback
	secrets webhook.SigningSecrets
	late    time.Duration // how long after its due time the attempt was started

	claimed  time.Time // when, or a moment before
	expected gateKey   // the gate counts on it until it has arrived; "": it does not
}

// maxCrashes is how often sending a delivery may crash us (P15).
const maxCrashes = 3

// run takes the delivery to a committed result, or back to SQL.
func (d *delivery) run() {
	defer d.leaveGate(nil)
	fed := d.ticket != nil
	defer d.arrive()
	if d.c.CrashCount > maxCrashes {
		d.giveBack(store.ReleaseQuarantine)
		d.w.d.o.Log.Error("a delivery is in quarantine: sending it crashed us three times", "delivery", d.c.ID)
		return
	}
	if why, ok := d.sendable(); !ok {
		d.giveBack(why)
		return
	}
	if d.stopping() {
		d.giveBack(store.ReleaseUnsent)
		return
	}
	entered := d.enterGate()
	d.arrive()
	if !entered {
		return
	}
	if !d.w.slots.take(d.lane, d.deadline(), d.w.drain) {
		d.giveBack(store.ReleaseUnsent)
		return
	}
	failpoint.Hit(failpoint.Claimed)
	// The wait may have been long: what was true before it is looked at again.
	why, ok := d.sendable()
	if ok && time.Since(d.claimed) > trustClaim {
		ok = d.stillWanted() && d.inTime() // in this order: the look may take a while, too
	}
	if !ok {
		d.w.slots.give(d.lane)
		d.giveBack(why)
		return
	}
	attempt := d.send()
	d.c.Body = nil // a page's is large, and the result may wait long for its commit
	attempt.Waited = fed
	d.leaveGate(attempt)
	if attempt.ErrorCode() == webhook.ErrorShutdown { // our doing: it spends nothing
		d.giveBack(store.ReleaseUnsent)
		return
	}
	d.record(attempt)
}

// arrive tells the gate that it need not count on the delivery any more.
func (d *delivery) arrive() {
	if d.expected != "" {
		d.w.gate.arrived(d.expected, 1)
		d.expected = ""
	}
}

// sendable tells whether the delivery may be sent, by the present catalogue.
// An operator's retry goes out although its subscription is paused.
func (d *delivery) sendable() (store.ReleaseWhy, bool) {
	if d.c.Body == nil {
		return store.ReleaseBodyGone, false
	}
	subs := d.w.d.o.Subscriptions
	if subs.Index().Version < d.c.Catalogue {
		if err := subs.Refresh(d.w.send); err != nil {
			return store.ReleaseUnsent, false
		}
	}
	if d.c.SubscriptionID == "" {
		return store.ReleaseUnsent, d.clientSigns()
	}
	d.sub = subs.Index().Get(d.c.SubscriptionID)
	switch {
	case d.sub == nil:
		return store.ReleaseGone, false
	case d.sub.State == webhook.SubscriptionPaused && !d.c.Manual():
		return store.ReleasePaused, false
	}
	d.secrets = d.sub.Secrets
	return "", true
}

// clientSigns gets the secrets that sign what goes to a callback: the client's
// own. They were made when the verification was registered.
func (d *delivery) clientSigns() bool {
	secrets, ok := d.w.d.o.Subscriptions.Index().ClientSecrets(d.c.ClientID)
	if !ok {
		var err error
		if secrets, err = d.w.d.o.Subscriptions.ClientSecrets(d.w.send, d.c.ClientID); err != nil {
			d.w.d.o.Log.Warn("a client's secret cannot be read; its callback waits", "delivery", d.c.ID, "client", d.c.ClientID, "error", err)
			return false
		}
	}
	d.secrets = secrets
	return true
}

// trustClaim is how long after its claim a delivery may start without another
// look at its row. Only a subscriber at its limit makes one wait longer.
const trustClaim = 500 * time.Millisecond

// stillWanted tells whether the delivery is to be sent after a wait. Somebody
// may have canceled it, or another process may have paused or deleted its
// subscription: after that is committed, no request starts (P8).
func (d *delivery) stillWanted() bool {
	now, err := d.w.d.o.Store.Delivery(d.w.send, d.c.ID)
	if err != nil { // what could not be recorded is better not sent
		return false
	}
	switch now.State {
	case webhook.StatePending, webhook.StateRetrying:
		return true
	case webhook.StateCanceled:
		return false
	}
	return d.c.Manual() && now.RetryRequested
}

// enterGate gets the right to one attempt in flight. What may not enter is
// parked in SQL, and false is returned.
func (d *delivery) enterGate() bool {
	key, limit := d.gateKey()
	if d.ticket == nil {
		if d.c.RunID != "" {
			d.ticket = d.w.gate.enterPage(key, limit)
		} else {
			d.ticket = d.w.gate.enter(key, limit, d.w.drain)
		}
		if d.ticket != nil && !d.rateAllows() {
			d.leaveGate(nil)
		}
	}
	if d.ticket != nil {
		return true
	}
	if d.stopping() {
		d.giveBack(store.ReleaseUnsent)
		return false
	}
	d.giveBack(store.ReleaseParked)
	d.w.feeder.parked(key)
	return false
}

func (d *delivery) leaveGate(a *webhook.Attempt) {
	if d.ticket != nil {
		d.w.gate.leave(d.ticket, a)
		d.ticket = nil
	}
}

func (d *delivery) rateAllows() bool {
	if d.sub == nil || d.sub.RateLimit == 0 || d.c.Manual() {
		return true
	}
	n, retryAfter := d.w.rate.take(d.w.send, d.sub, 1)
	if n == 0 {
		d.w.feeder.later(gateKey(d.sub.ID), retryAfter)
	}
	return n == 1
}

// gateKey is the subscription, or the host of a target without one.
func (d *delivery) gateKey() (gateKey, int) {
	if d.sub != nil {
		return gateKey(d.sub.ID), d.sub.MaxInFlight
	}
	return hostKey(hostOf(d.c.URL)), webhook.DefaultMaxInFlight
}

func (d *delivery) stopping() bool {
	select {
	case <-d.w.drain:
		return true
	default:
		return false
	}
}

func (d *delivery) timeout() time.Duration {
	if d.sub != nil && d.sub.Timeout > 0 {
		return time.Duration(d.sub.Timeout)
	}
	return d.w.d.o.Timeout
}

// deadline is the last moment at which the exchange may start, so that it
// ends and is committed within the lease.
func (d *delivery) deadline() time.Time {
	return d.c.LeaseUntil.Add(-d.timeout() - commitMargin)
}

// inTime tells whether the exchange may still start. A process that stood
// still, as a virtual machine does that is moved, wakes up with claims that
// have ended: somebody else sends these now.
func (d *delivery) inTime() bool { return d.w.d.now().Before(d.deadline()) }

// send makes the exchange; it holds a slot, and gives it back.
func (d *delivery) send() *webhook.Attempt {
	defer d.w.slots.give(d.lane)
	r := request(d.c, d.sub, d.secrets.At(d.w.d.o.Now()))
	r.Timeout = d.timeout()
	return d.w.d.o.Sender.Send(d.w.send, r)
}

// receivedBody is what the export contract expects as an answer.
const receivedBody = `{"status":"received"}`

// request is what the sender needs of a delivery and its subscription, if it
// has one. A callback is acknowledged by 200 (verification-callback.md).
func request(c *store.Claimed, sub *webhook.Subscription, secrets []webhook.Secret) *sender.Request {
	r := &sender.Request{
		DeliveryID: c.ID, MessageID: c.MessageID, EventType: c.EventType, Number: c.AttemptCount + 1,
		Trigger: webhook.TriggerAutomatic, URL: c.URL, Method: c.Method, Body: c.Body,
		Ack: webhook.Ack{Status: webhook.Ack200}, RunID: c.RunID, Page: c.Page, Pages: c.Pages,
		Secrets: secrets, Test: c.Kind == webhook.KindTest,
	}
	if c.Manual() {
		r.Trigger = webhook.TriggerManual
	}
	if c.Kind == webhook.KindExportPage {
		r.ExpectBody = []byte(receivedBody)
	}
	if sub != nil { // as it is now: a corrected URL counts from the next attempt
		r.URL, r.Method, r.Headers, r.Ack = sub.URL, sub.Method, sub.SentHeaders(), sub.Ack
	}
	return r
}

// record commits the attempt and what it means. It tries until the claim is
// over: then somebody else has the delivery, and sends it again.
func (d *delivery) record(a *webhook.Attempt) {
	o := d.w.d.o
	d.late = max(0, a.StartedAt.Sub(d.c.Due()))
	a.Late = &d.late
	outcome := o.Schedule.After(d.c.Standing, a)
	result := store.Result{
		Ref: d.c.Ref, Attempt: a, Outcome: outcome, ManualAt: d.c.ManualAt, Method: d.c.Method,
		CheckAt: checkAfter(a.EndedAt(), outcome.NextAttemptAt),
	}
	if d.sub != nil {
		result.Method = d.sub.Method
	}
	if a.Acknowledged() {
		failpoint.Hit(failpoint.Acknowledged)
	} else {
		failpoint.Hit(failpoint.FailureRead)
	}
	recorded, err := d.commit(result)
	switch {
	case err != nil:
		o.Log.Error("the result of an attempt could not be stored; the delivery is sent again",
			"delivery", d.c.ID, "attempt", a.Number, "status", a.Status, "error", err)
		return
	case recorded.Fenced:
		o.Log.Warn("the result of an attempt came after its claim had ended; it is dropped",
			"delivery", d.c.ID, "attempt", a.Number, "status", a.Status)
		return
	}
	if recorded.State == webhook.StateRetrying {
		failpoint.Hit(failpoint.RetryRecorded)
	}
	d.w.d.followUp(d.c.ID, recorded, d.c.RunID != "")
	d.observe(a, recorded)
}

func (d *delivery) commit(r store.Result) (store.Recorded, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		recorded, err := d.w.d.o.Store.Record(context.Background(), r)
		if err == nil || d.w.d.o.Now().After(d.c.LeaseUntil) || !webhook.IsKind(err, webhook.KindUnavailable) {
			return recorded, err
		}
		select {
		case <-time.After(wait):
		case <-d.w.send.Done():
			return recorded, errors.Join(err, context.Cause(d.w.send))
		}
	}
}

// giveBack returns the delivery to SQL without an attempt. If that fails, the
// lease runs out.
func (d *delivery) giveBack(why store.ReleaseWhy) {
	d.c.Body = nil
	err := d.w.d.o.Store.GiveBack(context.Background(), store.Release{Ref: d.c.Ref, Why: why, Check: d.w.d.now()})
	if err != nil {
		d.w.d.o.Log.Warn("a delivery could not be given back; it goes on when its lease ends", "delivery", d.c.ID, "error", err)
	}
}
