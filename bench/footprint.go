package main

import (
	"context"
	"os"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/machine"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	idleMemory  = "memory idle"
	burstMemory = "memory after F1"
	burstPeak   = "memory at most"
	firstStart  = "first start to ready"
	startReady  = "start to ready"
	binarySize  = "binary"
	settle      = 3 * time.Second // after a start, until memory is looked at
)

func footprintCases() []benchCase {
	return []benchCase{{
		Row: report.Row{
			Case: "F11", Work: "Memory (RSS) idle and after F1; start to ready on a database that has its schema; the binary, stripped",
			Target: "< 60 / < 200 MiB; < 300 ms; < 60 MB",
			Shows: []report.Show{
				{Figure: idleMemory, Label: "idle"},
				{Figure: burstMemory, Label: "after F1"},
				{Figure: burstPeak, Label: "at most"},
				{Figure: startReady, Label: "ready"},
				{Figure: firstStart, Label: "first start"},
				{Figure: binarySize, Label: "binary"},
			},
			Goals: []report.Goal{
				{Figure: idleMemory, Limit: 60}, {Figure: burstMemory, Limit: 200}, {Figure: startReady, Limit: 300}, {Figure: binarySize, Limit: 60},
			},
		},
		backends: []string{server, embedded}, fixed: time.Minute, perRun: 2 * time.Minute,
		measure: func(ctx context.Context, s *series) error { return s.each(ctx, s.footprint) },
	}}
}

func (s *series) footprint(ctx context.Context, run int) error {
	b := s.burstOf(load.PathOK, acme)
	h, err := s.house(ctx)
	if err != nil {
		return err
	}
	defer h.remove()
	s.put(run, firstStart, "ms", report.Milliseconds(h.ready))
	if _, err := h.subscribe(ctx, acme, b.path+"/"+acme, b.slots); err != nil {
		return err
	}
	h.stop()
	if err := h.start(ctx); err != nil {
		return err
	}
	s.put(run, startReady, "ms", report.Milliseconds(h.ready))
	timer := time.NewTimer(s.span(settle, 100*time.Millisecond))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	idle, _, err := machine.System.Memory(h.process.Pid())
	if err != nil {
		return err
	}
	s.put(run, idleMemory, "MiB", float64(idle)/mebibyte)
	if err := s.receiver.Reset(ctx); err != nil {
		return err
	}
	if _, err := s.burst(ctx, run, h, b); err != nil {
		return err
	}
	now, peak, err := machine.System.Memory(h.process.Pid())
	if err != nil {
		return err
	}
	s.put(run, burstMemory, "MiB", float64(now)/mebibyte)
	s.put(run, burstPeak, "MiB", float64(peak)/mebibyte)
	info, err := os.Stat(s.program)
	if err == nil {
		s.put(run, binarySize, "MB", float64(info.Size())/1e6)
	}
	return err
}
