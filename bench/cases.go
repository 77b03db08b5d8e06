package main

import (
	"context"
	"slices"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/report"
)

// The back ends: PostgreSQL and Redis, or SQLite and the Redis in the process.
const (
	server   = "server"
	embedded = "embedded"
)

// benchCase is a number of the table of targets.
type benchCase struct {
	report.Row
	bars     []bar
	backends []string
	// The case is given up after fixed, and perRun for each run: several times
	// what it takes on a quiet machine.
	fixed, perRun time.Duration
	more          time.Duration // with -full
	measure       func(context.Context, *series) error
}

// bar is a bar of the chart.
type bar struct {
	report.Show
	limit bool
}

// cases is every case, in the order of the table.
func cases() []benchCase {
	return slices.Concat(burstCases(), intakeCases(), latencyCases(), fanOutCases(), neighbourCases(), retryCases(),
		exportCases(), scaleCases(), footprintCases())
}

func caseNames() []string {
	var names []string
	for _, c := range cases() {
		names = append(names, c.Case)
	}
	return names
}
