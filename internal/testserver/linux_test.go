package testserver_test

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// running tells whether a process is there and not only a dead entry that its
// new parent has yet to collect.
func running(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(after, "Z")
}

func TestNothingOutlivesAProcessThatIsKilled(t *testing.T) {
	dir := openDir(t)
	cmd := helper(t, helperEnv+"="+filepath.Join(dir, "postgres"), "TMPDIR="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for field := range strings.FieldsSeq(line) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		if !running(pid) {
			t.Errorf("server %d does not run", pid)
		}
		pids = append(pids, pid)
	}
	if len(pids) == 0 {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Skip("no servers on this machine")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed: that is its error
	limit := time.After(30 * time.Second)
	for tick := time.NewTicker(10 * time.Millisecond); len(pids) > 0; {
		select {
		case <-limit:
			t.Fatalf("servers %v run although the process that started them was killed", pids)
		case <-tick.C:
			if !running(pids[0]) {
				pids = pids[1:]
			}
		}
	}
}
