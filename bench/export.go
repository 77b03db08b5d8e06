package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/machine"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

const (
	exportRecords = 1_000_000
	// An export of fewer pages is over before it can be killed in the middle.
	pagesToKill = 20

	exported   = "export"
	looped     = "plain loop"
	ofLoop     = "of the loop"
	killedTime = "time with a kill"
	peakMemory = "peak memory"
)

func exportCases() []benchCase {
	return []benchCase{{
		Row: report.Row{
			Case: "F9", Work: "Export of a million records in pages of 500; once more, killed in the middle and started again",
			Target: "RSS < 250 MiB; ≥ 50 % of a loop that reads the same rows and posts the same bodies",
			Shows: []report.Show{
				{Figure: exported, Label: "records"},
				{Figure: looped, Label: "loop"},
				{Figure: peakMemory, Label: "peak memory"},
				{Figure: killedTime, Label: "with a kill"},
			},
			Ratios: []report.Show{{Figure: ofLoop, Label: "of the loop"}},
			Goals:  []report.Goal{{Figure: ofLoop, AtLeast: true, Limit: 50}, {Figure: peakMemory, Limit: 250, Worst: true}},
		},
		backends: []string{server}, fixed: 8 * time.Minute, perRun: 3 * time.Minute,
		measure: func(ctx context.Context, s *series) error { return s.exports(ctx) },
	}}
}

// exports measures exports of the same records: by a loop, by Carteiro, and by
// a Carteiro that is killed.
func (s *series) exports(ctx context.Context) error {
	h, err := s.house(ctx)
	if err != nil {
		return err
	}
	if _, err := h.subscribe(ctx, acme, load.PathPages, 0); err != nil {
		return err
	}
	n := s.count(exportRecords, 2*load.RecordsInAPage)
	s.step("storing %d records", n)
	if err := s.load.PutRecords(ctx, load.Records{Base: h.base, Key: h.key, Client: acme, Count: n}); err != nil {
		return err
	}
	var want load.Counts
	err = s.each(ctx, func(ctx context.Context, run int) error {
		var loopRate float64
		if want, loopRate, err = s.exportLoop(ctx, run, h); err != nil {
			return fmt.Errorf("loop: %w", err)
		}
		rate, err := s.export(ctx, run, h, want)
		s.put(run, ofLoop, "%", 100*rate/loopRate)
		return err
	})
	if err != nil || want.Distinct < pagesToKill {
		return err
	}
	return s.killedExport(ctx, h, want)
}

// exportLoop measures the plain loop, and tells what an export must bring.
func (s *series) exportLoop(ctx context.Context, run int, h *house) (load.Counts, float64, error) {
	if err := s.receiver.Reset(ctx); err != nil {
		return load.Counts{}, 0, err
	}
	done, err := s.load.ExportLoop(ctx, load.ExportLoop{Database: h.database, Client: acme, URL: s.receiver.URL + load.PathPages})
	if err != nil {
		return load.Counts{}, 0, err
	}
	c, err := s.arrived(ctx, load.PathPages, done.Pages)
	rate := report.PerSecond(int(c.Records), done.Took)
	s.put(run, looped, "/s", rate)
	return c, rate, err
}

// startExport starts a run over the records' day.
func (s *series) startExport(ctx context.Context, h *house) (id string, began time.Time, err error) {
	if err := s.receiver.Reset(ctx); err != nil {
		return "", began, err
	}
	var run struct{ ID string }
	began = time.Now()
	err = h.call(ctx, http.MethodPost, "/v1/exports/"+string(load.RecordDataset)+"/runs",
		map[string]string{"start_date": load.RecordDay, "end_date": load.RecordDay}, &run)
	return run.ID, began, err
}

// pagesArrived waits for the pages, which must bring what the loop brought.
func (s *series) pagesArrived(ctx context.Context, want load.Counts) (load.Counts, error) {
	c, err := s.arrived(ctx, load.PathPages, want.Distinct)
	if err == nil && (c.Records != want.Records || c.Sum != want.Sum || c.Bytes != want.Bytes) {
		err = fmt.Errorf("the export brought %d records in %d bytes, the loop %d in %d, or others", c.Records, c.Bytes, want.Records, want.Bytes)
	}
	return c, err
}

// export measures a run that nothing disturbs, from its request to the last
// page's arrival.
func (s *series) export(ctx context.Context, run int, h *house, want load.Counts) (float64, error) {
	m, err := s.watch(h)
	if err != nil {
		return 0, err
	}
	_, began, err := s.startExport(ctx, h)
	if err != nil {
		return 0, err
	}
	c, err := s.pagesArrived(ctx, want)
	if err != nil {
		return 0, err
	}
	rate := report.PerSecond(int(c.Records), time.Unix(0, c.Last).Sub(began))
	s.put(run, exported, "/s", rate)
	if err := s.putPeak(run, h, 0); err != nil {
		return 0, err
	}
	_, err = s.costs(run, m, int(c.Records))
	return rate, err
}

const mebibyte = 1 << 20

// putPeak notes the most memory that the program has had, or another one before.
func (s *series) putPeak(run int, h *house, before int64) error {
	_, peak, err := machine.System.Memory(h.process.Pid())
	s.put(run, peakMemory, "MiB", float64(max(peak, before))/mebibyte)
	return err
}

// killedExport kills the program when half of the pages are built, and starts
// it again.
func (s *series) killedExport(ctx context.Context, h *house, want load.Counts) error {
	last := s.o.runs + 1
	s.step("an export that is killed")
	id, began, err := s.startExport(ctx, h)
	if err != nil {
		return err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var run struct{ Pages int }
		if err := h.call(ctx, http.MethodGet, "/v1/runs/"+id, nil, &run); err != nil {
			return err
		}
		if run.Pages >= want.Distinct/2 {
			break
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	_, peak, err := machine.System.Memory(h.process.Pid())
	if err != nil {
		return err
	}
	h.stop()
	if err := h.start(ctx); err != nil {
		return err
	}
	// The dead process still has the run's lease: nothing arrives until it ends.
	if _, err := s.receiver.Await(ctx, load.PathPages, want.Distinct, arrivalLimit); err != nil {
		return err
	}
	c, err := s.pagesArrived(ctx, want)
	if err != nil {
		return err
	}
	s.put(last, killedTime, "s", time.Unix(0, c.Last).Sub(began).Seconds())
	s.put(last, repeats, "", float64(c.Requests-c.Distinct))
	return s.putPeak(last, h, peak)
}
