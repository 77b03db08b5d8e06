package main

import (
	"bytes"
	"context"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the commands as an operator does, each script with clients
// of its own against one real server. Beside testscript's commands, there are:
//
//	carteiro ARGS…            run it in this process ("! " wants it to fail)
//	input FILE ARGS…          the same, with a file as the standard input
//	exits CODE                what the last one exited with
//	capture NAME REGEXP       set a variable to a part of its standard output
//	listen ARGS…              begin carteiro listen; $RECEIVER is its URL
//	listened                  wait for its end; its output is the last one
//	interrupt                 press its Ctrl-C
func TestScripts(t *testing.T) {
	p := start(t, t.TempDir(), []string{"CARTEIRO_RETRY_SCHEDULE=100ms"}, "serve")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireUniqueNames: true, UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("CARTEIRO_API_URL", p.base)
			env.Setenv("CARTEIRO_API_KEY", p.key)
			env.Setenv("CARTEIRO_DATA_DIR", env.WorkDir+"/none")
			env.Setenv("SELF", self)
			env.Setenv(runAsProgram, "1")
			env.Values[background{}] = &backgroundRun{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"carteiro": func(ts *testscript.TestScript, neg bool, args []string) { inScript(ts, neg, "", args) },
			"input": func(ts *testscript.TestScript, neg bool, args []string) {
				inScript(ts, neg, ts.ReadFile(args[0]), args[1:])
			},
			"exits": exits, "capture": capture, "listen": listenInScript, "listened": listened, "interrupt": interrupt,
		},
	})
}

// inScript runs a command in this process.
func inScript(ts *testscript.TestScript, neg bool, stdin string, args []string) {
	code := run(context.Background(), program{
		args: args, environ: scriptEnviron(ts), stdin: strings.NewReader(stdin), stdout: ts.Stdout(), stderr: ts.Stderr(), signals: make(chan os.Signal),
	})
	ended(ts, neg, code)
}

// ended notes an exit code, and fails the script when it is not the expected kind.
func ended(ts *testscript.TestScript, neg bool, code int) {
	ts.Setenv("EXIT", strconv.Itoa(code))
	if (code != exitOK) != neg {
		ts.Fatalf("it exited with %d", code)
	}
}

func scriptEnviron(ts *testscript.TestScript) []string {
	var environ []string
	for _, name := range []string{"CARTEIRO_API_URL", "CARTEIRO_API_KEY", "CARTEIRO_DATA_DIR", "CARTEIRO_LISTEN", "CARTEIRO_WORKERS", "LANG"} {
		if value := ts.Getenv(name); value != "" {
			environ = append(environ, name+"="+value)
		}
	}
	return environ
}

func exits(ts *testscript.TestScript, _ bool, args []string) {
	if got := ts.Getenv("EXIT"); got != args[0] {
		ts.Fatalf("it exited with %s; want %s", got, args[0])
	}
}

func capture(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if len(m) != 2 {
		ts.Fatalf("%s is not in the output, or has not one part", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// background is where a script keeps its receiver.
type background struct{}

// backgroundRun is a carteiro listen that goes on while the script does.
type backgroundRun struct {
	signals chan os.Signal
	done    chan int
	stdout  lockedBuffer
	stderr  lockedBuffer
}

// lockedBuffer is written by one goroutine and read by another; wrote tells
// that there is more.
type lockedBuffer struct {
	mu    sync.Mutex
	b     bytes.Buffer
	wrote chan struct{}
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case b.wrote <- struct{}{}:
	default:
	}
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func runOf(ts *testscript.TestScript) *backgroundRun {
	r, ok := ts.Value(background{}).(*backgroundRun)
	if !ok {
		ts.Fatalf("the script has no place for a receiver")
	}
	return r
}

var listeningAt = regexp.MustCompile(`Listening at (\S+);`)

func listenInScript(ts *testscript.TestScript, _ bool, args []string) {
	r := runOf(ts)
	*r = backgroundRun{signals: make(chan os.Signal, 1), done: make(chan int, 1), stderr: lockedBuffer{wrote: make(chan struct{}, 1)}}
	ctx, cancel := context.WithCancel(context.Background())
	ts.Defer(cancel)
	environ := scriptEnviron(ts)
	go func() {
		r.done <- run(ctx, program{
			args: append([]string{"listen", "0"}, args...), environ: environ, stdout: &r.stdout, stderr: &r.stderr, signals: r.signals,
		})
	}()
	for {
		if m := listeningAt.FindStringSubmatch(r.stderr.String()); m != nil {
			ts.Setenv("RECEIVER", m[1])
			return
		}
		select {
		case <-r.stderr.wrote:
		case code := <-r.done:
			ts.Fatalf("listen exited with %d: %s", code, r.stderr.String())
		}
	}
}

func listened(ts *testscript.TestScript, neg bool, _ []string) {
	r := runOf(ts)
	code := <-r.done
	_, _ = ts.Stdout().Write([]byte(r.stdout.String()))
	_, _ = ts.Stderr().Write([]byte(r.stderr.String()))
	ended(ts, neg, code)
}

func interrupt(ts *testscript.TestScript, _ bool, _ []string) {
	runOf(ts).signals <- os.Interrupt
}
