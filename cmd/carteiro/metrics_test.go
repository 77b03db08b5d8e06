package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// family is a metric as the text format shows it.
type family struct {
	name, kind, help string
	labels           map[string][]string // the values that were seen
}

var (
	sampleLine = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? \S+$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// readFamilies reads the text format. le, the bound of a bucket, is not a label
// that anybody chose.
func readFamilies(t *testing.T, text string) []family {
	t.Helper()
	var out []family
	help := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "# HELP "); ok {
			name, what, _ := strings.Cut(rest, " ")
			help[name] = what
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			out = append(out, family{name, kind, help[name], map[string][]string{}})
			continue
		}
		m := sampleLine.FindStringSubmatch(line)
		if m == nil || len(out) == 0 || !strings.HasPrefix(m[1], out[len(out)-1].name) {
			t.Fatalf("the line %q is of no metric", line)
		}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			values := out[len(out)-1].labels
			if pair[1] != "le" && !slices.Contains(values[pair[1]], pair[2]) {
				values[pair[1]] = append(values[pair[1]], pair[2])
			}
		}
	}
	return out
}

// worked starts a program and has it do some of everything, so that each metric
// has a value.
func worked(t *testing.T) *process {
	t.Helper()
	p := start(t, t.TempDir(), []string{"CARTEIRO_RETRY_SCHEDULE=1s"}, "serve")
	c := newClient(t)
	p.subscribe(c.URL + "/hook?token=secret")
	must := func(method, path, body string, status int) (out map[string]any) {
		t.Helper()
		if got := p.call(method, path, body, &out); got != status {
			t.Fatalf("%s %s answered %d %v", method, path, got, out)
		}
		return out
	}
	must("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+c.URL+`","event_types":["ingresso_export"]}`, http.StatusCreated)
	must("PUT", "/v1/records/ingressos?client_id=acme", `[{"_id":"r1","updatedAt":"2025-06-15T18:00:00Z"}]`, http.StatusOK)
	must("POST", "/v1/exports/ingressos/runs", `{"start_date":"2025-06-15","end_date":"2025-06-15"}`, http.StatusAccepted)
	p.post() // it fails, and succeeds the second time
	p.post()
	must("POST", "/v1/events", `{"type":"shop.product.redemption","client_id":"acme","data":{}}`, http.StatusUnprocessableEntity)
	must("BREW", "/v1/coffee/dlv_1", "", http.StatusNotFound)
	must("DELETE", "/v1/clients/acme/personal-data", "", http.StatusAccepted) // of what is over; it waits for the rest
	failed := false
	for range 4 { // two events, a retry, a page
		a := c.next(t)
		if !failed && a.header.Get("X-Event-Type") != "ingresso_export" && strings.Contains(a.body, "shop.") {
			failed = true
			a.answer <- http.StatusInternalServerError
			continue
		}
		a.answer <- http.StatusOK
	}
	return p
}

// scrape reads the metrics.
func (p *process) scrape() string {
	p.t.Helper()
	req, err := http.NewRequest(http.MethodGet, p.base+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(res.Body); err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		p.t.Fatalf("%d %v: %v", res.StatusCode, res.Header, err)
	}
	return b.String()
}

// settled scrapes until a metric has a value.
func (p *process) settled(line string) string {
	p.t.Helper()
	late := time.After(limit)
	for {
		text := p.scrape()
		if strings.Contains(text, line+"\n") {
			return text
		}
		select {
		case <-time.After(50 * time.Millisecond): // nothing tells when the last result is recorded
		case <-late:
			p.t.Fatalf("there is no %q in\n%s", line, text)
		}
	}
}

// metricLabels are the labels that a metric of ours may have, with how many
// values each can have at most.
var metricLabels = map[string]int{
	"lane": 3, "outcome": 11, "acknowledged": 2, "state": 2, "waits_for": 4, "batch": 4, "pool": 3, "part": 4,
	"export": 4, "what": 20, "method": 6, "route": 100, "status": 5, "version": 1, "go_version": 1,
}

// TestMetrics scrapes a running program after some work: the numbers are right,
// the names are as Prometheus has them, the labels are few, and the table in
// the documentation is what there is.
func TestMetrics(t *testing.T) {
	p := worked(t)
	p.settled(`carteiro_export_records_total{export="ingressos"} 1`)
	p.settled(`carteiro_retention_removed_total{what="verifications"} 0`)
	text := p.settled(`carteiro_deliveries_ended_total{state="succeeded"} 3`)
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
	for _, line := range []string{
		`carteiro_attempts_total{lane="first",outcome="acknowledged"} 1`,
		`carteiro_attempts_total{lane="first",outcome="status"} 1`,
		`carteiro_attempts_total{lane="retry",outcome="acknowledged"} 1`,
		`carteiro_attempts_total{lane="export",outcome="acknowledged"} 1`,
		`carteiro_attempt_duration_seconds_count{acknowledged="true"} 3`,
		`carteiro_attempt_lateness_seconds_count{lane="retry"} 1`,
		`carteiro_intake_events_total{outcome="accepted"} 2`,
		`carteiro_intake_events_total{outcome="refused"} 1`,
		`carteiro_intake_deliveries_total 2`,
		`carteiro_part_up{part="redis"} 1`,
		`carteiro_export_records_total{export="ingressos"} 1`,
		`carteiro_api_requests_total{method="POST",route="/v1/events",status="4xx"} 1`,
		`carteiro_api_requests_total{method="",route="",status="4xx"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("there is no %s", line)
		}
	}
	for _, f := range readFamilies(t, text) {
		for label, values := range f.labels {
			if !strings.HasPrefix(f.name, "carteiro_") {
				continue
			}
			if most, known := metricLabels[label]; !known || len(values) > most {
				t.Errorf("%s has the label %s with the values %q", f.name, label, values)
			}
			for _, v := range values {
				if label != "version" && label != "go_version" && strings.ContainsAny(v, "?@=.") || strings.Contains(v, "acme") || strings.Contains(v, "dlv_") {
					t.Errorf("%s has the label %s=%q", f.name, label, v)
				}
			}
		}
	}
	compareMetricsTable(t, readFamilies(t, text))
}

// compareMetricsTable compares the table in the documentation.
func compareMetricsTable(t *testing.T, families []family) {
	t.Helper()
	var want strings.Builder
	for _, f := range families {
		if !strings.HasPrefix(f.name, "carteiro_") {
			continue // the Go runtime's and the process's: the library documents them
		}
		var labels []string
		for label := range f.labels {
			labels = append(labels, "`"+label+"`")
		}
		slices.Sort(labels)
		fmt.Fprintf(&want, "| `%s` | %s | %s | %s |\n", f.name, f.kind, strings.Join(labels, ", "), f.help)
	}
	doc, err := os.ReadFile("../../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(doc), want.String()) {
		t.Errorf("the table of metrics in docs/observability.md is to be:\n%s", want.String())
	}
}
