package main

import (
	"encoding/base64"
	"strings"
	"testing"
)

// TestTheSecretKeyIsChanged, step by step as docs/secrets.md has it.
func TestTheSecretKeyIsChanged(t *testing.T) {
	dir, c := t.TempDir(), newClient(t)
	key := func(n byte) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(n), 32))) }
	first, second := "CARTEIRO_SECRET_KEY="+key('a'), "CARTEIRO_SECRET_KEY="+key('b')
	beside := []string{second, "CARTEIRO_SECRET_KEYS_OLD=" + key('a'), "CARTEIRO_DATA_DIR=" + dir}
	delivers := func(env []string) *process {
		t.Helper()
		p := start(t, dir, env, "serve")
		p.post()
		a := c.next(t)
		if a.header.Get("webhook-signature") == "" || a.header.Get("Authorization") != "Bearer t" {
			t.Errorf("headers %v", a.header)
		}
		a.answer <- 200
		return p
	}

	p := start(t, dir, []string{first}, "serve")
	if got := p.call("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+c.URL+`","event_types":["*"],"auth":{"type":"bearer","token":"t"}}`, nil); got != 201 {
		t.Fatalf("registering answered %d", got)
	}
	terminate(p)
	env := []string{second, "CARTEIRO_DATA_DIR=" + dir, "CARTEIRO_LISTEN=127.0.0.1:0"}
	code, _, stderr := command(env, "serve")
	if code != exitFailed || !strings.Contains(stderr, "1 signing secrets of subscriptions") || !strings.Contains(stderr, "set CARTEIRO_SECRET_KEY") {
		t.Errorf("with the new key alone it starts, or does not say why not: %d %s", code, stderr)
	}
	code, _, stderr = command(env, "secrets", "reseal")
	if code != exitFailed || !strings.Contains(stderr, "CARTEIRO_SECRET_KEYS_OLD") {
		t.Errorf("reseal with the new key alone: %d %s", code, stderr)
	}

	p = delivers(beside)
	waitForLog(t, p, "carteiro secrets reseal")
	code, stdout, _ := command(beside, "secrets", "reseal", "--dry-run")
	if code != exitOK || !strings.Contains(stdout, "0 values are sealed with the present key, 3 with a former one.") {
		t.Errorf("dry run: %d %s", code, stdout)
	}
	for _, want := range []string{"1 credentials of subscriptions sealed anew", "Nothing is left"} { // the second run finds nothing to do
		if code, stdout, stderr := command(beside, "secrets", "reseal"); code != exitOK || !strings.Contains(stdout, want) {
			t.Errorf("reseal beside the server: %d %s%s", code, stdout, stderr)
		}
	}
	terminate(p)
	terminate(delivers([]string{second}))
	code, _, stderr = command([]string{"CARTEIRO_DATA_DIR=" + t.TempDir(), second}, "secrets", "reseal")
	if code != exitFailed || !strings.Contains(stderr, "carteiro migrate") {
		t.Errorf("without a database: %d %s", code, stderr)
	}
}

// TestOurOwnAddressesAreNoTarget, by whatever address of this machine they are
// reached when the server listens on all of them.
func TestOurOwnAddressesAreNoTarget(t *testing.T) {
	p := start(t, t.TempDir(), []string{"CARTEIRO_LISTEN=0.0.0.0:0", "CARTEIRO_ALLOW_NETWORKS=0.0.0.0/0,::/0"}, "serve")
	port := p.base[strings.LastIndex(p.base, ":"):]
	p.base = "http://127.0.0.1" + port
	for _, host := range []string{"127.0.0.1", "127.0.0.9", "0.0.0.0", "[::1]", "localhost"} {
		var problem struct {
			Errors []struct{ Path, Message string }
		}
		got := p.call("POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://`+host+port+`/v1/events","event_types":["*"]}`, &problem)
		if got != 422 || len(problem.Errors) != 1 || problem.Errors[0].Path != "/url" || !strings.Contains(problem.Errors[0].Message, "Carteiro itself listens") {
			t.Errorf("%s: %d %+v", host, got, problem)
		}
	}
}
