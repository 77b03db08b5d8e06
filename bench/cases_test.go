package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/bench/load"
)

// TestEveryCaseIsWhole: the table of performance.md has these numbers.
func TestEveryCaseIsWhole(t *testing.T) {
	want := []string{"F1", "F1b", "F2", "F3", "F4", "F5", "F6", "F7", "F8", "F9", "F10", "F11"}
	if got := caseNames(); !slices.Equal(got, want) {
		t.Errorf("the cases are %q, want %q", got, want)
	}
	for _, c := range cases() {
		if c.Work == "" || c.Target == "" || len(c.Shows) == 0 || len(c.Goals) == 0 || len(c.backends) == 0 || c.fixed+c.perRun <= 0 || c.measure == nil {
			t.Errorf("%s is not whole: %+v", c.Case, c)
		}
	}
}

func TestScale(t *testing.T) {
	s := &series{lab: &lab{o: options{scale: 0.01}}}
	if got := s.count(20_000, 100); got != 200 {
		t.Errorf("a hundredth of 20,000 is %d", got)
	}
	if got := s.count(2000, 100); got != 100 {
		t.Errorf("the least of 100 is %d", got)
	}
	if got := s.span(steadyTime, retryWait); got != retryWait {
		t.Errorf("the least time is %s", got)
	}
	s.o.scale = 10
	if got := s.span(steadyTime, 0); got != steadyTime {
		t.Errorf("ten times the work takes %s by the clock", got)
	}
}

func TestTroubleNamesNoPath(t *testing.T) {
	l := &lab{dir: "/tmp/carteiro-bench-1"}
	got := l.short(fmt.Errorf("start: %w\nmore", errors.New("open /tmp/carteiro-bench-1/house-2/x: no")))
	if got != "start: open …/house-2/x: no" {
		t.Errorf("%q", got)
	}
	if got := l.short(errors.New(strings.Repeat("x", 500))); len(got) > 200 {
		t.Errorf("%d bytes", len(got))
	}
}

func TestHoles(t *testing.T) {
	if !healthy(acme) || !healthy(goodPrefix+"0") || healthy(holePrefix+"0") {
		t.Error("who is healthy is told by the name")
	}
	if !strings.HasPrefix(slowPath, load.PathWait) {
		t.Errorf("%s does not wait", slowPath)
	}
}
