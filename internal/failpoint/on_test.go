//go:build failpoints

package failpoint

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	p, err := parse("acknowledged:5:sleep=50s")
	if err != nil || p.point != Acknowledged || p.at != 5 || p.sleep != 50*time.Second {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := parse("claimed"); err != nil || p.at != 1 || p.sleep != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, wrong := range []string{"nowhere", "claimed:", "claimed:0", "claimed:x", "claimed:1:", "claimed:1:sleep", "claimed:1:sleep=-1s", "claimed:1:nap=1s"} {
		if _, err := parse(wrong); err == nil {
			t.Errorf("%q was read", wrong)
		}
	}
}

// TestDies: the third time, and with a mark.
func TestDies(t *testing.T) {
	if os.Getenv(Env) != "" {
		for i := range 3 {
			Hit(HintSent)
			Hit(Claimed)
			if i == 1 {
				if _, err := os.Stat(os.Getenv(EnvMark)); err == nil {
					os.Exit(3) // too early
				}
			}
		}
		os.Exit(4) // too late
	}
	mark := filepath.Join(t.TempDir(), "mark")
	cmd := exec.Command(os.Args[0], "-test.run=^TestDies$")
	cmd.Env = append(os.Environ(), Env+"=claimed:3", EnvMark+"="+mark)
	if err := cmd.Run(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process ended with %v", err)
	}
	if text, err := os.ReadFile(mark); err != nil || string(text) != string(Claimed) {
		t.Errorf("the mark is %q, %v", text, err)
	}
}
