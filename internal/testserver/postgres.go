package testserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

const (
	superuser  = "carteiro"
	startTries = 5 // another process may take the port that was free
)

// PostgresServer is a PostgreSQL server with its usual durability: what it
// commits, it keeps through a Kill.
type PostgresServer struct {
	process *process
	dir     string // data directory
	ours    bool   // the directory is removed at the end
	port    int

	settings []string // such as "fsync=off"
}

// StartPostgres starts a server in a data directory, which is made when it
// does not exist and kept; "" means a temporary one. Settings are those of
// postgresql.conf, such as "fsync=off". The caller ends it with Stop.
func StartPostgres(ctx context.Context, dir string, settings ...string) (*PostgresServer, error) {
	s := &PostgresServer{dir: dir, settings: settings}
	if dir == "" {
		made, err := os.MkdirTemp("", "carteiro-postgres-")
		if err != nil {
			return nil, err
		}
		s.dir, s.ours = made, true
	}
	dir, err := filepath.Abs(s.dir)
	if err == nil {
		s.dir = dir
		err = s.prepare(ctx)
	}
	for range startTries {
		if err != nil {
			break
		}
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(ctx); err == nil {
			return s, nil
		}
		if !strings.Contains(lastLines(s.log()), "could not bind") {
			break
		}
		err = nil
	}
	s.remove()
	return nil, fmt.Errorf("start PostgreSQL: %w", errOr(err, errors.New("every port was taken by another process")))
}

// prepare makes the data directory.
func (s *PostgresServer) prepare(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.dir, "PG_VERSION")); err == nil {
		return nil
	}
	// With a language's own order of letters, a query that forgets to ask for
	// the order of bytes is found out. Servers without ICU cannot do that.
	err := s.initdb(ctx, "--locale-provider=icu", "--icu-locale=en-US")
	if err != nil && !errors.Is(err, ErrMissing) {
		return s.initdb(ctx)
	}
	return err
}

func (s *PostgresServer) initdb(ctx context.Context, more ...string) error {
	path, err := postgresProgram("initdb")
	if err != nil {
		return err
	}
	args := append([]string{
		"--pgdata", s.dir, "--username", superuser, "--auth", "trust",
		"--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
	}, more...)
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = s.dir
	if err := asServant(cmd, s.dir); err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return nil
}

// start runs the server on its port and waits until it answers.
func (s *PostgresServer) start(ctx context.Context) error {
	path, err := postgresProgram("postgres")
	if err != nil {
		return err
	}
	args := []string{
		"-D", s.dir, "-p", strconv.Itoa(s.port), "-h", "127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=200",
	}
	for _, setting := range s.settings {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	if err := asServant(cmd, s.dir); err != nil {
		return err
	}
	// SIGQUIT: unlike SIGKILL it leaves no shared memory behind.
	process, err := launch(cmd, s.log(), syscall.SIGQUIT)
	if err != nil {
		return err
	}
	s.process = process
	if err := s.process.ready(ctx, s.isOurs); err != nil {
		s.process.kill()
		return fmt.Errorf("%w\n%s", err, lastLines(s.log()))
	}
	return nil
}

// isOurs connects, and makes sure that it is this server which answers and
// not one that took the port before.
func (s *PostgresServer) isOurs(ctx context.Context) error {
	var dir string
	err := s.query(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SHOW data_directory").Scan(&dir)
	})
	if err == nil && dir != s.dir {
		return fmt.Errorf("port %d belongs to a server in %s", s.port, dir)
	}
	return err
}

// query runs something in a connection of its own.
func (s *PostgresServer) query(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return do(conn)
}

// URL is where a database of the server is.
func (s *PostgresServer) URL(database string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", superuser, s.Addr(), database)
}

// Addr is the server's host and port.
func (s *PostgresServer) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// Pid is the process id of the running server.
func (s *PostgresServer) Pid() int { return s.process.pid() }

// CreateDatabase makes an empty database with a name of its own and returns
// its URL.
func (s *PostgresServer) CreateDatabase(ctx context.Context) (url string, err error) {
	name := "test_" + strings.ToLower(rand.Text())
	err = s.query(ctx, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, "CREATE DATABASE "+name)
		return err
	})
	return s.URL(name), err
}

// DropDatabase removes a database that CreateDatabase made, and cuts off
// whoever is still connected to it.
func (s *PostgresServer) DropDatabase(ctx context.Context, url string) error {
	parsed, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	return s.query(ctx, func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, "DROP DATABASE "+pgx.Identifier{parsed.Database}.Sanitize()+" WITH (FORCE)")
		return err
	})
}

// Version is the server's own, such as 15.8.
func (s *PostgresServer) Version(ctx context.Context) (version string, err error) {
	err = s.query(ctx, func(c *pgx.Conn) error {
		return c.QueryRow(ctx, "SHOW server_version").Scan(&version)
	})
	version, _, _ = strings.Cut(version, " ") // a distribution adds its own
	return version, err
}

// Kill ends the server in the middle of everything, without a checkpoint: an
// immediate shutdown. After a SIGKILL of the postmaster open sessions would go
// on answering for a moment, for each is a process of its own.
func (s *PostgresServer) Kill() { s.process.end(syscall.SIGQUIT) }

// Restart starts the server again, on the same port and with the same data,
// after Kill; a running one is stopped before.
func (s *PostgresServer) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	s.process.end(syscall.SIGQUIT)
	for {
		err := s.start(ctx)
		// After a SIGKILL the children take a moment to notice, and hold the
		// shared memory until then.
		if err == nil || ctx.Err() != nil || !strings.Contains(lastLines(s.log()), "still in use") {
			return err
		}
	}
}

// Pause stops the server in its tracks: connections stay open and nothing
// answers. Resume lets it go on. Sessions that are open go on answering, for
// each is a process of its own.
func (s *PostgresServer) Pause() error { return pause(s.process.cmd.Process) }

// Resume ends a Pause.
func (s *PostgresServer) Resume() error { return resume(s.process.cmd.Process) }

// Stop ends the server and removes a directory that StartPostgres made.
func (s *PostgresServer) Stop() {
	_ = s.Resume() // a paused process would not hear the signal
	s.process.end(syscall.SIGQUIT)
	s.remove()
}

func (s *PostgresServer) remove() {
	if s.ours {
		_ = os.RemoveAll(s.dir)
	}
}

func (s *PostgresServer) log() string { return filepath.Join(s.dir, "server.log") }
