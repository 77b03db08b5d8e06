package console

import (
	"net/url"
	"strings"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type subscriptionsPage struct {
	Form          *form
	States        []choice
	Subscriptions []subscriptionRow
	Pager         pager
	Filtered      bool
}

// subscriptionRow is a subscription in a list, with how it is doing.
type subscriptionRow struct {
	webhook.Subscription
	Health health
}

func (c *console) listSubscriptions(v *visit) error {
	f := v.typed()
	filter := v.subscriptionFilter(f)
	p := subscriptionsPage{Form: f, Filtered: filtered(v.r.URL.Query()), States: v.choices("subscriptions.any_state", "state.",
		string(webhook.SubscriptionActive), string(webhook.SubscriptionPaused))}
	if f.Wrong() {
		return v.showWith(422, "subscriptions", p)
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	var next string
	if p.Subscriptions, next, err = v.subscriptions(filter, at); err != nil {
		return err
	}
	p.Pager = v.pager(next)
	return v.show("subscriptions", p)
}

// subscriptions reads a part of a list with the health of each.
func (v *visit) subscriptions(filter store.SubscriptionFilter, at store.Page) ([]subscriptionRow, string, error) {
	rows, next, err := v.c.o.Subscriptions.List(v.ctx, filter, at)
	if err != nil {
		return nil, "", err
	}
	ids := make([]webhook.SubscriptionID, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	all, err := v.c.o.Store.Health(v.ctx, ids)
	if err != nil {
		return nil, "", err
	}
	out := make([]subscriptionRow, len(rows))
	for i := range rows {
		out[i] = subscriptionRow{rows[i], newHealth(all[rows[i].ID])}
	}
	return out, next, nil
}

// subscriptionFilter reads the filters of the address. What is wrong with them
// is noted in the form.
func (v *visit) subscriptionFilter(f *form) store.SubscriptionFilter {
	out := store.SubscriptionFilter{
		ClientID: v.client(), EventType: webhook.Slug(f.text(typeParam)), State: webhook.SubscriptionState(f.text(stateParam)),
	}
	if out.ClientID != webhook.AllClients {
		f.checkClient(out.ClientID)
	}
	f.checkSlug(out.EventType)
	if out.State != "" && out.State != webhook.SubscriptionActive && out.State != webhook.SubscriptionPaused {
		f.fault(stateParam, v.t("deliveries.no_state"))
	}
	return out
}

// recentRows is how many deliveries the page of a subscription, a client or an
// event shows at most.
const recentRows = 10

type subscriptionPage struct {
	Sub        webhook.Subscription
	Headers    []string // their names, sorted
	Health     health
	Strip      strip
	Deliveries []webhook.Delivery // the newest few
	More       string             // the address of all of them
	Samples    []choice           // the event types that a test can send
	Form       *form              // of the test
	Test       *testResult        // nil: none was asked for
	Overlap    bool               // a rotation of the secret overlaps
	MayChange  bool
}

func (c *console) showSubscription(v *visit) error { return v.showSubscription(newForm()) }

// subscription reads the subscription of the path. What has not the form of an
// id does not exist.
func (v *visit) subscription() (*webhook.Subscription, error) {
	id := v.r.PathValue("id")
	if !webhook.ValidID(webhook.PrefixSubscription, id) {
		return nil, webhook.NotFound("subscription", webhook.Clip(id))
	}
	return v.c.o.Subscriptions.Get(v.ctx, webhook.SubscriptionID(id))
}

func subscriptionPath(id webhook.SubscriptionID) string {
	return "/console/subscriptions/" + string(id)
}

// showSubscription shows one subscription, and what is wrong with the form of
// its test.
func (v *visit) showSubscription(f *form) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	filter := store.DeliveryFilter{SubscriptionID: sub.ID, VisibleTo: v.who.BoundTo()}
	rows, _, err := v.c.o.Store.Deliveries(v.ctx, filter, store.Page{Limit: stripBars})
	if err != nil {
		return err
	}
	p := subscriptionPage{
		Sub: *sub, Headers: sortedNames(sub.Headers), Health: healthOf(rows), Strip: newStrip(rows), Form: f,
		Deliveries: v.redacted().Deliveries(rows[:min(len(rows), recentRows)]), MayChange: v.mayChange(sub),
		More:    address("/console/deliveries", url.Values{subscriptionParam: {string(sub.ID)}}),
		Overlap: len(sub.Secrets.At(v.now)) > 1,
	}
	if p.Samples, err = v.samples(sub); err != nil {
		return err
	}
	if p.Test, err = v.testResult(sub); err != nil {
		return err
	}
	if f.Wrong() {
		return v.showWith(422, "subscription", p)
	}
	return v.show("subscription", p)
}

// mayChange tells whether the visitor may change a subscription: one to every
// client's events only as an administrator.
func (v *visit) mayChange(sub *webhook.Subscription) bool {
	return v.can(admin) || (v.can(operator) && sub.ClientID != webhook.AllClients)
}

func (c *console) pauseSubscription(v *visit) error {
	return v.turn(c.o.Subscriptions.Pause, "subscription.was_paused")
}

func (c *console) resumeSubscription(v *visit) error {
	return v.turn(c.o.Subscriptions.Resume, "subscription.was_resumed")
}

func (c *console) confirmDeleteSubscription(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	return v.confirm(confirmation{
		Title: v.t("subscription.delete_title"), Text: v.t("subscription.delete_text"), Do: v.t("subscription.delete"), Danger: true,
		Action: subscriptionPath(sub.ID) + "/delete", Back: subscriptionPath(sub.ID),
		Facts: []fact{
			{v.t("subscription.id"), string(sub.ID)},
			{v.t("deliveries.client"), string(sub.ClientID)},
			{v.t("subscription.url"), sub.URL},
			{v.t("subscription.event_types"), patternList(sub.EventTypes, ", ")},
		},
	})
}

func (c *console) deleteSubscription(v *visit) error {
	sub, err := v.subscription()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if err := c.o.Subscriptions.Delete(ctx, sub.ID); err != nil {
		return err
	}
	return v.finish("/console/subscriptions", "subscription.was_deleted", sub.URL)
}

// patternList writes patterns one after another.
func patternList(ps []webhook.Pattern, between string) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = string(p)
	}
	return strings.Join(out, between)
}
