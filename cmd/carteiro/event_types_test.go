package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/cli"
)

const demotedYAML = `# A member lost a role.
slug: members.demoted
name: Membro rebaixado
description: A member lost a role.
schema:
  type: object
  required: [user, level]
  properties:
    user: {type: object, required: [id], properties: {id: {type: string}}}
    level: {type: integer, minimum: 1.50}
example:
  user: {id: "42"}
  level: 12345678901234567890123
`

// files writes a directory of YAML files.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// apply runs "event-types apply" against a server.
func (p *process) apply(args ...string) (code int, stdout, stderr string) {
	return command([]string{"CARTEIRO_API_KEY=" + p.key}, append([]string{"event-types", "apply", "--api-url", p.base}, args...)...)
}

// TestANewEventTypeGoesFromYAMLToADeliveredMessage: applied from a file, its
// data validated, its message signed and delivered.
func TestANewEventTypeGoesFromYAMLToADeliveredMessage(t *testing.T) {
	p := start(t, t.TempDir(), nil, "serve")
	dir := files(t, map[string]string{"demoted.yaml": demotedYAML, "README.md": "no event type"})

	code, out, errs := p.apply("--dry-run", dir)
	if code != exitOK || !strings.Contains(out, "created    members.demoted\n") || !strings.Contains(out, `+ Membro rebaixado`) ||
		!strings.Contains(out, "1 created, 0 changed, 0 unchanged (dry run, nothing was changed)") {
		t.Fatalf("dry run: exit code %d\n%s%s", code, out, errs)
	}
	if got := p.call("GET", "/v1/event-types/members.demoted", "", nil); got != http.StatusNotFound {
		t.Fatalf("the dry run stored it: %d", got)
	}
	if code, out, errs = p.apply(dir); code != exitOK || !strings.Contains(out, "1 created, 0 changed, 0 unchanged (done)") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if code, out, _ = p.apply(dir); code != exitOK || !strings.HasPrefix(out, "unchanged  members.demoted\n0 created, 0 changed, 1 unchanged") {
		t.Errorf("again: exit code %d\n%s", code, out)
	}
	changed := files(t, map[string]string{"a.yml": strings.Replace(demotedYAML, "minimum: 1.50", "minimum: 2", 1)})
	if code, out, _ = p.apply(changed); code != exitOK || !strings.Contains(out, "changed    members.demoted\n    schema:\n") ||
		!strings.Contains(out, `-       "minimum": 1.50`) || !strings.Contains(out, `+       "minimum": 2`) || strings.Contains(out, "example:") {
		t.Errorf("changed: exit code %d\n%s", code, out)
	}

	c := newClient(t)
	var sub struct{ Secret string }
	if got := p.call("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+c.URL+`","event_types":["members.*"]}`, &sub); got != http.StatusCreated {
		t.Fatalf("registering answered %d", got)
	}
	var refused struct {
		Errors []struct{ Path, Message string }
	}
	p.call("POST", "/v1/events", `{"type":"members.demoted","client_id":"acme","data":{"user":{},"level":1}}`, &refused)
	if len(refused.Errors) != 2 || refused.Errors[0].Path != "/data/level" || refused.Errors[0].Message != "must be at least 2" || refused.Errors[1].Path != "/data/user/id" {
		t.Errorf("faults %+v", refused.Errors)
	}
	const data = `{ "user":{"id":"42"}, "level":12345678901234567890123 }`
	if got := p.call("POST", "/v1/events", `{"type":"members.demoted","client_id":"acme","data":`+data+`}`, nil); got != http.StatusAccepted {
		t.Fatalf("posting answered %d", got)
	}
	a := c.next(t)
	a.answer <- http.StatusOK
	if !strings.HasPrefix(a.body, `{"event":{"name":"Membro rebaixado","slug":"members.demoted","send_at":"`) || !strings.HasSuffix(a.body, `"},"data":`+data+`}`) {
		t.Errorf("body %s", a.body)
	}
	judge, err := standardwebhooks.NewWebhook(sub.Secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := judge.Verify([]byte(a.body), a.header); err != nil {
		t.Error(err)
	}
}

// TestTheExamplesOfTheDocumentationApply, and are unchanged when applied again.
func TestTheExamplesOfTheDocumentationApply(t *testing.T) {
	p := start(t, t.TempDir(), nil, "serve")
	for _, want := range []string{"2 created, 0 changed, 0 unchanged", "0 created, 0 changed, 2 unchanged"} {
		if code, out, errs := p.apply("../../docs/examples/event-types"); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("exit code %d\n%s%s", code, out, errs)
		}
	}
}

// TestApplyChangesNothingWhenAnythingIsWrong, and tells all of it.
func TestApplyChangesNothingWhenAnythingIsWrong(t *testing.T) {
	p := start(t, t.TempDir(), nil, "serve")
	dir := files(t, map[string]string{
		"1.yaml": demotedYAML,
		"2.yaml": "slug: members.promoted\nname: x\nschema: '{\"type\":\"object\"}'\nexample: [1]\n",
		"3.yaml": "slug: cadastro_export\nname: x\n",
	})
	code, out, errs := p.apply(dir)
	if code != cli.ExitInvalid || out != "" {
		t.Errorf("exit code %d\n%s", code, out)
	}
	for _, want := range []string{"2.yaml: ", "/example: must be an object, but is an array", "3.yaml: ", "/slug: cadastro_export is the type of an export", "nothing was changed"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is not told:\n%s", want, errs)
		}
	}
	if got := p.call("GET", "/v1/event-types/members.demoted", "", nil); got != http.StatusNotFound {
		t.Errorf("the good one was stored: %d", got)
	}
	if code, _, errs := command([]string{"CARTEIRO_API_KEY=wrong"}, "event-types", "apply", dir, "--api-url", p.base); code != cli.ExitRefused || !strings.Contains(errs, "key") {
		t.Errorf("a wrong key: exit code %d\n%s", code, errs)
	}
}

func TestApplyWantsAKeyAndAServer(t *testing.T) {
	p := start(t, t.TempDir(), nil, "serve")
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	dir := files(t, map[string]string{"x.yaml": demotedYAML})
	for name, tc := range map[string]struct {
		args []string
		code int
		says string
	}{
		"no key":    {[]string{dir, "--api-url", p.base}, cli.ExitRefused, "Set CARTEIRO_API_KEY"},
		"no server": {[]string{dir, "--api-url", "localhost"}, exitUsage, "is no address"},
		"nobody":    {[]string{dir, "--api-url", down.URL}, cli.ExitUnavailable, "Nothing listens at " + down.URL},
	} {
		if code, _, errs := command([]string{"CARTEIRO_DATA_DIR=" + dir}, append([]string{"event-types", "apply"}, tc.args...)...); code != tc.code || !strings.Contains(errs, tc.says) {
			t.Errorf("%s: exit code %d\n%s", name, code, errs)
		}
	}
}
