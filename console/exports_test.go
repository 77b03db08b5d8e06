package console

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// sales puts n sales of yesterday (GMT-3) for a client that wants them.
func (h *house) sales(client webhook.ClientID, url string, n int) (yesterday string) {
	h.t.Helper()
	h.subscribe(client, url)
	at := time.Now().In(brasilia).AddDate(0, 0, -1)
	records := make([]webhook.Record, n)
	for i := range records {
		body := `{"_id":"sale` + strings.Repeat("x", i) + `","email":"ana@example.com","total":1500,"updatedAt":"` + at.UTC().Format(time.RFC3339) + `"}`
		record, fault := webhook.NewRecordReader(webhook.Vendas, "").Read([]byte(body))
		if fault != nil {
			h.t.Fatal(fault)
		}
		record.ClientID = client
		records[i] = record
	}
	_, err := h.store.PutRecords(context.Background(), webhook.Vendas, records)
	must(h.t, err)
	return at.Format(time.DateOnly)
}

func TestAPeriodIsCountedAndSent(t *testing.T) {
	h := newHouse(t, 4)
	h.s.Start()
	day := h.sales("acme", newReceiver(t, 200, `{"status":"received"}`), 3)

	b := h.as(webhook.RoleOperator, "").browse(t)
	b.open("/console/exports").check()
	b.click(`a[href="/console/exports/vendas"]`).check()
	b.fill("#start_date", day).fill("#end_date", "2020-01-01")
	b.click(".form button.primary")
	if got := b.text("#end_date-fault"); !strings.Contains(got, "before start_date") {
		t.Errorf("the fault beside the field is %q", got)
	}
	b.forgive("422")
	b.fill("#end_date", day)
	b.click(".form button.primary").check()
	if got := b.text(".tiles dd"); got != "3" {
		t.Errorf("%s records are counted", got)
	}
	if page := b.text("pre.code"); !strings.Contains(page, `"event":"venda_export"`) || strings.Contains(page, "ana@") {
		t.Errorf("the first page is shown as %s", page)
	}
	b.click("form button.primary").wait(".flash")
	ob := h.next()
	d, err := h.store.Delivery(context.Background(), ob.DeliveryID)
	must(t, err)
	if got := b.path(); d.RunID == nil || got != "/console/runs/"+string(*d.RunID) {
		t.Errorf("the form leads to %s, and the page's run is %v", got, d.RunID)
	}
	b.open(b.path()).wait("tbody .badge.is-succeeded").check()
	lines, _, err := h.store.AuditLog(context.Background(), store.AuditFilter{Action: "start-run"}, store.Page{Limit: 10})
	must(t, err)
	if len(lines) != 1 || lines[0].Role != "operator" {
		t.Errorf("the start left the lines %+v", lines)
	}
	h.admin().get("/console/exports/vendas/preview?reveal=true&start_date="+day+"&end_date="+day).want(200).has("ana@example.com", "written down")
	h.as(webhook.RoleViewer, "").get("/console/exports/vendas/preview?reveal=true").want(403)
}

// TestTheCalendarTellsWhereToLook: the person who has the client on the phone
// sees the day on which pages did not arrive.
func TestTheCalendarTellsWhereToLook(t *testing.T) {
	for name, database := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "carteiro.db") },
		"postgres": func(t *testing.T) string { return testserver.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			lookAtTheCalendar(t, newHouseWith(t, 4, database(t), webhook.Schedule{time.Millisecond}))
		})
	}
}

func lookAtTheCalendar(t *testing.T, h *house) {
	h.s.Start()
	day := h.sales("acme", newReceiver(t, 500, ""), 1)
	h.sales("other", newReceiver(t, 200, `{"status":"received"}`), 1)
	h.admin().get("/console/exports").want(200).has("no run").hasNot("day-ok", "day-bad")
	run := h.admin().post("/console/exports/vendas/runs", "start_date", day, "end_date", day).want(200).path()
	for failed := 0; failed < 1; {
		if ob := h.next(); ob.State == webhook.StateFailed {
			failed++
		}
	}
	id := strings.TrimPrefix(run, "/console/runs/")
	h.admin().get("/console/exports").want(200).has("failed deliveries (runs: 1)", "On 1 day a page did not arrive")
	h.admin().browse(t).open("/console/exports").check()
	h.admin().get(run).want(200).has("acme", "other", "is-failed", "Those that failed")
	h.as(webhook.RoleViewer, "acme").get("/console/exports").want(200).has("failed deliveries (runs")
	h.as(webhook.RoleViewer, "other").get("/console/exports").want(200).hasNot("failed deliveries (runs").has("runs: 1")
	h.as(webhook.RoleViewer, "other").get(run).want(200).hasNot("acme")
	h.as(webhook.RoleViewer, "third").get(run).want(404)
	h.as(webhook.RoleViewer, "third").get("/console/exports/vendas").want(200).hasNot(id)
	h.admin().get("/console/exports/vendas").want(200).has(id)
}

func TestAScheduleIsCheckedAndSaved(t *testing.T) {
	h := newHouse(t, 0)
	b := h.as(webhook.RoleOperator, "").browse(t)
	b.open("/console/exports/financeiro/schedule").check()
	b.fill("#cron", "0 4 * * 5").click(`button[value="check"]`)
	if got := b.text("ol.fires li"); !strings.Contains(got, "07:00:00 UTC") {
		t.Errorf("the next fire by what is typed: %q", got)
	}
	was, err := h.store.Export(context.Background(), "financeiro")
	must(t, err)
	if was.Cron != "0 3 * * 4" {
		t.Errorf("a check has saved %q", was.Cron)
	}
	b.fill("#cron", "every day").fill("#page_size", "20000").click(`button[value="save"]`)
	if b.text("#cron-fault") == "" || b.text("#page_size-fault") == "" {
		t.Error("faults are not beside their fields")
	}
	b.check().forgive("422")
	b.fill("#cron", "0 4 * * 5").fill("#page_size", "100").click(`button[value="save"]`).wait(".flash")
	e, err := h.store.Export(context.Background(), "financeiro")
	must(t, err)
	if e.Cron != "0 4 * * 5" || e.PageSize != 100 || !e.Enabled {
		t.Errorf("saved is %+v", e)
	}
	h.as(webhook.RoleOperator, "acme").get("/console/exports/financeiro/schedule").want(403)
	h.admin().get("/console/exports/none").want(404)
}
