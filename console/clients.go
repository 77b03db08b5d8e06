package console

import (
	"net/http"
	"net/url"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type clientsPage struct {
	Form    *form
	Clients []webhook.Client
	Pager   pager
	Asked   webhook.ClientID // the one that was looked for
}

func (c *console) listClients(v *visit) error {
	f := v.typed()
	p := clientsPage{Form: f, Asked: v.client()}
	f.checkClient(p.Asked)
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "clients", p)
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	rows, next, err := c.o.Store.ClientsByID(v.ctx, p.Asked, at)
	if err != nil {
		return err
	}
	p.Clients, p.Pager = rows, v.pager(next)
	return v.show("clients", p)
}

func clientPath(id webhook.ClientID) string { return "/console/clients/" + string(id) }

// clientSpan is how far back the page of a client counts deliveries.
const clientSpan = 24 * time.Hour

type clientPage struct {
	Client        webhook.Client
	Form          *form
	Counts        health // of the deliveries of the last day
	Complete      bool   // all of them are counted
	From          time.Time
	Subscriptions []subscriptionRow
	Deliveries    []webhook.Delivery // the newest few
	MoreSubs      string             // the addresses of all of what is of the client
	MoreRows      string
	Events        string
	Verifications string
}

func (c *console) showClient(v *visit) error {
	one, err := v.clientOfPath()
	if err != nil {
		return err
	}
	return v.showClient(one, newForm("name", one.Name))
}

// clientOfPath reads the client of the path.
func (v *visit) clientOfPath() (webhook.Client, error) {
	id := webhook.ClientID(v.r.PathValue(clientParam))
	if id.Fault() != "" {
		return webhook.Client{}, webhook.NotFound("client", webhook.Clip(string(id)))
	}
	return v.c.o.Store.Client(v.ctx, id)
}

func (v *visit) showClient(one webhook.Client, f *form) error {
	of := func(path string) string { return address(path, url.Values{clientParam: {string(one.ID)}}) }
	p := clientPage{
		Client: one, Form: f, MoreSubs: of("/console/subscriptions"), MoreRows: of("/console/deliveries"),
		Events: of("/console/events"), Verifications: of("/console/verifications"),
	}
	bound := v.who.BoundTo()
	counts, err := v.c.o.Store.DeliveryCounts(v.ctx, store.StatsFilter{Since: v.now.Add(-clientSpan), ClientID: one.ID, VisibleTo: bound})
	if err != nil {
		return err
	}
	p.Counts, p.Complete, p.From = newHealth(store.Health{States: counts.Sum()}), counts.Complete, counts.From
	if p.Subscriptions, _, err = v.subscriptions(store.SubscriptionFilter{ClientID: one.ID}, store.Page{Limit: recentRows}); err != nil {
		return err
	}
	rows, _, err := v.c.o.Store.Deliveries(v.ctx, store.DeliveryFilter{ClientID: one.ID, VisibleTo: bound}, store.Page{Limit: recentRows})
	if err != nil {
		return err
	}
	p.Deliveries = v.redacted().Deliveries(rows)
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "client", p)
	}
	return v.show("client", p)
}

type clientFormPage struct{ Form *form }

func (c *console) newClient(v *visit) error {
	return v.show("client_form", clientFormPage{newForm(clientParam, string(v.client()))})
}

// createClient makes a client that is not there. One that is there is not
// renamed by a form that is to make another.
func (c *console) createClient(v *visit) error {
	f := v.typed()
	one := webhook.Client{ID: v.client(), Name: f.text("name")}
	_, err := c.o.Store.Client(v.ctx, one.ID)
	if err == nil {
		f.fault("/client_id", v.t("client.exists", one.ID))
	}
	if err != nil && !webhook.IsKind(err, webhook.KindNotFound) {
		return err
	}
	if !f.Wrong() {
		err = v.putClient(f, one)
	}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "client_form", clientFormPage{f})
	}
	if err != nil {
		return err
	}
	return v.finish(clientPath(one.ID), "client.was_made")
}

// putClient stores a client; what is wrong with it is noted in the form.
func (v *visit) putClient(f *form, one webhook.Client) error {
	one.SetDefaults()
	var faults webhook.Faults
	one.Validate(&faults)
	if f.refused(faults.Err()) {
		return nil
	}
	v.changing([]string{"name"})
	ctx, cancel := v.outliving()
	defer cancel()
	_, _, err := v.c.o.Store.PutClient(ctx, one.ID, one.Name)
	return err
}

// renameClient changes the name of a client that is there.
func (c *console) renameClient(v *visit) error {
	one, err := v.clientOfPath()
	if err != nil {
		return err
	}
	f := v.typed()
	err = v.putClient(f, webhook.Client{ID: one.ID, Name: f.text("name")})
	if f.Wrong() {
		return v.showClient(one, f)
	}
	if err != nil {
		return err
	}
	return v.finish(clientPath(one.ID), "client.was_changed")
}
