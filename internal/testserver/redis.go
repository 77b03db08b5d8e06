package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// RedisServer is a Redis server. Unless the options say otherwise it keeps
// nothing on disk and evicts nothing.
type RedisServer struct {
	process  *process
	dir      string
	config   []directive
	password string
	port     int
}

// directive is a line of redis.conf.
type directive struct{ name, value string }

// RedisOption changes the configuration of a Redis server.
type RedisOption func(*RedisServer)

// AppendOnly makes Redis write each command to disk before it answers, so
// that its data is there again after Kill and Restart.
func AppendOnly() RedisOption {
	return func(s *RedisServer) {
		s.set("appendonly", "yes")
		s.set("appendfsync", "always")
	}
}

// Policy sets the maxmemory-policy instead of noeviction.
func Policy(policy string) RedisOption { return Directive("maxmemory-policy", policy) }

// Password makes Redis want a password, which is then in the URL.
func Password(password string) RedisOption {
	return func(s *RedisServer) {
		s.password = password
		s.set("requirepass", strconv.Quote(password))
	}
}

// Directive sets any line of redis.conf, the value in the form of that file.
func Directive(name, value string) RedisOption {
	return func(s *RedisServer) { s.set(name, value) }
}

// StartRedis starts a server with its files in a temporary directory. The
// caller ends it with Stop.
func StartRedis(ctx context.Context, opts ...RedisOption) (*RedisServer, error) {
	dir, err := os.MkdirTemp("", "carteiro-redis-")
	if err != nil {
		return nil, err
	}
	s := &RedisServer{dir: dir, config: []directive{
		{"bind", "127.0.0.1"},
		{"dir", strconv.Quote(dir)},
		{"save", `""`},
		{"appendonly", "no"},
		{"maxmemory-policy", "noeviction"},
	}}
	for _, opt := range opts {
		opt(s)
	}
	for range startTries {
		if s.port, err = freePort(); err != nil {
			break
		}
		if err = s.start(ctx); err == nil {
			return s, nil
		}
		if !strings.Contains(lastLines(s.log()), "Address already in use") {
			break
		}
	}
	_ = os.RemoveAll(dir)
	return nil, fmt.Errorf("start Redis: %w", err)
}

// set replaces a line of the configuration, or adds one.
func (s *RedisServer) set(name, value string) {
	for i := range s.config {
		if s.config[i].name == name {
			s.config[i].value = value
			return
		}
	}
	s.config = append(s.config, directive{name, value})
}

// directive returns a line of the configuration.
func (s *RedisServer) directive(name string) string {
	for _, d := range s.config {
		if d.name == name {
			return d.value
		}
	}
	return ""
}

// start runs the server on its port and waits until it answers.
func (s *RedisServer) start(ctx context.Context) error {
	path, err := program("redis-server")
	if err != nil {
		return err
	}
	// A file, because others can read a password on the command line.
	var text strings.Builder
	for _, d := range s.config {
		fmt.Fprintf(&text, "%s %s\n", d.name, d.value)
	}
	fmt.Fprintf(&text, "port %d\n", s.port)
	file := filepath.Join(s.dir, "redis.conf")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		return err
	}
	args := []string{file}
	if s.directive("sentinel monitor") != "" {
		args = append(args, "--sentinel")
	}
	process, err := launch(exec.Command(path, args...), s.log(), syscall.SIGKILL)
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
func (s *RedisServer) isOurs(ctx context.Context) error {
	// The client would write a line to the log for each try to connect.
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.Addr())
	if err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	client := s.client()
	defer client.Close()
	info, err := client.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, fmt.Sprintf("process_id:%d\r\n", s.Pid())) {
		return fmt.Errorf("port %d belongs to another server", s.port)
	}
	return client.Ping(ctx).Err() // refused while it still reads its data
}

// client speaks to this server and no other, whatever it may be part of.
func (s *RedisServer) client() *redis.Client { return redis.NewClient(s.options()) }

func (s *RedisServer) options() *redis.Options {
	return &redis.Options{
		Addr:                     s.Addr(),
		Password:                 s.password,
		Protocol:                 2,
		DisableIdentity:          true,
		DialerRetries:            1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
}

// URL is where the server is, with the password when there is one.
func (s *RedisServer) URL() string {
	u := url.URL{Scheme: "redis", Host: s.Addr(), Path: "/0"}
	if s.password != "" {
		u.User = url.UserPassword("", s.password)
	}
	return u.String()
}

// Addr is the server's host and port.
func (s *RedisServer) Addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// Pid is the process id of the running server.
func (s *RedisServer) Pid() int { return s.process.pid() }

// Version is the server's own, such as 7.0.15.
func (s *RedisServer) Version(ctx context.Context) (string, error) {
	client := s.client()
	defer client.Close()
	info, err := client.Info(ctx, "server").Result()
	for line := range strings.Lines(info) {
		if version, ok := strings.CutPrefix(line, "redis_version:"); ok {
			return strings.TrimSpace(version), nil
		}
	}
	return "", errOr(err, errors.New("INFO does not tell the version of Redis"))
}

// FlushAll empties the server.
func (s *RedisServer) FlushAll(ctx context.Context) error {
	client := s.client()
	defer client.Close()
	return client.FlushAll(ctx).Err()
}

// Kill ends the server at once: SIGKILL.
func (s *RedisServer) Kill() { s.process.kill() }

// Restart starts the server again on the same port, after Kill; a running one
// is stopped before. Its data is there again when it was AppendOnly.
func (s *RedisServer) Restart(ctx context.Context) error {
	s.process.end(syscall.SIGTERM)
	return s.start(ctx)
}

// Wipe removes what a server that was killed has on disk: the next Restart
// finds nothing.
func (s *RedisServer) Wipe() error {
	if s.process.alive() {
		return errors.New("wipe Redis: the server runs; kill it before")
	}
	return errors.Join(
		os.RemoveAll(filepath.Join(s.dir, "appendonlydir")),
		os.RemoveAll(filepath.Join(s.dir, "appendonly.aof")),
		os.RemoveAll(filepath.Join(s.dir, "dump.rdb")),
	)
}

// Pause stops the server in its tracks: connections stay open and nothing
// answers. Resume lets it go on.
func (s *RedisServer) Pause() error { return pause(s.process.cmd.Process) }

// Resume ends a Pause.
func (s *RedisServer) Resume() error { return resume(s.process.cmd.Process) }

// Stop ends the server and removes its files.
func (s *RedisServer) Stop() {
	_ = s.Resume() // a paused process would not hear the signal
	s.process.end(syscall.SIGTERM)
	_ = os.RemoveAll(s.dir)
}

func (s *RedisServer) log() string { return filepath.Join(s.dir, "server.log") }
