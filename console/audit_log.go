package console

import (
	"net/http"
	"slices"
	"strings"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type auditPage struct {
	Form      *form
	Resources []choice
	Lines     []auditLine
	Pager     pager
	Filtered  bool
}

// auditLine is a line of the audit log, with where its resource is shown.
type auditLine struct {
	webhook.AuditEntry
	To string // "" when it has no page
}

// maxAuditWord is the longest text that is looked for, as in the API.
const maxAuditWord = 200

func (c *console) listAuditLog(v *visit) error {
	f := v.typed()
	filter := v.auditFilter(f)
	p := auditPage{Form: f, Resources: v.resourceChoices(), Filtered: filtered(v.r.URL.Query())}
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "audit_log", p)
	}
	at, err := v.page()
	if err != nil {
		return err
	}
	lines, next, err := c.o.Store.AuditLog(v.ctx, filter, at)
	if err != nil {
		return err
	}
	for i := range lines {
		p.Lines = append(p.Lines, auditLine{lines[i], resourcePath(&lines[i])})
	}
	p.Pager = v.pager(next)
	return v.show("audit_log", p)
}

func (v *visit) resourceChoices() []choice {
	out := []choice{{Value: "", Label: v.t("audit.any")}}
	for _, r := range webhook.Resources() {
		out = append(out, choice{Value: string(r), Label: v.c.words[v.lang].orWord("resource.", string(r))})
	}
	return out
}

// auditFilter reads the filters of the audit log.
func (v *visit) auditFilter(f *form) store.AuditFilter {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	out := store.AuditFilter{
		KeyID: webhook.KeyID(get("actor")), Action: get("action"), Resource: webhook.Resource(get("resource")), ResourceID: get("resource_id"),
		ClientID: v.client(), Since: v.moment(f, sinceParam), Until: v.moment(f, untilParam),
	}
	for _, name := range []string{"actor", "action", "resource_id"} {
		if text := get(name); len(text) > maxAuditWord || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e }) {
			f.fault(name, v.t("audit.no_word"))
		}
	}
	if out.Resource != "" && !slices.Contains(webhook.Resources(), out.Resource) {
		f.fault("resource", v.t("audit.no_resource"))
	}
	if msg := out.ClientID.Fault(); out.ClientID != "" && out.ClientID != webhook.AllClients && msg != "" {
		f.fault(clientParam, msg)
	}
	return out
}

// resourcePath is where the console shows what a line is about.
func resourcePath(e *webhook.AuditEntry) string {
	if e.ResourceID == "" {
		return ""
	}
	folder := map[webhook.Resource]string{
		webhook.ResourceClient: "clients", webhook.ResourceDelivery: "deliveries", webhook.ResourceEvent: "events",
		webhook.ResourceEventType: "event-types", webhook.ResourceExport: "exports", webhook.ResourceRun: "runs",
		webhook.ResourceSubscription: "subscriptions", webhook.ResourceVerification: "verifications",
	}[e.Resource]
	if folder == "" {
		return ""
	}
	return "/console/" + folder + "/" + e.ResourceID
}
