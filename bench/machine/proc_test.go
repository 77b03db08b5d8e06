package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// fake is a /proc of our own.
func fake(t *testing.T, files map[string]string) Proc {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Proc(dir)
}

// stat is a line of /proc/PID/stat with times in ticks.
func stat(name string, parent, utime, stime, cutime, cstime int) string {
	return fmt.Sprintf("1 (%s) S %d 1 1 0 -1 4194560 1 2 3 4 %d %d %d %d 20 0 1 0 0 0 0", name, parent, utime, stime, cutime, cstime)
}

func TestCPUOfATree(t *testing.T) {
	p := fake(t, map[string]string{
		"10/stat":   stat("postgres", 1, 100, 20, 5, 5),
		"11/stat":   stat("a) S 99 (b", 10, 7, 3, 0, 0), // a name that looks like fields
		"12/stat":   stat("grandchild", 11, 1, 1, 0, 1),
		"20/stat":   stat("other", 1, 999, 999, 999, 999),
		"30/stat":   "30 (short) S 1",
		"self/x":    "",
		"meminfo":   "MemTotal:        2097152 kB\n",
		"stat":      "cpu  10 1 20 500 50 3 4 7 9 9\ncpu0 1\n",
		"cpuinfo":   "processor\t: 0\nmodel name\t: Made Up 3000\n",
		"loadavg":   "0.10 0.20 0.30 1/200 4242\n",
		"12/status": "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n",
		"20/status": "Name:\tx\n",
	})
	if got, err := p.CPU(10); err != nil || got != 1430*time.Millisecond {
		t.Errorf("the tree took %s, %v; want 1.43s", got, err)
	}
	if got, err := p.Own(10); err != nil || got != 1200*time.Millisecond {
		t.Errorf("the process alone took %s, %v; want 1.2s", got, err)
	}
	if got, err := p.CPU(13); err == nil {
		t.Errorf("a process that is not there took %s", got)
	}
	if got, err := p.Own(30); err == nil {
		t.Errorf("half a line says %s", got)
	}
	if got, err := p.Busy(); err != nil || got != 450*time.Millisecond {
		t.Errorf("the machine was busy for %s, %v; want 450ms, idle and guests not counted", got, err)
	}
	if now, peak, err := p.Memory(12); err != nil || now != 1<<20 || peak != 2<<20 {
		t.Errorf("memory is %d and %d, %v", now, peak, err)
	}
	if _, _, err := p.Memory(20); err == nil {
		t.Error("a process without memory has some")
	}
	d := p.Describe()
	if !strings.HasPrefix(d.Processor, "Made Up 3000, ") || d.Memory != "2.0 GiB" || d.Load != "0.10, 0.20, 0.30" || d.Kernel != "?" {
		t.Errorf("described as %+v", d)
	}
}

// TestWatchThisProcess burns processor time and finds it again.
func TestWatchThisProcess(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	if d := System.Describe(); strings.Contains(fmt.Sprint(d), "?") {
		t.Errorf("described as %+v", d)
	}
	m, err := System.Watch(Part{"us", os.Getpid()})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for started, _ := System.Own(os.Getpid()); ; {
		for i := range 1_000_000 {
			sum += i % 7
		}
		if now, err := System.Own(os.Getpid()); err != nil || now-started >= 5*tick {
			break
		}
	}
	u, err := m.Stop()
	if err != nil || u.CPU["us"] < 5*tick || u.Wall <= 0 || u.Others < 0 || u.Others > 1 {
		t.Errorf("%s: %+v, %v", strconv.Itoa(sum), u, err)
	}
	if _, err := System.Watch(Part{"nobody", -1}); err == nil {
		t.Error("a process that is not there is watched")
	}
}
