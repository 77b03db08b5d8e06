package testserver_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// helperEnv makes the test binary the helper of a test: it starts servers,
// tells their process ids and then waits to be killed.
const helperEnv = "CARTEIRO_TEST_SERVER_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		startAndWait()
		return
	}
	os.Exit(testserver.RunWithoutLeaks(m))
}

func query(t *testing.T, url, sql string, into ...any) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if into == nil {
		_, err = conn.Exec(t.Context(), sql)
		return err
	}
	return conn.QueryRow(t.Context(), sql).Scan(into...)
}

func TestPostgresGivesEachTestADatabase(t *testing.T) {
	first, second := testserver.Postgres(t), testserver.Postgres(t)
	if first == second {
		t.Fatalf("twice the same database: %s", first)
	}
	if err := query(t, first, "CREATE TABLE t (id int)"); err != nil {
		t.Fatal(err)
	}
	var found *string
	if err := query(t, second, "SELECT to_regclass('t')::text", &found); err != nil {
		t.Fatal(err)
	}
	if found != nil {
		t.Error("the second database has the table of the first")
	}
	var fsync, commit, sockets string
	err := query(
		t, first, "SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('unix_socket_directories')",
		&fsync, &commit, &sockets,
	)
	if err != nil {
		t.Fatal(err)
	}
	if fsync != "off" || commit != "on" || sockets != "" { // nobody cuts the power of the shared one
		t.Errorf("fsync %s, synchronous_commit %s, sockets %q; want off, on and none", fsync, commit, sockets)
	}
}

func TestPostgresDropsTheDatabaseAtTheEnd(t *testing.T) {
	var url string
	t.Run("uses one", func(t *testing.T) {
		url = testserver.Postgres(t)
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		// Left open: the drop must not wait for it.
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
	})
	if url == "" {
		t.Skip("no PostgreSQL on this machine")
	}
	if err := query(t, url, "SELECT 1"); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("connect after the test: %v, want that the database does not exist", err)
	}
}

func TestPostgresKeepsWhatItCommittedThroughAKill(t *testing.T) {
	server := testserver.PostgresOwn(t)
	url, err := server.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := query(t, url, "CREATE TABLE t AS SELECT 42 AS id"); err != nil {
		t.Fatal(err)
	}
	was := server.Pid()
	server.Kill()
	if err := query(t, url, "SELECT 1"); err == nil {
		t.Error("the server answers although it was killed")
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if server.Pid() == was {
		t.Errorf("pid %d after the restart too", was)
	}
	var id int
	if err := query(t, url, "SELECT id FROM t", &id); err != nil || id != 42 {
		t.Errorf("id %d, %v; want 42 from before the kill", id, err)
	}
}

// openDir is a temporary directory that the user who runs PostgreSQL can get
// to, unlike t.TempDir.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "carteiro-testserver-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestStartPostgresKeepsADirectoryThatIsGiven(t *testing.T) {
	dir := filepath.Join(openDir(t), "data")
	for _, sql := range []string{"CREATE TABLE t (id int)", "INSERT INTO t VALUES (1)"} {
		server, err := testserver.StartPostgres(t.Context(), dir)
		if errors.Is(err, testserver.ErrMissing) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := query(t, server.URL("postgres"), sql); err != nil {
			t.Error(err)
		}
		var fsync string // one of its own is as durable as PostgreSQL is by itself
		if err := query(t, server.URL("postgres"), "SELECT current_setting('fsync')", &fsync); err != nil || fsync != "on" {
			t.Errorf("fsync %s, %v", fsync, err)
		}
		server.Stop()
	}
}

func client(t *testing.T, s *testserver.RedisServer) *redis.Client {
	t.Helper()
	options, err := redis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	options.MaxRetries, options.DialerRetries = -1, 1
	options.ContextTimeoutEnabled = true
	c := redis.NewClient(options)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestRedisServersAreApart(t *testing.T) {
	first, second := testserver.Redis(t), testserver.Redis(t, testserver.Policy("allkeys-lru"))
	if err := client(t, first).Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := client(t, second).Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("second server: %v, want no such key", err)
	}
	for server, want := range map[*testserver.RedisServer]string{first: "noeviction", second: "allkeys-lru"} {
		got, err := client(t, server).ConfigGet(t.Context(), "maxmemory-policy").Result()
		if err != nil || got["maxmemory-policy"] != want {
			t.Errorf("policy %v, %v; want %s", got, err, want)
		}
	}
}

func TestServersTellTheirVersions(t *testing.T) {
	redis := testserver.Redis(t)
	number := regexp.MustCompile(`^[0-9]+(\.[0-9]+)+$`)
	if v, err := redis.Version(t.Context()); err != nil || !number.MatchString(v) {
		t.Errorf("Redis is %q, %v", v, err)
	}
	postgres := testserver.PostgresOwn(t)
	if v, err := postgres.Version(t.Context()); err != nil || !number.MatchString(v) {
		t.Errorf("PostgreSQL is %q, %v", v, err)
	}
}

func TestRedisFlushAll(t *testing.T) {
	server := testserver.Redis(t)
	c := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer c.Close()
	for _, err := range []error{c.Set(t.Context(), "k", "v", 0).Err(), server.FlushAll(t.Context())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.DBSize(t.Context()).Result(); err != nil || n != 0 {
		t.Errorf("%d keys, %v", n, err)
	}
}

func TestRedisWantsItsPassword(t *testing.T) {
	server := testserver.Redis(t, testserver.Password(`p w"@/é`))
	if err := client(t, server).Ping(t.Context()).Err(); err != nil {
		t.Errorf("with the password of the URL: %v", err)
	}
	without := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer without.Close()
	if err := without.Ping(t.Context()).Err(); err == nil || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password: %v, want NOAUTH", err)
	}
}

func TestRedisKillAndRestart(t *testing.T) {
	for _, tc := range []struct {
		name string
		opts []testserver.RedisOption
		wipe bool
		want error // of reading the key again
	}{
		{"with its data", []testserver.RedisOption{testserver.AppendOnly()}, false, nil},
		{"data wiped", []testserver.RedisOption{testserver.AppendOnly()}, true, redis.Nil},
		{"nothing on disk", nil, false, redis.Nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := testserver.Redis(t, tc.opts...)
			c := client(t, server)
			if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
				t.Fatal(err)
			}
			if server.Wipe() == nil {
				t.Error("a running server was wiped")
			}
			server.Kill()
			if err := c.Ping(t.Context()).Err(); err == nil {
				t.Error("the server answers although it was killed")
			}
			if tc.wipe {
				if err := server.Wipe(); err != nil {
					t.Fatal(err)
				}
			}
			if err := server.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := c.Get(t.Context(), "k").Err(); !errors.Is(err, tc.want) {
				t.Errorf("key after the restart: %v, want %v", err, tc.want)
			}
		})
	}
}

func TestRedisPauseAndResume(t *testing.T) {
	server := testserver.Redis(t)
	c := client(t, server)
	if err := server.Pause(); errors.Is(err, errors.ErrUnsupported) {
		t.Skip("this system cannot pause a process")
	} else if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("a paused server answers")
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()).Err(); err != nil {
		t.Errorf("after the pause: %v", err)
	}
}

func TestStartRedisTellsWhyItCannot(t *testing.T) {
	server, err := testserver.StartRedis(t.Context(), testserver.Directive("no-such-directive", "1"))
	if errors.Is(err, testserver.ErrMissing) {
		t.Skip(err)
	}
	if err == nil {
		server.Stop()
		t.Fatal("started with a wrong configuration")
	}
	if !strings.Contains(err.Error(), "no-such-directive") {
		t.Errorf("error %q does not quote the server", err)
	}
}

func BenchmarkAServerInABenchmark(b *testing.B) {
	server := testserver.Redis(b)
	c := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer c.Close()
	for b.Loop() {
		if err := c.Ping(b.Context()).Err(); err != nil {
			b.Fatal(err)
		}
	}
}

// startAndWait is the helper's whole life.
func startAndWait() {
	ctx := context.Background()
	var pids []string
	redis, err := testserver.StartRedis(ctx)
	if err == nil {
		pids = append(pids, strconv.Itoa(redis.Pid()))
	}
	postgres, err := testserver.StartPostgres(ctx, os.Getenv(helperEnv))
	if err == nil {
		pids = append(pids, strconv.Itoa(postgres.Pid()))
	}
	fmt.Println(strings.Join(pids, " "))
	<-ctx.Done() // never: the test kills us
}

// helper runs this binary as the helper; what it needs is in the environment.
func helper(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestRedisServersAreApart$", "-test.v")
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

func TestWithoutTheProgramsTestsAreSkippedOrFail(t *testing.T) {
	empty := "PATH=" + t.TempDir()
	out, err := helper(t, empty, "CARTEIRO_TEST_SERVERS=").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- SKIP") || !strings.Contains(string(out), "redis-server") {
		t.Errorf("not required: %v; want a skip that names the program:\n%s", err, out)
	}
	out, err = helper(t, empty, "CARTEIRO_TEST_SERVERS=required").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--- FAIL") || !strings.Contains(string(out), "redis-server") {
		t.Errorf("required: %v; want a failure that names the program:\n%s", err, out)
	}
}
