package child

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
	"time"
)

// asChild makes the test binary wait for the end of its input.
const asChild = "CARTEIRO_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		_, _ = os.Stdout.WriteString("here\n")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestStartAndKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asChild+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 5)
	if _, err := out.Read(line); err != nil || !bytes.Equal(line, []byte("here\n")) {
		t.Fatalf("%q, %v", line, err)
	}
	select {
	case <-p.Done():
		t.Fatalf("it ended by itself: %v", p.Err())
	default:
	}
	if p.Pid() == os.Getpid() {
		t.Error("the child is ourselves")
	}
	p.Kill()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("Kill came back before the end")
	}
	if p.Err() == nil {
		t.Error("it was not killed")
	}
	p.Kill() // once more does no harm
}

func TestStartTellsWhyNot(t *testing.T) {
	if _, err := Start(exec.Command("/no/such/program")); err == nil {
		t.Error("started a program that is not there")
	}
}
