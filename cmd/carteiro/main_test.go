package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// running tells whether the process has not ended.
func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	case <-time.After(10 * time.Millisecond): // how often it is asked
		return true
	}
}

// waitForLog waits until the process has logged a text.
func waitForLog(t *testing.T, p *process, text string) {
	t.Helper()
	late := time.After(limit)
	for !strings.Contains(p.logged(), text) {
		select {
		case <-late:
			t.Fatalf("%q was not logged in time:\n%s", text, p.logged())
		default:
			if !p.running() && !strings.Contains(p.logged(), text) {
				t.Fatalf("the process ended without logging %q:\n%s", text, p.logged())
			}
		}
	}
}

// command runs a subcommand in this process.
func command(env []string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(context.Background(), program{args: args, environ: env, stdout: &out, stderr: &errs, signals: make(chan os.Signal)})
	return code, out.String(), errs.String()
}

func TestCommands(t *testing.T) {
	secret := strings.Repeat("k", 40)
	for _, c := range []struct {
		name      string
		env, args []string
		code      int
		stdout    []string
		stderr    []string
		nowhere   string
	}{
		{name: "help lists commands and settings", args: []string{"serve", "--help"}, stdout: []string{"--demo", "--retry-schedule", "CARTEIRO_RETRY_SCHEDULE"}},
		{name: "version", args: []string{"version"}, stdout: []string{"carteiro "}},
		{name: "no command", code: exitUsage, stderr: []string{"expected one of"}},
		{name: "unknown command", args: []string{"sevre"}, code: exitUsage, stderr: []string{"sevre"}},
		{
			name: "config shows where values come from, and no secret", args: []string{"config", "--workers", "7"},
			env: []string{"CARTEIRO_ADMIN_KEY=" + secret, "CARTEIRO_RETRY_SCHEDULE=1s,2s"}, nowhere: secret,
			stdout: []string{"workers: 7", "flag", "retry_schedule", "CARTEIRO_RETRY_SCHEDULE", "[redacted]", "default"},
		},
		{
			name: "all wrong settings at once", args: []string{"serve", "--delivery-timeout", "2h"}, code: exitUsage,
			env:    []string{"CARTEIRO_LISTEN=nowhere", "CARTEIRO_ROLES=api,clerk", "CARTEIRO_LISTNE=x"},
			stderr: []string{"--delivery-timeout", "2h", "from 1s to 30s", "CARTEIRO_LISTEN", "nowhere", "CARTEIRO_ROLES", "clerk", "CARTEIRO_LISTNE", "did you mean"},
		},
		{
			name: "a wrong secret is not repeated", args: []string{"serve"}, code: exitUsage,
			env: []string{"CARTEIRO_ADMIN_KEY=shortsecret"}, stderr: []string{"CARTEIRO_ADMIN_KEY", "32"}, nowhere: "shortsecret",
		},
		{
			name: "nobody listens", args: []string{"healthcheck", "--listen", "127.0.0.1:1"}, code: exitFailed,
			stderr: []string{"the server does not answer"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := command(c.env, c.args...)
			if code != c.code {
				t.Errorf("exit code %d; want %d", code, c.code)
			}
			for _, want := range c.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("stdout lacks %q:\n%s", want, stdout)
				}
			}
			for _, want := range c.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("stderr lacks %q:\n%s", want, stderr)
				}
			}
			if c.nowhere != "" && strings.Contains(stdout+stderr, c.nowhere) {
				t.Errorf("a secret is shown:\n%s%s", stdout, stderr)
			}
		})
	}
}

func TestMigrateThenServeThenHealthcheck(t *testing.T) {
	dir := t.TempDir()
	env := []string{"CARTEIRO_DATA_DIR=" + dir}
	if code, stdout, stderr := command(env, "migrate"); code != exitOK || !strings.Contains(stdout, "up to date") {
		t.Fatalf("migrate: %d %s%s", code, stdout, stderr)
	}
	p := start(t, dir, []string{"CARTEIRO_MIGRATE=manual"}, "serve")
	listen := strings.TrimPrefix(p.base, "http://")
	if code, _, stderr := command(env, "healthcheck", "--listen", listen); code != exitOK {
		t.Errorf("healthcheck: %d %s", code, stderr)
	}
	if code, _, stderr := command(env, "serve", "--listen", "127.0.0.1:0"); code != exitFailed || !strings.Contains(stderr, "another carteiro runs") {
		t.Errorf("a second server on the same data: %d %s", code, stderr)
	}
}

func TestServeRefusesAnUnmigratedDatabase(t *testing.T) {
	code, _, stderr := command([]string{"CARTEIRO_DATA_DIR=" + t.TempDir(), "CARTEIRO_MIGRATE=manual", "CARTEIRO_LISTEN=127.0.0.1:0"}, "serve")
	if code != exitFailed || !strings.Contains(stderr, "carteiro migrate") {
		t.Errorf("%d %s", code, stderr)
	}
}
