package api

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// tickets puts n tickets of a day for acme.
func (h *house) tickets(day string, n int) {
	h.t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"_id":"%s-%03d","updatedAt":"%sT15:00:00Z", "checkin": true}`+"\n", day, i, day)
	}
	h.do("PUT", "/v1/records/ingressos?client_id=acme", b.String(), "Content-Type: application/x-ndjson").want(http.StatusOK)
}

// listen registers a receiver of the exports of acme that answers with a status.
func (h *house) listen(status int) (subscription string) {
	h.t.Helper()
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"status":"received"}`))
	}))
	h.t.Cleanup(receiver.Close)
	return h.do("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+receiver.URL+`","event_types":["ingresso_export"]}`).want(201).text("id")
}

func TestExportsTellWhatTheyWillCover(t *testing.T) {
	h := newHouse(t, 0)
	got := h.do("GET", "/v1/exports", "").want(200)
	for i, name := range []string{"cadastros", "financeiro", "ingressos", "vendas"} {
		if got.text("data", i, "name") != name || got.text("data", i, "dataset") != name {
			t.Errorf("export %d is %s", i, got.text("data", i, "name"))
		}
	}
	e := h.do("GET", "/v1/exports/financeiro", "").want(200)
	if e.text("cron") != "0 3 * * 4" || e.text("zone") != "-03:00" || e.text("window") != "previous_week_mon_sun" || e.text("event") != "financeiro_export" {
		t.Errorf("financeiro is %s", e.body)
	}
	at, err := time.Parse(time.RFC3339, e.text("next_fires", 0, "at"))
	must(t, err)
	start, err := time.Parse(time.DateOnly, e.text("next_fires", 0, "start_date"))
	must(t, err)
	if at.Weekday() != time.Thursday || at.Hour() != 6 || start.Weekday() != time.Monday || at.Sub(start) < 10*24*time.Hour {
		t.Errorf("it fires at %s for the week of %s", at, start)
	}
	h.do("GET", "/v1/exports/nothing", "").problem(404, "not_found")
	h.do("GET", "/v1/exports/nothing/runs", "").problem(404, "not_found")
	h.do("GET", "/v1/exports/nothing/preview", "").problem(404, "not_found")
	h.do("POST", "/v1/exports/nothing/runs", "").problem(404, "not_found")
}

func TestChangeAnExport(t *testing.T) {
	h := newHouse(t, 0)
	got := h.do("PATCH", "/v1/exports/vendas", `{"cron":"15 4 * * *","page_size":100}`).want(200)
	if got.text("cron") != "15 4 * * *" || got.at("page_size") != 100.0 || got.at("page_bytes") != 1048576.0 || got.text("zone") != "-03:00" {
		t.Errorf("changed to %s", got.body)
	}
	if at := got.text("next_fires", 0, "at"); !strings.HasSuffix(at, "T07:15:00Z") {
		t.Errorf("it fires next at %s", at)
	}
	h.do("PATCH", "/v1/exports/vendas", `{"enabled":false}`).want(200)
	if got := h.do("GET", "/v1/exports/vendas", "").want(200); got.at("enabled") != false || strings.Contains(got.body, `"at"`) {
		t.Errorf("switched off it is %s", got.body)
	}
	for body, path := range map[string]string{
		`{"cron":"0 3 30 2 *"}`:         "/cron",
		`{"cron":"CRON_TZ=X"}`:          "/cron",
		`{"cron":null}`:                 "/cron",
		`{"zone":"Etc/GMT-3"}`:          "/zone",
		`{"window":"next_day"}`:         "/window",
		`{"page_size":0}`:               "/page_size",
		`{"page_size":10001}`:           "/page_size",
		`{"page_bytes":100}`:            "/page_bytes",
		`{"enabled":"yes"}`:             "/enabled",
		`{"event":"x"}`:                 "/event",
		`{"next_fire_at":"2025-01-01"}`: "/next_fire_at",
	} {
		p := h.do("PATCH", "/v1/exports/vendas", body).problem(422, "invalid_request")
		if p.text("errors", 0, "path") != path {
			t.Errorf("%s: %s", body, p.body)
		}
	}
}

func TestPreview(t *testing.T) {
	h := newHouse(t, 0)
	h.listen(200)
	h.tickets("2025-06-15", 3)
	got := h.do("GET", "/v1/exports/ingressos/preview?start_date=2025-06-15&end_date=2025-06-15", "").want(200)
	if got.at("records") != 3.0 || got.at("pages") != 1.0 || got.text("from") != "2025-06-15T03:00:00Z" || got.text("to") != "2025-06-16T03:00:00Z" {
		t.Errorf("the preview is %s", got.body)
	}
	// Byte for byte: the space in the record is the platform's.
	first := `"first_page":{"event":"ingresso_export","period":{"start_date":"2025-06-15","end_date":"2025-06-15"},"data":[{"_id":"2025-06-15-000","updatedAt":"2025-06-15T15:00:00Z", "checkin": true},`
	if !strings.Contains(got.body, first) {
		t.Errorf("the first page is not in %s", got.body)
	}
	if got := h.do("GET", "/v1/exports/ingressos/preview", "").want(200); strings.Contains(got.body, "first_page") {
		t.Errorf("a preview of nothing is %s", got.body)
	}
	for query, path := range map[string]string{
		"start_date=2025-06-15":                       "end_date",
		"start_date=2025-06-16&end_date=2025-06-15":   "end_date",
		"start_date=2025-06-15&end_date=2999-06-15":   "end_date",
		"start_date=today&end_date=2025-06-15":        "start_date",
		"client_id=a%20b":                             "client_id",
		"start_date=2025-06-15&end_date=2025-06-15&x": "x",
	} {
		p := h.do("GET", "/v1/exports/ingressos/preview?"+query, "").problem(422, "invalid_request")
		if p.text("errors", 0, "path") != path {
			t.Errorf("%s: %s", query, p.body)
		}
	}
	if got := h.do("GET", "/v1/deliveries", "").want(200); strings.Contains(got.body, "dlv_") {
		t.Error("a preview made deliveries")
	}
}

const leapDay = `{"start_date":"2024-02-29","end_date":"2024-02-29"}`

func TestRunAndReceipt(t *testing.T) {
	h := newHouse(t, 8)
	sub := h.listen(200)
	h.tickets("2024-02-29", 25)
	h.do("PATCH", "/v1/exports/ingressos", `{"page_size":10}`).want(200)
	made := h.do("POST", "/v1/exports/ingressos/runs", leapDay, "Idempotency-Key: night").want(202)
	again := h.do("POST", "/v1/exports/ingressos/runs", leapDay, "Idempotency-Key: night").want(202)
	if again.body != made.body || again.header.Get("Idempotency-Replayed") != "true" || again.header.Get("Location") != made.header.Get("Location") {
		t.Errorf("asked twice: %s and %s", made.body, again.body)
	}
	h.do("POST", "/v1/exports/ingressos/runs", `{}`, "Idempotency-Key: night").problem(409, "idempotency_key_reused")
	if made.text("state") != "pending" || made.text("trigger") != "backfill" || made.text("start_date") != "2024-02-29" {
		t.Errorf("the run is %s", made.body)
	}
	url := made.header.Get("Location")
	h.s.Start()
	got := h.awaitRun(url)
	client := []any{"clients", 0}
	for name, want := range map[string]any{
		"client_id": "acme", "records": 25.0, "pages": 3.0, "sent": 3.0, "acknowledged": 3.0, "failed": 0.0,
		"records_acknowledged": 25.0, "records_failed": 0.0, "state": "done",
	} {
		if v := got.at(append(client, name)...); v != want {
			t.Errorf("%s is %v, want %v: %s", name, v, want, got.body)
		}
	}
	h.wantReceipt(url, sub)
	first := h.do("GET", url+"?limit=2", "").want(200)
	rest := h.do("GET", url+"?limit=2&cursor="+first.text("page_list", "next_cursor"), "").want(200)
	if first.at("page_list", "data", 1, "page") != 2.0 || rest.at("page_list", "data", 0, "page") != 3.0 || rest.at("page_list", "next_cursor") != nil {
		t.Errorf("the pages come as %s and %s", first.body, rest.body)
	}
	runs := h.do("GET", "/v1/exports/ingressos/runs", "").want(200)
	if runs.text("data", 0, "id") != got.text("id") || runs.at("data", 0, "records") != 25.0 || runs.at("next_cursor") != nil {
		t.Errorf("the list of runs is %s", runs.body)
	}
}

// awaitHandedOver waits until every page of a run is a delivery.
func (h *house) awaitHandedOver(url string) *answer {
	h.t.Helper()
	return h.awaitTime(url, "finished_at")
}

// awaitRun waits until every delivery of a run has ended.
func (h *house) awaitRun(url string) *answer {
	h.t.Helper()
	return h.awaitTime(url, "completed_at")
}

// awaitTime looks at a run whenever one has ended or an attempt was committed,
// until it has a time.
func (h *house) awaitTime(url, name string) *answer {
	h.t.Helper()
	for {
		got := h.do("GET", url, "").want(200)
		if got.at(name) != nil {
			return got
		}
		select {
		case <-h.ran:
		case <-h.observed:
		case <-time.After(30 * time.Second):
			h.t.Fatalf("nothing ended within 30 s, and the run has no %s: %s", name, got.body)
		}
	}
}

// wantReceipt compares the two forms of a receipt with what was sent.
func (h *house) wantReceipt(url, sub string) {
	h.t.Helper()
	whole := h.do("GET", url+"/receipt", "").want(200)
	for _, ask := range [][]string{{url + "/receipt?format=csv"}, {url + "/receipt", "Accept: text/csv"}} {
		got := h.do("GET", ask[0], "", ask[1:]...).want(200)
		if ct := got.header.Get("Content-Type"); ct != "text/csv; charset=utf-8" {
			h.t.Errorf("the CSV is a %s", ct)
		}
		rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
		must(h.t, err)
		if len(rows) != 4 {
			h.t.Fatalf("the CSV has %d lines: %s", len(rows), got.body)
		}
		for i, row := range rows[1:] {
			column := func(name string) string {
				for k, c := range rows[0] {
					if c == name {
						return row[k]
					}
				}
				h.t.Fatalf("there is no column %s", name)
				return ""
			}
			delivery := whole.text("page_list", i, "deliveries", 0, "id")
			body := h.do("GET", "/v1/deliveries/"+delivery+"/payload", "").want(200).body
			sum := sha256.Sum256([]byte(body))
			if column("sha256") != fmt.Sprintf("%x", sum) || whole.text("page_list", i, "sha256") != column("sha256") {
				h.t.Errorf("page %d: sha256 %s, want %x", i+1, column("sha256"), sum)
			}
			if column("page") != fmt.Sprint(i+1) || column("pages") != "3" || column("state") != "succeeded" || column("last_status") != "200" ||
				column("subscription_id") != sub || column("delivery_id") != delivery || column("bytes") != fmt.Sprint(len(body)) {
				h.t.Errorf("line %d is %v", i+1, row)
			}
		}
	}
}

// What fails is told as failed, by client and by page.
func TestReceiptOfAFailure(t *testing.T) {
	h := newHouse(t, 0)
	h.listen(200)
	h.listen(200)
	h.tickets("2024-02-29", 2)
	url := h.do("POST", "/v1/exports/ingressos/runs", leapDay).want(202).header.Get("Location")
	h.s.Start()
	got := h.awaitHandedOver(url)
	if got.at("completed_at") != nil || got.at("clients", 0, "acknowledged") != 0.0 || got.at("clients", 0, "completed_at") != nil {
		t.Errorf("nothing was sent yet, and the run is %s", got.body)
	}
	for i := range 2 {
		id := got.text("page_list", "data", 0, "deliveries", i, "id")
		h.do("POST", "/v1/deliveries/"+id+"/cancel", "").want(200)
	}
	got = h.do("GET", url, "").want(200)
	if got.at("clients", 0, "failed") != 1.0 || got.at("clients", 0, "records_failed") != 2.0 || got.at("completed_at") == nil {
		t.Errorf("both deliveries were canceled, and the run is %s", got.body)
	}
}

func TestRunRefuses(t *testing.T) {
	h := newHouse(t, 0)
	h.listen(200)
	for body, path := range map[string]string{
		`{"start_date":"2024-02-30","end_date":"2024-03-01"}`: "/start_date",
		`{"start_date":"2024-02-29"}`:                         "/end_date",
		`{"start_date":"2999-01-01","end_date":"2999-01-01"}`: "/start_date",
		`{"start_date":"2024-02-29","end_date":"2024-02-28"}`: "/end_date",
		`{"client_id":"nobody"}`:                              "/client_id",
		`{"client_id":"a b"}`:                                 "/client_id",
		`{"subscription_id":"sub_x"}`:                         "/subscription_id",
		`{"page":1}`:                                          "/page",
	} {
		p := h.do("POST", "/v1/exports/ingressos/runs", body).problem(422, "invalid_request")
		if p.text("errors", 0, "path") != path {
			t.Errorf("%s: %s", body, p.body)
		}
	}
	if runs := h.do("GET", "/v1/exports/ingressos/runs", "").want(200); strings.Contains(runs.body, "run_") {
		t.Errorf("a refused request left %s", runs.body)
	}
	for _, id := range []string{"x", "run_00000000000000000000000000"} {
		h.do("GET", "/v1/runs/"+id, "").problem(404, "not_found")
		h.do("GET", "/v1/runs/"+id+"/receipt", "").problem(404, "not_found")
	}
}

// A run of the schedule's present window, by an empty request.
func TestRunNow(t *testing.T) {
	h := newHouse(t, 0)
	h.listen(200)
	got := h.do("POST", "/v1/exports/financeiro/runs", "").want(202)
	if got.text("trigger") != "manual" || got.at("scheduled_for") != nil {
		t.Errorf("the run is %s", got.body)
	}
	e, err := h.store.Export(context.Background(), "financeiro")
	must(t, err)
	next, err := h.s.Upcoming(&e, 1)
	must(t, err)
	if len(next) != 1 || e.Window != webhook.PreviousWeek {
		t.Fatalf("financeiro is %+v", e)
	}
	if start, _ := scheduler.Dates(next[0].Window, e.Zone); got.text("start_date") > start {
		t.Errorf("now takes the week of %s, the next fire that of %s", got.text("start_date"), start)
	}
}

// TestAnExportAsItWasShippedWasNeverChanged: the migration's rows have no time
// of a change, and 1970 would be a wrong one.
func TestAnExportAsItWasShippedWasNeverChanged(t *testing.T) {
	h := newHouse(t, 0)
	if got := h.do("GET", "/v1/exports/vendas", "").want(200); got.at("updated_at") != nil {
		t.Errorf("updated_at %v of an export that nobody changed", got.at("updated_at"))
	}
	got := h.do("PATCH", "/v1/exports/vendas", `{"page_size":400}`).want(200)
	if got.at("updated_at") == nil || got.at("updated_at") != h.do("GET", "/v1/exports/vendas", "").want(200).at("updated_at") {
		t.Errorf("updated_at %v after a change", got.at("updated_at"))
	}
}
