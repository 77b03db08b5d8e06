package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Proc is the directory in which the kernel shows its processes.
type Proc string

// System is that of this machine.
const System Proc = "/proc"

// tick is the kernel's unit of processor time: USER_HZ is 100 on every
// architecture that Go runs on.
const tick = 10 * time.Millisecond

// usage is a line of /proc/PID/stat.
type usage struct {
	parent int
	self   time.Duration // of its own threads
	reaped time.Duration // of its children that have ended
}

func (p Proc) usage(pid int) (u usage, err error) {
	text, err := os.ReadFile(filepath.Join(string(p), strconv.Itoa(pid), "stat"))
	if err != nil {
		return u, err
	}
	// The name of the program, in parentheses, may hold anything.
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	const parent, utime, stime, cutime, cstime = 1, 11, 12, 13, 14 // proc_pid_stat(5), counted from the state
	if end < 0 || len(fields) <= cstime {
		return u, fmt.Errorf("process %d: its stat has %d fields", pid, len(fields))
	}
	var n [5]int
	for i, field := range []int{parent, utime, stime, cutime, cstime} {
		if n[i], err = strconv.Atoi(fields[field]); err != nil {
			return u, fmt.Errorf("process %d: %w", pid, err)
		}
	}
	return usage{parent: n[0], self: tick * time.Duration(n[1]+n[2]), reaped: tick * time.Duration(n[3]+n[4])}, nil
}

// CPU is the processor time of a process and of everything that it started,
// what has ended included.
func (p Proc) CPU(pid int) (time.Duration, error) {
	all, err := p.processes()
	if err != nil {
		return 0, err
	}
	root, ok := all[pid]
	if !ok {
		return 0, fmt.Errorf("there is no process %d", pid)
	}
	sum := root.self + root.reaped
	for other, u := range all {
		if other != pid && descends(all, other, pid) {
			sum += u.self + u.reaped
		}
	}
	return sum, nil
}

// Own is the processor time of one process, without what it started.
func (p Proc) Own(pid int) (time.Duration, error) {
	u, err := p.usage(pid)
	return u.self, err
}

func (p Proc) processes() (map[int]usage, error) {
	entries, err := os.ReadDir(string(p))
	if err != nil {
		return nil, err
	}
	all := map[int]usage{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if u, err := p.usage(pid); err == nil { // it may have ended since
			all[pid] = u
		}
	}
	return all, nil
}

func descends(all map[int]usage, pid, from int) bool {
	for range len(all) {
		u, ok := all[pid]
		if !ok {
			return false
		}
		if pid = u.parent; pid == from {
			return true
		}
	}
	return false
}

// Memory is the resident memory of a process in bytes, now and at most.
func (p Proc) Memory(pid int) (now, peak int64, err error) {
	text, err := os.ReadFile(filepath.Join(string(p), strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, 0, err
	}
	if now, err = kilobytes(string(text), "VmRSS:"); err == nil {
		peak, err = kilobytes(string(text), "VmHWM:")
	}
	return now, peak, err
}

// kilobytes finds a line such as "VmRSS:  1234 kB".
func kilobytes(text, name string) (int64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n << 10, err
		}
	}
	return 0, fmt.Errorf("the kernel does not tell %s", name)
}

// Busy is the processor time that the whole machine has spent since its start,
// on all processors together, what a host took away included.
func (p Proc) Busy() (time.Duration, error) {
	text, err := os.ReadFile(filepath.Join(string(p), "stat"))
	if err != nil {
		return 0, err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first)
	// user nice system idle iowait irq softirq steal; guests are in user already.
	const idle, iowait, steal = 4, 5, 8
	if len(fields) <= steal || fields[0] != "cpu" {
		return 0, fmt.Errorf("/proc/stat begins with %q", first)
	}
	sum := time.Duration(0)
	for i := 1; i <= steal; i++ {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/stat: %w", err)
		}
		if i != idle && i != iowait {
			sum += tick * time.Duration(n)
		}
	}
	return sum, nil
}
