package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	only     []string // cases; none: all
	scale    float64
	runs     int
	full     bool
	embedded bool
	out      string
	write    string
	join     []string // directories of earlier calls; none: measure
	program  string
	limit    time.Duration
}

const defaultRuns = 3

const usage = `Usage: go run ./bench [flags]

Measures Carteiro against the limits of this machine. See docs/performance.md.
Cases: %s.

`

func parseArgs(args []string, stderr io.Writer) (options, error) {
	var o options
	var only, join string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintf(stderr, usage, strings.Join(caseNames(), ", "))
		flags.PrintDefaults()
	}
	flags.StringVar(&only, "only", "", "cases to measure, such as F1,F2; all when nothing is given")
	flags.Float64Var(&o.scale, "scale", 1, "how much of each case's work is done, such as 0.01 to try it out; the figures are comparable only at 1")
	flags.IntVar(&o.runs, "runs", defaultRuns, "runs of each case")
	flags.BoolVar(&o.full, "full", false, "F10 with 10 million stored deliveries instead of one; takes 12 GB of disk and five minutes more")
	flags.BoolVar(&o.embedded, "embedded", false, "measure every case on SQLite and the embedded Redis; no server is started")
	flags.StringVar(&o.out, "out", "bench/out", "directory for results.md, results.csv and chart.svg")
	flags.StringVar(&o.write, "write", "", "a document between whose marks the results are written when all cases have finished, such as docs/performance.md")
	flags.StringVar(&join, "join", "", "directories of earlier calls, such as bench/out1,bench/out2: measure nothing, and make one report of theirs")
	flags.StringVar(&o.program, "program", "", "a built carteiro to measure instead of building one, such as another release's")
	flags.DurationVar(&o.limit, "limit", 0, "when to give up at the latest; 45m when nothing is given, 3h with -full")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if only != "" {
		o.only = strings.Split(only, ",")
	}
	if join != "" {
		o.join = strings.Split(join, ",")
	}
	if o.limit == 0 {
		o.limit = 45 * time.Minute
		if o.full {
			o.limit = 3 * time.Hour
		}
	}
	return o, o.check(flags.Args())
}

func (o *options) check(rest []string) error {
	known := caseNames()
	for i, name := range o.only {
		at := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(name)) })
		if at < 0 {
			return fmt.Errorf("-only: there is no case %q; there are %s", name, strings.Join(known, ", "))
		}
		o.only[i] = known[at]
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is no flag; see -help", rest[0])
	case !(o.scale > 0 && o.scale <= 100):
		return fmt.Errorf("-scale: %v is not above 0 and at most 100", o.scale)
	case o.runs < 1 || o.runs > 100:
		return fmt.Errorf("-runs: %d is not from 1 to 100", o.runs)
	case o.limit < 0:
		return fmt.Errorf("-limit: %s is negative", o.limit)
	case o.out == "":
		return errors.New("-out: the name of a directory is missing")
	}
	return nil
}

// wants tells whether a case is to be measured.
func (o *options) wants(name string) bool { return len(o.only) == 0 || slices.Contains(o.only, name) }

// command is the call that measures the same again, wherever its results go.
func (o *options) command() string {
	c := "go run ./bench"
	if len(o.only) > 0 {
		c += " -only " + strings.Join(o.only, ",")
	}
	if o.scale != 1 {
		c += fmt.Sprintf(" -scale %g", o.scale)
	}
	if o.runs != defaultRuns {
		c += fmt.Sprintf(" -runs %d", o.runs)
	}
	if o.full {
		c += " -full"
	}
	if o.embedded {
		c += " -embedded"
	}
	return c
}
