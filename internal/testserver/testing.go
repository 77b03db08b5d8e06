package testserver

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
)

// requireEnv makes a missing server a failure when it is "required".
const requireEnv = "CARTEIRO_TEST_SERVERS"

// shared is the server of [Postgres]. It is the one package variable of the
// house that changes: starting a server takes a second, a test binary has
// hundreds of tests, and a test has no other way to reach what is common to
// them.
var shared sharedPostgres

type sharedPostgres struct {
	mu     sync.Mutex
	server *PostgresServer
	err    error // why it could not start; not tried again
}

func (s *sharedPostgres) get() (*PostgresServer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == nil && s.err == nil {
		// Nobody cuts its power, and its data are gone with the tests: waiting
		// for the disk at each commit would only make them slow.
		s.server, s.err = StartPostgres(context.Background(), "", "fsync=off")
	}
	return s.server, s.err
}

func (s *sharedPostgres) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil {
		s.server.Stop()
		s.server = nil
	}
}

// Run is the TestMain of a package that uses [Postgres]: it runs the tests,
// ends the shared server and returns the exit code.
func Run(m *testing.M) int {
	defer shared.stop()
	return m.Run()
}

// Postgres returns the URL of a new, empty database, which is dropped at the
// end of the test. All databases are on one server, which lives until [Run]
// ends it.
func Postgres(tb testing.TB) (url string) {
	tb.Helper()
	server, err := shared.get()
	need(tb, err)
	url, err = server.CreateDatabase(context.Background())
	need(tb, err)
	tb.Cleanup(func() {
		if err := server.DropDatabase(context.Background(), url); err != nil {
			tb.Errorf("drop the test's database: %v", err)
		}
	})
	return url
}

// PostgresOwn returns a server for this test alone, which it may kill.
func PostgresOwn(tb testing.TB) *PostgresServer {
	tb.Helper()
	server, err := StartPostgres(context.Background(), "")
	need(tb, err)
	tb.Cleanup(server.Stop)
	return server
}

// Redis returns a server for this test alone, which ends with the test.
func Redis(tb testing.TB, opts ...RedisOption) *RedisServer {
	tb.Helper()
	server, err := StartRedis(context.Background(), opts...)
	need(tb, err)
	tb.Cleanup(server.Stop)
	return server
}

// need skips the test when the machine cannot run a server and nobody
// requires it to; any other error fails the test.
func need(tb testing.TB, err error) {
	tb.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv(requireEnv) != "required":
		tb.Skipf("%v (set %s=required to make this a failure)", err, requireEnv)
	default:
		tb.Fatal(err)
	}
}
