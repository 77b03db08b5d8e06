package console

import (
	"net/http"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// erasurePage shows the last erasure of a client's personal data and, to an
// administrator, the form that asks for one.
type erasurePage struct {
	ClientID webhook.ClientID
	Erasure  *webhook.Erasure // nil: none was ever asked for
	Steps    []erasureStep
	Counts   []erasureCount
	Form     *form
}

// erasureStep is a part of an erasure and whether it is over: "finished",
// "running" or "pending".
type erasureStep struct {
	Step  webhook.ErasureStep
	State string
}

// erasureCount is how much of one thing was removed.
type erasureCount struct {
	What string
	N    int64
}

// erasedClient is the client of the path. It need not be a known one: events
// are taken for any.
func (v *visit) erasedClient() (webhook.ClientID, error) {
	id := webhook.ClientID(v.r.PathValue(clientParam))
	if id.Fault() != "" {
		return "", webhook.NotFound("client", webhook.Clip(string(id)))
	}
	return id, nil
}

func erasurePath(id webhook.ClientID) string { return clientPath(id) + "/personal-data" }

func (c *console) showErasure(v *visit) error {
	id, err := v.erasedClient()
	if err != nil {
		return err
	}
	return v.showErasure(id, newForm())
}

func (v *visit) showErasure(id webhook.ClientID, f *form) error {
	p := erasurePage{ClientID: id, Form: f}
	e, err := v.c.o.Store.Erasure(v.ctx, id)
	switch {
	case err == nil:
		p.Erasure, p.Steps, p.Counts = &e, erasureSteps(&e), erasureCounts(&e.Erased)
	case !webhook.IsKind(err, webhook.KindNotFound):
		return err
	}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "erasure", p)
	}
	return v.show("erasure", p)
}

// erasureSteps are the steps in their order.
func erasureSteps(e *webhook.Erasure) []erasureStep {
	var out []erasureStep
	state := "finished"
	for step := webhook.ErasePayloads; step != webhook.EraseDone; step = step.Next() {
		if step == e.Step {
			state = "running"
		}
		out = append(out, erasureStep{step, state})
		if state == "running" {
			state = "pending"
		}
	}
	return out
}

func erasureCounts(n *webhook.ErasureCounts) []erasureCount {
	return []erasureCount{
		{"payloads", n.Payloads},
		{"canceled_deliveries", n.Canceled},
		{"answers", n.Answers},
		{"records", n.Records},
		{"verifications", n.Verifications},
		{"idempotency_keys", n.IdempotencyKeys},
		{"refused_records", n.RefusedRecords},
	}
}

// eraseClient asks for the erasure, once the client's id was typed: it cannot
// be taken back. While one is under way, its progress is shown.
func (c *console) eraseClient(v *visit) error {
	id, err := v.erasedClient()
	if err != nil {
		return err
	}
	f := v.typed()
	if f.text("confirm") != string(id) {
		f.fault("confirm", v.t("erasure.not_confirmed", id))
		return v.showErasure(id, f)
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if _, err := c.o.Store.RequestErasure(ctx, id, v.who.ID); err != nil {
		return err
	}
	return v.finish(erasurePath(id), "erasure.was_asked")
}
