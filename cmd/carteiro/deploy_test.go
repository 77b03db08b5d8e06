package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The dashboard and the alert rules in deploy/ are read as their programs read
// them, and each expression is held against the metrics of a running server: a
// metric, a label or a value that is renamed would make an alert that never fires.

type alertRule struct {
	Alert       string
	Expr        string
	For         string
	Annotations map[string]string
	Labels      map[string]string
}

func readAlerts(t *testing.T) []alertRule {
	t.Helper()
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []alertRule
		}
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	var out []alertRule
	for _, g := range file.Groups {
		out = append(out, g.Rules...)
	}
	return out
}

// readDashboard returns the expressions of the panels, by their titles.
func readDashboard(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/carteiro.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Title  string
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct{ Name string }
		}
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, p := range file.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			out[p.Title] = append(out[p.Title], target.Expr)
		}
	}
	if len(file.Templating.List) != 2 || len(out) < 20 {
		t.Errorf("%d panels, variables %v", len(out), file.Templating.List)
	}
	return out
}

var (
	aSelector = regexp.MustCompile(`([a-z_]+)\{([^}]*)\}`)
	aMatcher  = regexp.MustCompile(`^([a-z_]+)(=|!=|=~|!~)"([^"]*)"$`)
	aGrouping = regexp.MustCompile(`\b(?:by|without) \(([a-z_, ]+)\)`)
	aMetric   = regexp.MustCompile(`\b(?:carteiro|go|process)_[a-z_]+\b`)
)

// scraped are labels that Prometheus adds.
var scraped = []string{"job", "instance"}

// faults tells what an expression has that the metrics do not. It is no parser
// of PromQL; it knows the forms that are used here, and refuses a name that it
// does not know.
func faults(expr string, metrics map[string]family) (out []string) {
	for _, name := range aMetric.FindAllString(expr, -1) {
		if _, ok := metrics[name]; !ok {
			out = append(out, "there is no metric "+name)
		}
	}
	for _, m := range aSelector.FindAllStringSubmatch(expr, -1) {
		for _, matcher := range strings.Split(m[2], ",") {
			out = append(out, matcherFaults(metrics[m[1]], m[1], matcher)...)
		}
	}
	labels := map[string]bool{"le": strings.Contains(expr, "_bucket")}
	for _, name := range aMetric.FindAllString(expr, -1) {
		for label := range metrics[name].labels {
			labels[label] = true
		}
	}
	for _, m := range aGrouping.FindAllStringSubmatch(expr, -1) {
		for _, label := range strings.Split(m[1], ",") {
			if label = strings.TrimSpace(label); !labels[label] {
				out = append(out, "none of its metrics has the label "+label)
			}
		}
	}
	for _, pair := range []string{"()", "{}", "[]"} {
		if strings.Count(expr, pair[:1]) != strings.Count(expr, pair[1:]) {
			out = append(out, "its brackets "+pair+" do not match")
		}
	}
	return out
}

func matcherFaults(f family, metric, matcher string) (out []string) {
	m := aMatcher.FindStringSubmatch(strings.TrimSpace(matcher))
	switch {
	case m == nil:
		return []string{matcher + " is no matcher"}
	case slices.Contains(scraped, m[1]):
		return nil
	case f.labels[m[1]] == nil:
		return []string{metric + " has no label " + m[1]}
	}
	for _, value := range strings.Split(m[3], "|") {
		if !slices.Contains(f.labels[m[1]], value) {
			out = append(out, metric+" never has "+m[1]+"="+value)
		}
	}
	return out
}

func TestDashboardAndAlerts(t *testing.T) {
	p := worked(t)
	p.settled(`carteiro_export_records_total{export="ingressos"} 1`)
	p.settled(`carteiro_retention_removed_total{what="verifications"} 0`)
	metrics := map[string]family{}
	for _, f := range readFamilies(t, p.scrape()) {
		metrics[f.name] = f
		if f.kind == "histogram" {
			for _, part := range []string{"_bucket", "_count", "_sum"} {
				metrics[f.name+part] = f
			}
		}
	}
	for title, exprs := range readDashboard(t) {
		for _, expr := range exprs {
			for _, fault := range faults(expr, metrics) {
				t.Errorf("the panel %q: %s: %s", title, expr, fault)
			}
		}
	}
	operations, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	const runbook = "https://github.com/carteiro-webhooks/carteiro/blob/main/docs/operations.md#"
	rules := readAlerts(t)
	if len(rules) < 10 {
		t.Errorf("%d alert rules", len(rules))
	}
	for _, r := range rules {
		for _, fault := range faults(r.Expr, metrics) {
			t.Errorf("the alert %s: %s: %s", r.Alert, r.Expr, fault)
		}
		anchor, ok := strings.CutPrefix(r.Annotations["runbook_url"], runbook)
		if !ok || !slices.Contains(anchors(string(operations)), anchor) || !strings.Contains(string(operations), "`"+r.Alert+"`") {
			t.Errorf("the alert %s leads to %q, or docs/operations.md does not name it", r.Alert, r.Annotations["runbook_url"])
		}
		if r.Annotations["summary"] == "" || !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
			t.Errorf("the alert %s has no summary, or the severity %q", r.Alert, r.Labels["severity"])
		}
	}
}

// anchors are those of the headings of a page.
func anchors(page string) (out []string) {
	for line := range strings.Lines(page) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
			text := strings.ToLower(strings.TrimSpace(strings.ReplaceAll(heading, "`", "")))
			out = append(out, strings.ReplaceAll(text, " ", "-"))
		}
	}
	return out
}

// The check itself finds what is wrong.
func TestWrongExpressionsAreFound(t *testing.T) {
	metrics := map[string]family{"carteiro_x_total": {labels: map[string][]string{"lane": {"first", "retry"}}}, "carteiro_y_bucket": {}}
	for expr, want := range map[string]int{
		`sum by (lane) (rate(carteiro_x_total{lane="first",instance=~"$instance"}[5m]))`:       0,
		`histogram_quantile(0.9, sum by (le) (rate(carteiro_y_bucket[$__rate_interval]))) > 2`: 0,
		`carteiro_z_total`:                      1,
		`carteiro_x_total{lane="fisrt"}`:        1,
		`carteiro_x_total{lane=~"first|never"}`: 1,
		`carteiro_x_total{road="first"}`:        1,
		`sum by (road) (carteiro_x_total)`:      1,
		`sum(rate(carteiro_x_total[5m])`:        1,
		`carteiro_x_total{lane}`:                1,
	} {
		if got := faults(expr, metrics); len(got) != want {
			t.Errorf("%s: %q, want %d", expr, got, want)
		}
	}
}
