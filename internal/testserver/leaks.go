package testserver

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// leaksPatience is how long goroutines have to end. goleak itself waits less
// than half a second: on a busy machine, a connection that is being closed takes
// longer.
const leaksPatience = 30 * time.Second

// Leaks waits until no goroutine is left but those of the options; the error
// tells which ones are.
func Leaks(options ...goleak.Option) error {
	for late := time.Now().Add(leaksPatience); ; {
		err := goleak.Find(options...)
		if err == nil || time.Now().After(late) {
			return err
		}
	}
}

// RunWithoutLeaks is [Run] for a TestMain that also fails when goroutines are
// left after the tests.
func RunWithoutLeaks(m *testing.M) int {
	code := Run(m)
	if code != 0 {
		return code
	}
	if err := Leaks(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines are left after the tests:", err)
		return 1
	}
	return 0
}
