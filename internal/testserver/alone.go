package testserver

import (
	"fmt"
	"net"
	"os"
	"testing"
)

// aloneEnv is set in the process that has no network but its own loopback.
const aloneEnv = "CARTEIRO_TEST_ALONE"

// Alone runs the tests of this binary once more, in a process that has no
// network but a loopback of its own: a test of what must not be dialled reaches
// nothing, even where the refusal that it tests has gone. A TestMain begins with
//
//	if code, ran := testserver.Alone(); ran {
//		os.Exit(code)
//	}
//
// Where the system cannot do that, ran is false, and [NeedAlone] skips or fails.
func Alone() (code int, ran bool) {
	if os.Getenv(aloneEnv) != "" {
		if err := loopbackUp(); err != nil {
			fmt.Fprintln(os.Stderr, "the loopback of the tests' own network:", err)
			return 1, true
		}
		return 0, false
	}
	code, err := runAlone(append(os.Environ(), aloneEnv+"=1"))
	return code, err == nil
}

// NeedAlone skips a test that might dial a forbidden address, where [Alone]
// could not see to it that nothing is reached. It fails instead where nothing
// may be skipped.
func NeedAlone(tb testing.TB) {
	tb.Helper()
	const missing = "tries addresses that must not be dialled, and this system cannot give it a network of its own: a container needs CAP_SYS_ADMIN or user namespaces"
	switch {
	case os.Getenv(aloneEnv) != "":
	case os.Getenv(requireEnv) == "required":
		tb.Fatal(missing)
	default:
		tb.Skip(missing)
	}
	cards, err := net.Interfaces()
	if err != nil || len(cards) != 1 || cards[0].Flags&net.FlagLoopback == 0 || cards[0].Flags&net.FlagUp == 0 {
		tb.Fatalf("not alone: the network has %v, %v", cards, err)
	}
}
