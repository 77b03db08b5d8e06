package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/api"
	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const generated = "<!-- Made by `go test ./cmd/carteiro -run TestReferencePages -update`; do not edit. -->\n\n"

// TestReferencePages: the pages that are made of the code say what it says.
func TestReferencePages(t *testing.T) {
	for name, text := range map[string]string{"settings.md": settingsPage(), "errors.md": errorsPage()} {
		path := "../../docs/reference/" + name
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), text); diff != "" {
			t.Errorf("docs/reference/%s is stale; run go test ./cmd/carteiro -run TestReferencePages -update (-page +code):\n%s", name, diff)
		}
	}
}

// tableCell is a text in a table.
func tableCell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func settingsPage() string {
	var b strings.Builder
	b.WriteString("# Settings\n\n" + generated +
		"Each setting may stand in a YAML file (`--config FILE`, or `CARTEIRO_CONFIG`), in the environment, and in a flag; a flag counts\n" +
		"more than the environment, and the environment more than the file. A name that is no setting is an error. `carteiro config`\n" +
		"prints what is in force and where each value comes from, secrets left out. [Going to production](../production.md) says which ones matter.\n\n")
	places := settingPlaces()
	for _, s := range config.Settings() {
		fmt.Fprintf(&b, "## `%s`\n\n%s.\n\n| | |\n| --- | --- |\n", s.Env, strings.ToUpper(s.Help[:1])+s.Help[1:])
		standard := "none"
		if s.Default != "" {
			standard = "`" + s.Default + "`"
		}
		fmt.Fprintf(&b, "| Default | %s |\n| May be | %s |\n| In the file | `%s` |\n| As a flag | `--%s` |\n", standard, tableCell(s.Allowed), s.Name, s.Flag)
		if s.EnvFile != "" {
			fmt.Fprintf(&b, "| From a file | `%s` names the file that holds the value |\n", s.EnvFile)
		}
		if s.Secret {
			b.WriteString("| Secret | its value is never shown |\n")
		}
		page, _, _ := strings.Cut(places[s.Env].page, "#")
		fmt.Fprintf(&b, "| Matters to | %s |\n| More | [%s](../%s) |\n\n", places[s.Env].roles, page, places[s.Env].page)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func errorsPage() string {
	var b strings.Builder
	b.WriteString("# Errors\n\n" + generated +
		"## Of the API\n\nA problem (`application/problem+json`) has one of these in `code`. They are stable: a program may decide by them. `/docs` says which\n" +
		"operation can answer with which.\n\n| Code | Status | What happened | What to do |\n| --- | --- | --- | --- |\n")
	for _, c := range api.Codes() {
		statuses := strings.Trim(strings.ReplaceAll(fmt.Sprint(c.Statuses), " ", ", "), "[]")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.Code, statuses, tableCell(c.Meaning), tableCell(c.Remedy))
	}
	b.WriteString("\n## Of an attempt\n\nAn attempt that was not acknowledged has one of these in `error.code`, and its delivery in `last_error`.\n" +
		"`GET /v1/deliveries/{id}/explain` says it of one delivery, with what to tell the client, in English and in Portuguese.\n\n" +
		"| Code | What happened | What mends it |\n| --- | --- | --- |\n")
	for _, code := range webhook.ErrorCodes {
		e := explained(code, webhook.English)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", code, tableCell(e.Cause), tableCell(e.Remedy))
	}
	b.WriteString("\n### Em português\n\n| Código | O que aconteceu | O que resolve |\n| --- | --- | --- |\n")
	for _, code := range webhook.ErrorCodes {
		e := explained(code, webhook.Portuguese)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", code, tableCell(e.Cause), tableCell(e.Remedy))
	}
	return b.String()
}

// explained is a delivery whose only attempt failed for a reason.
func explained(code webhook.ErrorCode, lang webhook.Language) webhook.Explanation {
	at := time.Date(2025, 6, 20, 17, 53, 0, 0, time.UTC)
	next := at.Add(time.Minute)
	a := webhook.Attempt{Number: 1, Trigger: webhook.TriggerAutomatic, StartedAt: at, Error: &webhook.AttemptError{Code: code}}
	switch code {
	case webhook.ErrorStatus:
		a.Status = 500
	case webhook.ErrorRedirect:
		a.Status = 302
	}
	return webhook.Explain(webhook.Facts{
		Delivery: &webhook.Delivery{
			ID: "dlv_x", State: webhook.StateRetrying, NextAttemptAt: &next, CreatedAt: at, AttemptCount: 1, AutomaticCount: 1, LastError: code,
		},
		Attempts: []webhook.Attempt{a}, Schedule: webhook.DefaultSchedule(), Now: at.Add(time.Second),
	}, lang)
}

// TestTheUserAgentIsTheOneThatReceiversRead compares what requests say of the
// program with the pages for those who find it in their log.
func TestTheUserAgentIsTheOneThatReceiversRead(t *testing.T) {
	for _, page := range []string{"receiving.md", "recebendo.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		if want := "\nUser-Agent: " + userAgent("v1.2.3") + "\n"; !strings.Contains(string(text), want) {
			t.Errorf("docs/%s does not show%s", page, want)
		}
	}
}
