package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

// TestMain lets the test binary be its own receiver and load.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == load.ChildArg {
		if err := load.Main(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestWhole runs every case with next to no work on the real program, without
// servers. The figures mean nothing; that they are there does.
func TestWhole(t *testing.T) {
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("it builds and runs the program, and reads /proc")
	}
	dir := t.TempDir()
	built := &lab{dir: dir, stderr: io.Discard}
	if err := built.build(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Run("every case", func(t *testing.T) { testEveryCase(t, built.program) })
	t.Run("interrupted", func(t *testing.T) { testInterrupted(t, built.program) })
}

func testEveryCase(t *testing.T, program string) {
	out, document := t.TempDir(), filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(document, []byte("# Page\n"+report.Begin+"\n"+report.End+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := []string{"-embedded", "-scale", "0.001", "-runs", "1", "-program", program, "-out", out, "-write", document}
	if err := run(t.Context(), args, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s\n%s", err, stderr.String(), stdout.String())
	}
	t.Log(stdout.String())
	noChildren(t)
	filled, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases() {
		line := "| " + c.Case + " | "
		if !strings.Contains(stdout.String(), line) || !strings.Contains(string(filled), line) {
			t.Errorf("%s is not in the table", c.Case)
		}
	}
	for line := range strings.Lines(stdout.String()) {
		// asynq needs a Redis server; everything else that has a goal is measured.
		if strings.Contains(line, "not measured") && !strings.Contains(line, "not measured: "+ofAsynq) || strings.Contains(line, "NaN") {
			t.Error(line)
		}
	}
	for _, name := range []string{filepath.Join(out, "results.md"), filepath.Join(out, "results.csv"), filepath.Join(out, "chart.svg"), strings.TrimSuffix(document, ".md") + ".svg", strings.TrimSuffix(document, ".md") + ".csv"} {
		if info, err := os.Stat(name); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
	}
	if strings.Contains(stdout.String(), os.TempDir()) {
		t.Errorf("the report names a path of this machine:\n%s", stdout.String())
	}
}

// testInterrupted ends the benchmark in the middle of a case, as Ctrl-C does.
func testInterrupted(t *testing.T, program string) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stderr := &watcher{until: "F8 embedded: run 1 of 1", then: cancel}
	err := run(ctx, []string{"-embedded", "-only", "F8", "-runs", "1", "-program", program, "-out", t.TempDir()}, io.Discard, stderr)
	if err == nil || !strings.Contains(err.Error(), "ended early") {
		t.Errorf("%v", err)
	}
	noChildren(t)
}

// watcher does something when a text has been written.
type watcher struct {
	mu    sync.Mutex
	text  bytes.Buffer
	until string
	then  func()
}

func (w *watcher) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if strings.Contains(w.text.String(), w.until) {
		time.AfterFunc(300*time.Millisecond, w.then) // F8 alone takes far longer
	}
	return len(b), nil
}

// noChildren fails when a process that was started is still there.
func noChildren(t *testing.T) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if pids, err := os.ReadFile(list); err == nil && len(bytes.TrimSpace(pids)) > 0 {
			t.Errorf("processes %s are still there", pids)
		}
	}
}
