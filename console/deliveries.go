package console

import (
	"net/url"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The filters of the list of deliveries are in its address, so that a list can
// be sent to a colleague.
const (
	stateParam        = "state"
	subscriptionParam = "subscription_id"
	typeParam         = "event_type"
	eventParam        = "event_id"
	runParam          = "run_id"
	sinceParam        = "since"
	untilParam        = "until"
	idParam           = "id" // of anything: it is looked up
)

type deliveriesPage struct {
	Form       *form
	Deliveries []webhook.Delivery
	Pager      pager
	Filtered   bool   // there is a filter
	Retry      string // where a bulk retry of these is counted
	More       bool   // one of the rarer filters is set
	Tabs       []stateTab
}

func (c *console) listDeliveries(v *visit) error {
	if to := jump(v.r.Form.Get(idParam)); to != "" {
		return v.to(to)
	}
	f := v.typed()
	filter := v.deliveryFilter(f)
	p := deliveriesPage{
		Form: f, Filtered: filtered(v.r.URL.Query()), Tabs: v.stateTabs(), Retry: address("/console/deliveries/retry", f.only(jobFilters())),
		More: len(f.only([]string{typeParam, subscriptionParam, eventParam, runParam, sinceParam, untilParam})) > 0,
	}
	if f.Wrong() {
		return v.showWith(422, "deliveries", p)
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	rows, next, err := c.o.Store.Deliveries(v.ctx, filter, at)
	if err != nil {
		return err
	}
	p.Deliveries, p.Pager = v.redacted().Deliveries(rows), v.pager(next)
	return v.show("deliveries", p)
}

// filtered tells whether a query selects anything.
func filtered(q url.Values) bool {
	for name := range q {
		if name != afterParam && strings.TrimSpace(q.Get(name)) != "" {
			return true
		}
	}
	return false
}

// jump is where an id that somebody has at hand leads to; "" when it is none.
func jump(id string) string {
	id = strings.TrimSpace(id)
	for _, kind := range []struct{ prefix, to string }{
		{webhook.PrefixDelivery, "/console/deliveries/"},
		{webhook.PrefixEvent, "/console/deliveries?event_id="},
		{webhook.PrefixSubscription, "/console/deliveries?subscription_id="},
		{webhook.PrefixRun, "/console/deliveries?run_id="},
	} {
		if webhook.ValidID(kind.prefix, id) {
			return kind.to + id
		}
	}
	return ""
}

// stateTab leads to the list with one state.
type stateTab struct {
	To, Text string
	Current  bool
}

// stateTabs are the states, and all of them.
func (v *visit) stateTabs() []stateTab {
	now := v.r.Form.Get(stateParam)
	out := []stateTab{{v.stateList(""), v.t("deliveries.any_state"), now == ""}}
	for _, s := range webhook.States {
		out = append(out, stateTab{v.stateList(s), v.c.words[v.lang].orWord("state.", string(s)), now == string(s)})
	}
	return out
}

// stateList is the first page of the list with another state.
func (v *visit) stateList(s webhook.DeliveryState) string {
	q := v.r.URL.Query()
	q.Del(afterParam)
	q.Set(stateParam, string(s))
	return address(v.r.URL.Path, q)
}

// deliveryFilter reads the filters of an address or a form. What is wrong with
// them is noted in the form.
func (v *visit) deliveryFilter(f *form) store.DeliveryFilter {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	out := store.DeliveryFilter{
		State: webhook.DeliveryState(get(stateParam)), ClientID: v.client(), SubscriptionID: webhook.SubscriptionID(get(subscriptionParam)),
		EventType: webhook.Slug(get(typeParam)), MessageID: webhook.MessageID(get(eventParam)), RunID: webhook.RunID(get(runParam)),
		VisibleTo: v.who.BoundTo(),
	}
	if id := get(idParam); id != "" {
		f.fault(idParam, v.t("deliveries.no_id"))
	}
	if out.State != "" && !out.State.Valid() {
		f.fault(stateParam, v.t("deliveries.no_state"))
	}
	if out.ClientID != "" {
		if msg := out.ClientID.Fault(); msg != "" {
			f.fault(clientParam, msg)
		}
	}
	if out.EventType != "" {
		if msg := out.EventType.Fault(); msg != "" {
			f.fault(typeParam, msg)
		}
	}
	for name, prefix := range map[string]string{
		subscriptionParam: webhook.PrefixSubscription, eventParam: webhook.PrefixEvent, runParam: webhook.PrefixRun,
	} {
		if id := get(name); id != "" && !webhook.ValidID(prefix, id) {
			f.fault(name, v.t("form.id_of_kind", prefix))
		}
	}
	out.Since, out.Until = v.moment(f, sinceParam), v.moment(f, untilParam)
	return out
}

// moment reads a time of a form: as a browser's field has it, which is in
// GMT-3, or with a zone of its own.
func (v *visit) moment(f *form, name string) time.Time {
	text := strings.TrimSpace(f.Get(name))
	if text == "" {
		return time.Time{}
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.DateOnly} {
		if at, err := time.ParseInLocation(layout, text, brasilia); err == nil {
			return at.UTC()
		}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		f.fault(name, v.t("form.no_time"))
	}
	return at
}
