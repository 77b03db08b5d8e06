package main

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestArguments(t *testing.T) {
	defaults := options{scale: 1, runs: 3, out: "bench/out", limit: 45 * time.Minute}
	for line, want := range map[string]func(*options){
		"":                          func(*options) {},
		"-only F1":                  func(o *options) { o.only = []string{"F1"} },
		"-only f1b,F10":             func(o *options) { o.only = []string{"F1b", "F10"} },
		"-scale 0.01 -runs 1":       func(o *options) { o.scale, o.runs = 0.01, 1 },
		"-full":                     func(o *options) { o.full, o.limit = true, 3*time.Hour },
		"-full -limit 1m":           func(o *options) { o.full, o.limit = true, time.Minute },
		"-embedded -out x -write y": func(o *options) { o.embedded, o.out, o.write = true, "x", "y" },
		"-program ./carteiro":       func(o *options) { o.program = "./carteiro" },
	} {
		expected := defaults
		want(&expected)
		got, err := parseArgs(strings.Fields(line), io.Discard)
		if diff := cmp.Diff(expected, got, cmp.AllowUnexported(options{})); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", line, err, diff)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	for line, want := range map[string]string{
		"-only F12":   `no case "F12"; there are F1, F1b, F2,`,
		"-only F1,,":  `no case ""`,
		"-scale 0":    "-scale: 0 is not above 0",
		"-scale -1":   "-scale: -1",
		"-scale NaN":  "-scale: NaN",
		"-scale 1000": "-scale: 1000",
		"-runs 0":     "-runs: 0",
		"-limit -1s":  "-limit: -1s is negative",
		"-out=":       "-out:",
		"F1":          `"F1" is no flag`,
		"-fast":       "not defined: -fast",
	} {
		if _, err := parseArgs(strings.Fields(line), io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", line, err, want)
		}
	}
}

func TestTheCommandMeasuresTheSameAgain(t *testing.T) {
	for line, want := range map[string]string{
		"":                                     "go run ./bench",
		"-out /somewhere/else -write x.md":     "go run ./bench",
		"-only f1,F2 -scale 0.5 -runs 5 -full": "go run ./bench -only F1,F2 -scale 0.5 -runs 5 -full",
		"-embedded":                            "go run ./bench -embedded",
	} {
		o, err := parseArgs(strings.Fields(line), io.Discard)
		if err != nil || o.command() != want {
			t.Errorf("%q: %q, %v; want %q", line, o.command(), err, want)
		}
	}
}
