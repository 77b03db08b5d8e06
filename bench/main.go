package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == load.ChildArg {
		if err := load.Main(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", os.Args[2]+":", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the whole benchmark. The table goes to stdout, progress to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parseArgs(args, stderr)
	if err != nil {
		return err
	}
	if len(o.join) > 0 {
		return joinReports(o, stdout)
	}
	ctx, cancel := context.WithTimeout(ctx, o.limit)
	defer cancel()
	began := time.Now()
	l, err := newLab(ctx, o, stderr)
	if err != nil {
		return err
	}
	defer l.close()
	unfinished := l.measure(ctx)
	r := l.report
	r.Command = o.command()
	r.Date, r.Took = began.Format(time.DateOnly), time.Since(began)
	if r.Program, err = fileSum(l.program); err != nil {
		return err
	}
	fmt.Fprint(stdout, r.Markdown())
	if err := write(o, r); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("ended early: %w; %s has what was measured until then", context.Cause(ctx), o.out)
	}
	if len(unfinished) > 0 {
		return fmt.Errorf("%s did not finish: the reasons are above", strings.Join(unfinished, ", "))
	}
	if o.write == "" {
		return nil
	}
	return fillDocument(o.write, r)
}

// write puts the forms of the report into a directory.
func write(o options, r *report.Report) error {
	csv, err := r.CSV()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return err
	}
	whole, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"results.md": r.Markdown(), "results.csv": csv, "chart.svg": r.SVG(), resultsFile: string(whole)} {
		if err := os.WriteFile(filepath.Join(o.out, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// fillDocument puts the report into a document, and the chart and the figures beside it.
func fillDocument(file string, r *report.Report) error {
	document, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(file, filepath.Ext(file))
	name := filepath.Base(base)
	text := r.Markdown() + fmt.Sprintf("\n![The rates as a chart](%s.svg)\n\n[%s.csv](%s.csv) has every figure of every run.\n", name, name, name)
	filled, err := report.Fill(string(document), text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	csv, err := r.CSV()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(base+".svg", []byte(r.SVG()), 0o644),
		os.WriteFile(base+".csv", []byte(csv), 0o644),
		os.WriteFile(file, []byte(filled), 0o644),
	)
}
