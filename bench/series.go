package main

import (
	"context"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/load"
	"github.com/carteiro-webhooks/carteiro/bench/machine"
	"github.com/carteiro-webhooks/carteiro/bench/report"
)

// series is the runs of one case on one back end.
type series struct {
	*lab
	row      report.Row
	receiver *load.Receiver
	load     *load.Load
	houses   []*house
}

// eventSize is the data of every event, in bytes.
const eventSize = 1024

func (s *series) close() {
	for _, h := range s.houses {
		h.remove()
	}
	if s.load != nil && s.load.Process != nil {
		s.load.Kill()
	}
	if s.receiver != nil {
		s.receiver.Kill()
	}
}

// each does something for each run.
func (s *series) each(ctx context.Context, do func(ctx context.Context, run int) error) error {
	for run := 1; run <= s.o.runs; run++ {
		s.step("run %d of %d", run, s.o.runs)
		if err := do(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// step writes a line of progress.
func (s *series) step(format string, args ...any) {
	s.say("%s %s: %s", s.row.Case, s.row.Backend, fmt.Sprintf(format, args...))
}

// put notes a figure of a run.
func (s *series) put(run int, name, unit string, value float64) {
	s.report.Add(report.Figure{Case: s.row.Case, Backend: s.row.Backend, Name: name, Unit: unit, Run: run, Value: value})
}

// count is a number of events or records at the scale that was asked for.
func (s *series) count(n, least int) int { return max(least, int(float64(n)*s.o.scale)) }

// span is a time at that scale; a longer one than planned tells nothing more.
func (s *series) span(d, least time.Duration) time.Duration {
	return max(least, time.Duration(float64(d)*min(1, s.o.scale)))
}

// arrivalLimit is how long nothing may arrive before a run is given up.
const arrivalLimit = 30 * time.Second

// arrived waits until as many ids have come to the paths of a prefix. It fails
// when they stop coming.
func (s *series) arrived(ctx context.Context, prefix string, want int) (load.Counts, error) {
	had := -1
	for {
		c, err := s.receiver.Await(ctx, prefix, want, arrivalLimit)
		if err != nil || c.Distinct >= want {
			return c, err
		}
		if c.Distinct == had {
			return c, fmt.Errorf("%d of %d arrived, and then none within %s", c.Distinct, want, arrivalLimit)
		}
		had = c.Distinct
	}
}

// post posts, and fails when one was not answered as it should be.
func (s *series) post(ctx context.Context, p load.Posts) (load.Posted, error) {
	p.Size = eventSize
	posted, err := s.load.Post(ctx, p)
	if err == nil && posted.Failed > 0 {
		err = fmt.Errorf("%d of %d requests failed; the first: %s", posted.Failed, p.Count, posted.Error)
	}
	return posted, err
}

// Kinds of processes whose processor time is told apart.
const (
	partProgram  = "program"
	partPostgres = "PostgreSQL"
	partRedis    = "Redis"
	partReceiver = "receiver"
	partLoad     = "load"

	// partsOfOurs is what an installation of Carteiro costs: the first three.
	partsOfOurs = "program, PostgreSQL and Redis"
)

// watch begins to measure the processes.
func (s *series) watch(h *house) (*machine.Meter, error) {
	parts := []machine.Part{{Name: partProgram, Pid: h.process.Pid()}}
	if s.row.Backend == server {
		parts = append(parts, machine.Part{Name: partPostgres, Pid: s.pg.Pid()}, machine.Part{Name: partRedis, Pid: s.redis.Pid()})
	}
	parts = append(parts, machine.Part{Name: partReceiver, Pid: s.receiver.Pid()}, machine.Part{Name: partLoad, Pid: s.load.Pid()})
	return machine.System.Watch(parts...)
}

// costs notes what each kind of process took for each delivery, and returns
// what Carteiro took, in µs.
func (s *series) costs(run int, m *machine.Meter, deliveries int) (float64, error) {
	u, err := m.Stop()
	if err != nil {
		return 0, err
	}
	each := func(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) / float64(deliveries) }
	ours := each(u.CPU[partProgram] + u.CPU[partPostgres] + u.CPU[partRedis])
	s.put(run, report.CostPrefix+partsOfOurs, "µs", ours)
	for _, part := range []string{partProgram, partPostgres, partRedis, partReceiver, partLoad} {
		if used, ok := u.CPU[part]; ok {
			s.put(run, report.CostPrefix+part, "µs", each(used))
		}
	}
	s.put(run, report.Others, "%", 100*u.Others)
	return ours, nil
}
