package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Description is what a reader must know of the machine. It names no host.
type Description struct {
	Processor string // model and cores
	Memory    string
	Kernel    string
	Go        string
	Load      string // of the last 1, 5 and 15 minutes
}

// Describe looks at the machine as it is now. What it cannot find out is "?".
func (p Proc) Describe() Description {
	d := Description{Processor: "?", Memory: "?", Kernel: "?", Load: "?", Go: runtime.Version()}
	if model := p.field("cpuinfo", "model name"); model != "" {
		d.Processor = model
	}
	d.Processor = fmt.Sprintf("%s, %d cores (%s)", d.Processor, runtime.NumCPU(), runtime.GOARCH)
	if text, err := os.ReadFile(filepath.Join(string(p), "meminfo")); err == nil {
		if n, err := kilobytes(string(text), "MemTotal:"); err == nil {
			d.Memory = fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
		}
	}
	if text, err := os.ReadFile(filepath.Join(string(p), "sys/kernel/osrelease")); err == nil {
		d.Kernel = runtime.GOOS + " " + strings.TrimSpace(string(text))
	}
	if text, err := os.ReadFile(filepath.Join(string(p), "loadavg")); err == nil {
		if f := strings.Fields(string(text)); len(f) >= 3 {
			d.Load = strings.Join(f[:3], ", ")
		}
	}
	return d
}

// field finds a line such as "model name : …".
func (p Proc) field(file, name string) string {
	text, err := os.ReadFile(filepath.Join(string(p), file))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
