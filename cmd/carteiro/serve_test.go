package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKilledServerLosesNothing: what was answered with 202 is delivered after
// a kill -9, with the same id and the same bytes (P1, P3).
func TestKilledServerLosesNothing(t *testing.T) {
	const events = 40
	dir := t.TempDir()
	c := newClient(t)
	p := start(t, dir, nil, "serve")
	p.subscribe(c.URL)
	accepted, bodies := map[string]bool{}, map[string]string{}
	for range events {
		accepted[p.post()] = true
	}
	for i := range events / 2 { // some are done, the others in flight or waiting
		a := c.next(t)
		bodies[a.id] = a.body
		if i%2 == 0 {
			a.answer <- http.StatusOK
		}
	}
	p.kill()

	p = start(t, dir, nil, "serve")
	for len(accepted) > 0 {
		a := c.next(t)
		if first, seen := bodies[a.id]; seen && first != a.body {
			t.Errorf("message %s came again with another body", a.id)
		}
		bodies[a.id] = a.body
		a.answer <- http.StatusOK
		var list struct {
			Data []struct {
				EventID string `json:"event_id"`
			}
		}
		p.call("GET", "/v1/deliveries?state=succeeded&limit=500", "", &list)
		for _, d := range list.Data {
			delete(accepted, d.EventID)
		}
		if len(bodies) == events && len(c.came) == 0 {
			break // all have come; their results are looked at below
		}
	}
	if code := terminate(p); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	p = start(t, dir, nil, "serve")
	var left struct{ Data []any }
	p.call("GET", "/v1/deliveries?state=pending", "", &left)
	if len(left.Data) > 0 {
		t.Errorf("%d deliveries are still pending", len(left.Data))
	}
	if len(bodies) != events {
		t.Errorf("%d different messages came, %d were accepted", len(bodies), events)
	}
}

// TestStopLetsAttemptsFinish: SIGTERM stops intake, an attempt under way ends
// and is recorded, the exit code is 0, and nothing is sent twice.
func TestStopLetsAttemptsFinish(t *testing.T) {
	dir := t.TempDir()
	c := newClient(t)
	p := start(t, dir, nil, "serve")
	p.subscribe(c.URL)
	id := p.post()
	a := c.next(t)
	p.signal(syscall.SIGTERM)
	waitForLog(t, p, "stopping: no new requests")
	a.answer <- http.StatusOK
	if code := p.exit(); code != exitOK {
		t.Fatalf("exit code %d\n%s", code, p.logged())
	}
	p = start(t, dir, nil, "serve")
	var list struct {
		Data []struct {
			EventID string `json:"event_id"`
			State   string
			Count   int `json:"attempt_count"`
		}
	}
	p.call("GET", "/v1/deliveries", "", &list)
	if len(list.Data) != 1 || list.Data[0].EventID != id || list.Data[0].State != "succeeded" || list.Data[0].Count != 1 {
		t.Errorf("after the restart: %+v", list.Data)
	}
	if len(c.came) != 0 {
		t.Error("the message was sent again")
	}
}

// TestBalancersTurnAwayFirst: for a while after SIGTERM, /readyz says that the
// server stops, and what comes all the same is taken and sent.
func TestBalancersTurnAwayFirst(t *testing.T) {
	c := newClient(t)
	p := start(t, t.TempDir(), []string{"CARTEIRO_STOP_DELAY=5s"}, "serve")
	p.subscribe(c.URL)
	began := time.Now()
	p.signal(syscall.SIGTERM)
	waitForLog(t, p, "stopping soon")
	var ready struct{ Parts map[string]string }
	if got := p.call("GET", "/readyz", "", &ready); got != http.StatusServiceUnavailable || ready.Parts["intake"] != "failing" {
		t.Errorf("/readyz answered %d %v", got, ready.Parts)
	}
	id := p.post()
	a := c.next(t)
	a.answer <- http.StatusOK
	if a.id != id {
		t.Errorf("%s came, want %s", a.id, id)
	}
	if code, took := p.exit(), time.Since(began); code != exitOK || took < 5*time.Second {
		t.Errorf("exit code %d after %s\n%s", code, took, p.logged())
	}
}

// TestSecondSignalExitsAtOnce, although an attempt hangs.
func TestSecondSignalExitsAtOnce(t *testing.T) {
	c := newClient(t)
	p := start(t, t.TempDir(), nil, "serve")
	p.subscribe(c.URL)
	p.post()
	c.next(t) // and never answer
	p.signal(syscall.SIGTERM)
	waitForLog(t, p, "stopping: no new requests")
	for p.running() { // until one comes late enough to be the second
		if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			break
		}
	}
	if code := p.exit(); code != exitFailed {
		t.Errorf("exit code %d; want %d", code, exitFailed)
	}
	if !strings.Contains(p.logged(), "second signal") {
		t.Errorf("the log does not tell why:\n%s", p.logged())
	}
}

func TestDemoDeliversAfterTwoFailures(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, []string{"CARTEIRO_LOG_LEVEL=info"}, "serve", "--demo")
	p.line(`runs at http://127\.0\.0\.1:\d+`)
	p.line(`admin key  \S{32,}`)
	p.line(`attempt 1: .* 503 `)
	p.line(`attempt 2: .* 503 `)
	p.line(`attempt 3: delivered`)
	p.signal(os.Interrupt)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.logged())
	}
	if _, err := os.Stat(filepath.Join(dir, "demo", "carteiro.db")); err != nil {
		t.Error(err)
	}
}

// TestDemoShowsVerifications: one by POST, one by PUT.
func TestDemoShowsVerifications(t *testing.T) {
	p := start(t, t.TempDir(), []string{"CARTEIRO_LOG_LEVEL=info"}, "serve", "--demo")
	p.line(`ver_\w+  a verification of \*\*\*00 was registered, to be called back by POST`)
	p.line(`the client's server got POST {"id":"ver_\w+","status":"COMPLETED","metadata":{"order":9007199254740993,"amount":1.50}}`)
	p.line(`ver_\w+  a verification of \*\*\*00 was registered, to be called back by PUT`)
	p.line(`the client's server got PUT {"id":"ver_\w+","status":"COMPLETED","metadata":{"order":9007199254740994,"amount":1.50}}`)
	p.line(`attempt 1: delivered`)
	p.signal(os.Interrupt)
	if code := p.exit(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.logged())
	}
}

func TestKeysAreMadeOnceForTheOwnerOnly(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil, "serve")
	first := p.key
	if shown := strings.TrimSpace(p.line(`^  \S{32,}$`)); shown != first {
		t.Errorf("the key that was shown is not the one in the file")
	}
	for _, name := range []string{adminKeyFile, secretKeyFile} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the mode %v", name, info.Mode())
		}
	}
	if code := terminate(p); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	p = start(t, dir, nil, "serve")
	if p.key != first || p.call("GET", "/v1/clients", "", nil) != http.StatusOK {
		t.Error("the second start does not take the first one's key")
	}
	if code := terminate(p); code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	for l := range p.lines {
		if strings.Contains(l, first) {
			t.Errorf("the key was shown again: %s", l)
		}
	}
}
