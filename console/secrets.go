package console

import (
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// secretPage shows what a receiver verifies requests with: of a subscription,
// or of a client's verification callbacks.
type secretPage struct {
	Title    string
	About    string // whose it is, in words
	Back     string // the address of that
	Rotate   string // the address that makes a fresh one
	Fresh    bool   // it was made just now
	Public   bool   // it is a public key, and no secret
	Current  string
	Previous string    // "": no rotation overlaps
	Until    time.Time // the end of the overlap
	Sub      *webhook.Subscription
}

func (v *visit) secret(s webhook.SigningSecrets) secretPage {
	p := secretPage{Current: s.Current.Verifier(), Public: s.Current.Signing() == webhook.SigningEd25519}
	if len(s.At(v.now)) > 1 {
		p.Previous, p.Until = s.Previous.Verifier(), s.PreviousUntil
	}
	return p
}

func (v *visit) subscriptionSecret(sub *webhook.Subscription) secretPage {
	p := v.secret(sub.Secrets)
	p.Title, p.About, p.Sub = v.t("secret.of_subscription"), sub.URL, sub
	p.Back, p.Rotate = subscriptionPath(sub.ID), subscriptionPath(sub.ID)+"/rotate-secret"
	return p
}

func (v *visit) clientSecret(id webhook.ClientID, s webhook.SigningSecrets) secretPage {
	p := v.secret(s)
	p.Title, p.About = v.t("secret.of_client"), string(id)
	p.Back, p.Rotate = clientPath(id), clientPath(id)+"/rotate-secret"
	return p
}

// showSecret shows a subscription's secret. What could not be written down in
// the audit log is not shown.
func (c *console) showSecret(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	err = c.o.Store.Audit(v.ctx, webhook.AuditEntry{
		Resource: webhook.ResourceSubscription, ResourceID: string(sub.ID), ClientID: sub.ClientID, Fields: []string{"secret"},
	})
	if err != nil {
		return err
	}
	return v.show("secret", v.subscriptionSecret(sub))
}

func (c *console) showClientSecret(v *visit) error {
	id, err := v.clientWithSecret()
	if err != nil {
		return err
	}
	secrets, err := c.o.Subscriptions.ClientSecrets(v.ctx, id)
	if err != nil {
		return err
	}
	err = c.o.Store.Audit(v.ctx, webhook.AuditEntry{
		Resource: webhook.ResourceClient, ResourceID: string(id), ClientID: id, Fields: []string{"secret"},
	})
	if err != nil {
		return err
	}
	return v.show("secret", v.clientSecret(id, secrets))
}

// clientWithSecret is the client of the path.
func (v *visit) clientWithSecret() (webhook.ClientID, error) {
	id := webhook.ClientID(v.r.PathValue(clientParam))
	return id, v.c.o.Subscriptions.HasSecret(v.ctx, id)
}

// rotatePage asks how a secret is to be rotated.
type rotatePage struct {
	Title    string
	About    string
	Back     string
	Action   string
	Form     *form
	Overlaps []choice
	Signings []choice
	Until    time.Time // a rotation overlaps until then; zero: none does
}

func (v *visit) showRotate(f *form, of secretPage) error {
	p := rotatePage{Title: v.t("rotate.title"), About: of.About, Back: of.Back, Action: of.Rotate, Form: f, Until: of.Until}
	for _, d := range []time.Duration{0, time.Hour, webhook.DefaultOverlap, 3 * 24 * time.Hour, webhook.MaxOverlap} {
		label := v.t("rotate.for", v.lang.span(d))
		if d == 0 {
			label = v.t("rotate.at_once")
		}
		p.Overlaps = append(p.Overlaps, choice{Value: webhook.Duration(d).String(), Label: label})
	}
	p.Signings = []choice{
		{"", v.t("rotate.same_kind"), false},
		{string(webhook.SigningHMAC), v.t("subscription.hmac"), false},
		{string(webhook.SigningEd25519), v.t("subscription.ed25519"), false},
	}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "rotate", p)
	}
	return v.show("rotate", p)
}

// rotateForm has what is usual: the secret before signs for a day.
func rotateForm() *form { return newForm("overlap", webhook.Duration(webhook.DefaultOverlap).String()) }

// typedRotation reads how a secret is to be rotated.
func typedRotation(f *form) webhook.Rotation {
	var overlap webhook.Duration
	if err := overlap.UnmarshalText([]byte(f.text("overlap"))); err != nil {
		f.fault("/overlap", err.Error())
	}
	return webhook.Rotation{Overlap: time.Duration(overlap), Signing: webhook.Signing(f.text("signing"))}
}

func (c *console) confirmRotate(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	return v.showRotate(rotateForm(), v.subscriptionSecret(sub))
}

func (c *console) rotateSecret(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	f := v.typed()
	how := typedRotation(f)
	if f.Wrong() {
		return v.showRotate(f, v.subscriptionSecret(sub))
	}
	ctx, cancel := v.outliving()
	defer cancel()
	next, err := c.o.Subscriptions.RotateSecret(ctx, sub.ID, how)
	if f.refused(err) {
		return v.showRotate(f, v.subscriptionSecret(sub))
	}
	if err != nil {
		return err
	}
	p := v.subscriptionSecret(next)
	p.Title, p.Fresh = v.t("secret.was_rotated"), true
	return v.show("secret", p)
}

func (c *console) confirmRotateClient(v *visit) error {
	id, err := v.clientWithSecret()
	if err != nil {
		return err
	}
	secrets, err := c.o.Subscriptions.ClientSecrets(v.ctx, id)
	if err != nil {
		return err
	}
	return v.showRotate(rotateForm(), v.clientSecret(id, secrets))
}

func (c *console) rotateClientSecret(v *visit) error {
	id, err := v.clientWithSecret()
	if err != nil {
		return err
	}
	f := v.typed()
	how := typedRotation(f)
	if f.Wrong() {
		return v.showRotate(f, v.clientSecret(id, webhook.SigningSecrets{}))
	}
	ctx, cancel := v.outliving()
	defer cancel()
	next, err := c.o.Subscriptions.RotateClientSecret(ctx, id, how)
	if f.refused(err) {
		return v.showRotate(f, v.clientSecret(id, webhook.SigningSecrets{}))
	}
	if err != nil {
		return err
	}
	p := v.clientSecret(id, next)
	p.Title, p.Fresh = v.t("secret.was_rotated"), true
	return v.show("secret", p)
}
