package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// exposed is the most that systemd may find open in the unit, of 10.
const exposed = 1.5

// TestSystemdReadsTheUnit: systemd understands each line, also with the
// credentials that docs/install.md adds, and finds it closed.
func TestSystemdReadsTheUnit(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CARTEIRO_TEST_SERVERS") == "required" {
			t.Fatal("systemd-analyze is not here; it comes with the package systemd")
		}
		t.Skip("systemd-analyze is not here; it comes with the package systemd")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unit := filepath.Join(dir, "carteiro.service")
	write := func(more string) {
		t.Helper()
		text := strings.ReplaceAll(readRoot(t, "deploy/systemd/carteiro.service"), "/usr/local/bin/carteiro", self) + more
		if err := os.WriteFile(unit, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	verify := func() string {
		out, err := exec.Command(tool, "verify", "--man=no", unit).CombinedOutput()
		if err != nil && len(out) == 0 {
			return err.Error()
		}
		return string(out)
	}
	write("\n[Service]\nUnheardOf=yes\n")
	if !strings.Contains(verify(), "UnheardOf") {
		t.Error("systemd passes over what it does not know: this test sees nothing")
	}
	dropIn := regexp.MustCompile("(?s)```ini\n(.*?)```").FindStringSubmatch(readRoot(t, "docs/install.md"))
	if dropIn == nil || !strings.Contains(dropIn[1], "LoadCredential=") {
		t.Fatal("docs/install.md has no drop-in with credentials")
	}
	for _, more := range []string{"", "\n" + dropIn[1]} {
		write(more)
		if out := verify(); out != "" {
			t.Error(out)
		}
	}
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", unit).CombinedOutput()
	found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
	if found == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if level, err := strconv.ParseFloat(string(found[1]), 64); err != nil || level > exposed {
		t.Errorf("systemd finds the unit open: %s, want at most %.1f; systemd-analyze security tells what", found[1], exposed)
	}
}
