package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

const (
	readyLimit = 30 * time.Second      // a server that answers later is broken
	pollEvery  = 20 * time.Millisecond // between two tries to connect
	stopLimit  = 10 * time.Second      // for an orderly end, before SIGKILL
)

// process is a child process that somebody waits for.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended
	err  error         // how it ended; only after done
}

// launch starts a child whose output goes to a log file. The kernel ends it
// with the signal when this process ends.
func launch(cmd *exec.Cmd, log string, atOurEnd os.Signal) (*process, error) {
	file, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	endWithUs(cmd, atOurEnd)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Launch starts a program that the kernel kills when this process ends. The
// channel gets how it ended.
func Launch(cmd *exec.Cmd) (<-chan error, error) {
	endWithUs(cmd, os.Kill)
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() {
		<-p.done
		ended <- p.err
	}()
	return ended, nil
}

// run starts the child and waits for its end, all in one thread: the kernel
// takes the end of the thread that started a child for the end of the parent.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
		close(p.done)
	}
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// alive tells whether the child has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end asks the child to end, and after a while makes it. It returns when the
// child has ended.
func (p *process) end(ask os.Signal) {
	// An error means that it has ended already, and then done is closed.
	_ = p.cmd.Process.Signal(ask)
	select {
	case <-p.done:
	case <-time.After(stopLimit):
		p.kill()
	}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// ready waits until try succeeds. It gives up when the child ends, and after
// readyLimit.
func (p *process) ready(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	var last error
	for {
		if last = try(ctx); last == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("the server ended: %w", errOr(p.err, errors.New("exit status 0")))
		case <-ctx.Done():
			return fmt.Errorf("%w; last try: %w", ctx.Err(), last)
		case <-tick.C:
		}
	}
}

// freePort finds a port of the loopback interface that is free now. Another
// process may take it before the server does: whoever starts one tries again.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// lastLines is the end of a log file, for an error message.
func lastLines(log string) string {
	const most = 2000
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
