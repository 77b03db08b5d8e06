package machine

import (
	"os"
	"runtime"
	"time"
)

// Part is a kind of process that is watched.
type Part struct {
	Name string
	Pid  int
}

// Meter watches some processes from [Proc.Watch] on.
type Meter struct {
	proc  Proc
	parts []Part
	start reading
}

type reading struct {
	at   time.Time
	busy time.Duration
	own  time.Duration // of this process alone
	cpu  []time.Duration
}

// Usage is what happened while a meter ran.
type Usage struct {
	Wall   time.Duration
	CPU    map[string]time.Duration // by Part.Name, their children included
	Others float64                  // share of the whole machine that other work took, from 0 to 1
}

// Watch begins to measure.
func (p Proc) Watch(parts ...Part) (*Meter, error) {
	m := &Meter{proc: p, parts: parts}
	var err error
	m.start, err = m.read()
	return m, err
}

// Stop ends the measurement. Every part must still run.
func (m *Meter) Stop() (Usage, error) {
	end, err := m.read()
	u := Usage{Wall: end.at.Sub(m.start.at), CPU: map[string]time.Duration{}}
	if err != nil {
		return u, err
	}
	ours := end.own - m.start.own
	for i, part := range m.parts {
		u.CPU[part.Name] += end.cpu[i] - m.start.cpu[i]
		ours += end.cpu[i] - m.start.cpu[i]
	}
	if whole := u.Wall * time.Duration(runtime.NumCPU()); whole > 0 {
		u.Others = min(1, max(0, float64(end.busy-m.start.busy-ours)/float64(whole)))
	}
	return u, nil
}

func (m *Meter) read() (r reading, err error) {
	r.at = time.Now()
	if r.busy, err = m.proc.Busy(); err != nil {
		return r, err
	}
	if r.own, err = m.proc.Own(os.Getpid()); err != nil {
		return r, err
	}
	for _, part := range m.parts {
		used, err := m.proc.CPU(part.Pid)
		if err != nil {
			return r, err
		}
		r.cpu = append(r.cpu, used)
	}
	return r, nil
}
