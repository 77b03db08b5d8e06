package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/machine"
	"github.com/carteiro-webhooks/carteiro/bench/report"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// lab is what all cases share.
type lab struct {
	o       options
	dir     string // everything that is written
	program string // the built carteiro
	pg      *testserver.PostgresServer
	redis   *testserver.RedisServer
	report  *report.Report
	stderr  io.Writer
	began   time.Time
}

func newLab(ctx context.Context, o options, stderr io.Writer) (*lab, error) {
	dir, err := os.MkdirTemp("", "carteiro-bench-")
	if err != nil {
		return nil, err
	}
	l := &lab{o: o, dir: dir, report: &report.Report{}, stderr: stderr, began: time.Now()}
	about := machine.System.Describe() // before we add to the load
	if err := l.build(ctx); err != nil {
		l.close()
		return nil, err
	}
	if l.needsServers() {
		if err := l.startServers(ctx); err != nil {
			l.close()
			return nil, err
		}
	}
	l.report.Facts = []report.Fact{
		{Name: "Processor", Value: about.Processor},
		{Name: "Memory", Value: about.Memory},
		{Name: "Kernel", Value: about.Kernel},
		{Name: "Go", Value: about.Go},
	}
	return l, l.addVersions(ctx, about.Load)
}

func (l *lab) addVersions(ctx context.Context, before string) error {
	facts := &l.report.Facts
	if l.pg != nil {
		v, err := l.pg.Version(ctx)
		if err != nil {
			return err
		}
		*facts = append(*facts, report.Fact{Name: "PostgreSQL", Value: v + ", its default settings (fsync and synchronous_commit on), 200 connections allowed"})
	}
	if l.redis != nil {
		v, err := l.redis.Version(ctx)
		if err != nil {
			return err
		}
		*facts = append(*facts, report.Fact{Name: "Redis", Value: v + ", append-only file, written back each second"})
	}
	*facts = append(*facts,
		report.Fact{Name: "Load before it began (1, 5, 15 minutes)", Value: before},
		report.Fact{Name: "Runs of each case", Value: fmt.Sprint(l.o.runs)},
	)
	if l.o.scale != 1 {
		*facts = append(*facts, report.Fact{Name: "Scale", Value: fmt.Sprintf("%g: a trial, not to be compared with the targets", l.o.scale)})
	}
	return nil
}

// needsServers tells whether a case that is wanted runs on PostgreSQL and Redis.
func (l *lab) needsServers() bool {
	for _, c := range cases() {
		for _, b := range l.backends(c) {
			if b == server && l.o.wants(c.Case) {
				return true
			}
		}
	}
	return false
}

// backends are those that a case is measured on.
func (l *lab) backends(c benchCase) []string {
	if l.o.embedded {
		return []string{embedded}
	}
	return c.backends
}

// build makes the program as a release is made, if none was given.
func (l *lab) build(ctx context.Context) error {
	if l.o.program != "" {
		var err error
		l.program, err = filepath.Abs(l.o.program)
		return err
	}
	l.say("building carteiro")
	l.program = filepath.Join(l.dir, "carteiro")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", l.program,
		"github.com/carteiro-webhooks/carteiro/cmd/carteiro")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build carteiro: %w\n%s", err, out)
	}
	return nil
}

func (l *lab) startServers(ctx context.Context) (err error) {
	l.say("starting PostgreSQL and Redis")
	if l.pg, err = testserver.StartPostgres(ctx, ""); err != nil {
		return fmt.Errorf("%w; -embedded measures without servers", err)
	}
	l.redis, err = testserver.StartRedis(ctx, testserver.Directive("appendonly", "yes"), testserver.Directive("appendfsync", "everysec"))
	return err
}

func (l *lab) close() {
	if l.redis != nil {
		l.redis.Stop()
	}
	if l.pg != nil {
		l.pg.Stop()
	}
	_ = os.RemoveAll(l.dir)
}

// say writes a line of progress.
func (l *lab) say(format string, args ...any) {
	fmt.Fprintf(l.stderr, "[%6s] %s\n", time.Since(l.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// measure runs every case that is wanted, and returns those that did not
// finish.
func (l *lab) measure(ctx context.Context) (unfinished []string) {
	for _, c := range cases() {
		if !l.o.wants(c.Case) {
			continue
		}
		for _, backend := range l.backends(c) {
			if ctx.Err() != nil {
				return unfinished
			}
			row := c.Row
			row.Backend = backend
			if err := l.one(ctx, c, row); err != nil {
				l.say("%s %s did not finish: %v", row.Case, backend, err)
				row.Trouble = l.short(err)
				unfinished = append(unfinished, row.Case+" "+backend)
			}
			l.report.Rows = append(l.report.Rows, row)
			for _, b := range c.bars {
				show := report.Show{Figure: b.Figure, Label: backend + ": " + b.Label}
				l.report.Bars = append(l.report.Bars, report.Bar{Row: row, Show: show, Limit: b.limit})
			}
		}
	}
	return unfinished
}

// short is an error for the table: one line, and no path of this machine.
func (l *lab) short(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "its time was over"
	}
	const most = 160
	line, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), l.dir, "…"), "\n")
	return line[:min(len(line), most)]
}

// one measures a case on a back end, in the time that it may take.
func (l *lab) one(ctx context.Context, c benchCase, row report.Row) error {
	limit := c.fixed + time.Duration(l.o.runs)*c.perRun
	if l.o.full {
		limit += c.more
	}
	if l.o.scale > 1 {
		limit = time.Duration(float64(limit) * l.o.scale)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	s := &series{lab: l, row: row}
	defer s.close()
	var err error
	if s.receiver, err = load.StartReceiver(ctx); err != nil {
		return err
	}
	if s.load, err = load.StartLoad(); err != nil {
		return err
	}
	return c.measure(ctx, s)
}
