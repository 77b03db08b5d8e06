package console

import (
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// checkupPage is a check of a subscription's URL that is over.
type checkupPage struct {
	Sub      *webhook.Subscription
	Worst    string // "ok", "warn" or "bad"
	Findings []finding
	Delivery *webhook.Delivery // where the requests are recorded; nil: none was sent
	Took     time.Duration
}

// finding is one check and, as the parts of pages name it, how it went: "ok",
// "warn", "bad" or "skipped".
type finding struct {
	webhook.Finding
	Kind string
}

// kindOf is a result as the parts of pages name it.
func kindOf(r webhook.CheckResult) string {
	if r == webhook.CheckFail {
		return "bad"
	}
	return string(r)
}

// checkSubscription goes the way to the URL and sends three requests. What is
// wrong with the receiver is what the operator wants to know, and no error.
func (c *console) checkSubscription(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	got, err := c.o.Dispatcher.Check(v.ctx, sub.ID)
	if err != nil {
		return err
	}
	all := webhook.Diagnose(got.Facts, webhook.Language(v.lang))
	p := checkupPage{Sub: sub, Worst: kindOf(webhook.Worst(all)), Delivery: got.Delivery, Took: got.Took}
	for _, f := range all {
		p.Findings = append(p.Findings, finding{f, kindOf(f.Result)})
	}
	return v.show("checkup", p)
}
