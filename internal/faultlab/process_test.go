package faultlab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/failpoint"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// patience is far above what anything takes on a slow machine.
const patience = 90 * time.Second

// process is one place in which a carteiro runs, one after the other.
type process struct {
	w     *world
	name  string
	roles string
	port  string
	mark  string // file of its failpoint

	mu    sync.Mutex
	alive bool // ready, and nobody has ended it
	cmd   *exec.Cmd
	ended chan struct{} // closed when the present one has ended
	err   error         // how; after ended
	at    time.Time     // when; after ended
	log   *logOf
}

func newProcess(w *world, name, roles string) *process {
	return &process{w: w, name: name, roles: roles, port: freePort(w), mark: filepath.Join(w.dir, name+".mark"), log: &logOf{}}
}

// freePort finds a port that this place keeps for all that run in it.
func freePort(w *world) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	w.must(err)
	return port
}

func (p *process) base() string { return "http://127.0.0.1:" + p.port }

// start runs the program until it is ready. plan is its failpoint, if any.
func (p *process) start(plan string) {
	p.w.t.Helper()
	p.w.must(p.tryStart(plan))
}

func (p *process) tryStart(plan string) error {
	cmd := exec.Command(p.w.lab.program, "serve")
	cmd.Env = append([]string{
		"CARTEIRO_LISTEN=127.0.0.1:" + p.port, "CARTEIRO_ROLES=" + p.roles, "PATH=" + os.Getenv("PATH"), "HOME=" + p.w.dir,
		failpoint.Env + "=" + plan, failpoint.EnvMark + "=" + p.mark,
	}, p.w.env...)
	ready := p.log.awaitReady()
	cmd.Stdout, cmd.Stderr = p.log, p.log
	ended, err := testserver.Launch(cmd)
	if err != nil {
		return err
	}
	done := make(chan struct{})
	p.mu.Lock()
	p.cmd, p.ended = cmd, done
	p.mu.Unlock()
	go func() {
		err := <-ended
		p.mu.Lock()
		p.err, p.at, p.alive = err, time.Now(), false
		p.mu.Unlock()
		close(done)
	}()
	select {
	case <-ready:
	case <-done:
		return fmt.Errorf("%s ended at its start: %w\n%s", p.name, p.err, p.log.tail())
	case <-time.After(patience):
		return fmt.Errorf("%s was not ready in time\n%s", p.name, p.log.tail())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-done: // its failpoint was early
	default:
		p.alive = true
	}
	return nil
}

// running tells whether the process is ready and nobody has ended it.
func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.alive
}

// takes tells whether it has the role of the intake.
func (p *process) takes() bool { return strings.Contains(p.roles, "api") }

func (p *process) signal(s os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(s) // one that has ended is what was wanted
	}
}

// dies waits for the end of the process by SIGKILL and tells when that was.
func (p *process) dies() time.Time {
	p.w.t.Helper()
	how := p.ends()
	var exit *exec.ExitError
	if !errors.As(how, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		p.w.t.Fatalf("%s was to be killed, and ended with %v\n%s", p.name, how, p.log.tail())
	}
	return p.at
}

// ends waits for the end of the process.
func (p *process) ends() error {
	p.w.t.Helper()
	p.mu.Lock()
	done := p.ended
	p.mu.Unlock()
	select {
	case <-done:
	case <-time.After(patience):
		p.w.t.Fatalf("%s did not end in time\n%s", p.name, p.log.tail())
	}
	return p.err
}

// kill ends the process as a power switch would.
func (p *process) kill() time.Time {
	p.w.t.Helper()
	p.signal(os.Kill)
	return p.dies()
}

// stop ends the process as an operator would.
func (p *process) stop() {
	p.w.t.Helper()
	p.mu.Lock()
	p.alive = false
	p.mu.Unlock()
	p.signal(syscall.SIGTERM)
	if err := p.ends(); err != nil {
		p.w.t.Errorf("%s was stopped and ended with %v\n%s", p.name, err, p.log.tail())
	}
}

// reached tells whether the process came to its failpoint.
func (p *process) reached() bool {
	_, err := os.Stat(p.mark)
	return err == nil
}

// isReady asks /readyz.
func (p *process) isReady(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base()+"/readyz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// logOf keeps what a process writes, and sees when it is ready.
type logOf struct {
	mu    sync.Mutex
	text  bytes.Buffer
	from  int // where the present process begins
	ready chan struct{}
}

func (l *logOf) awaitReady() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.from, l.ready = l.text.Len(), make(chan struct{})
	return l.ready
}

func (l *logOf) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := l.text.Write(b)
	if l.ready != nil && bytes.Contains(l.text.Bytes()[l.from:], []byte("carteiro is ready")) {
		close(l.ready)
		l.ready = nil
	}
	return n, err
}

// tail is the end of the log, for a failure.
func (l *logOf) tail() string {
	const most = 6000
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.Bytes()
	return string(text[max(0, len(text)-most):])
}
