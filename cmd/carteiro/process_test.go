package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// runAsProgram makes the test binary behave as carteiro: a real process that
// a test can kill.
const runAsProgram = "CARTEIRO_TEST_RUN_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(runAsProgram) != "" {
		os.Exit(run(context.Background(), program{
			args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, signals: osSignals(),
		}))
	}
	os.Exit(testserver.Run(m))
}

// process is a running carteiro.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	base  string // http://127.0.0.1:port
	key   string
	lines chan string // stdout
	mu    sync.Mutex
	log   bytes.Buffer // stderr
	done  chan struct{}
	err   error
}

var listenPart = regexp.MustCompile(`listen=(\S+)`)

// patience of these tests: far above what a slow machine needs.
const limit = 60 * time.Second

// start runs carteiro with a data directory until it says that it is ready.
func start(t *testing.T, dir string, env []string, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return startProgram(t, self, dir, append([]string{"CARTEIRO_STOP_DELAY=0s"}, env...), args...)
}

// startProgram is start for any build of carteiro. An older one refuses
// settings that it does not know.
func startProgram(t *testing.T, program, dir string, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(program, args...), lines: make(chan string, 10_000), done: make(chan struct{})}
	p.cmd.Env = append([]string{
		runAsProgram + "=1", "CARTEIRO_DATA_DIR=" + dir, "CARTEIRO_LISTEN=127.0.0.1:0", "CARTEIRO_ALLOW_HTTP=true",
		"CARTEIRO_ALLOW_NETWORKS=127.0.0.0/8", "HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "CARTEIRO_LOG_LEVEL=info",
	}, env...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ready := make(chan string, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		for s := bufio.NewScanner(stdout); s.Scan(); {
			p.lines <- s.Text()
		}
		close(p.lines)
	})
	reading.Go(func() { p.readLog(stderr, ready) })
	go func() {
		reading.Wait()
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	select {
	case addr := <-ready:
		p.base = "http://" + addr
	case <-p.done:
		t.Fatalf("the process ended at its start: %v\n%s", p.err, p.logged())
	case <-time.After(limit):
		t.Fatalf("the process was not ready in time\n%s", p.logged())
	}
	if key, err := os.ReadFile(filepath.Join(dir, adminKeyFile)); err == nil {
		p.key = strings.TrimSpace(string(key))
	}
	return p
}

func (p *process) readLog(r io.Reader, ready chan<- string) {
	for s := bufio.NewScanner(r); s.Scan(); {
		p.mu.Lock()
		p.log.WriteString(s.Text() + "\n")
		p.mu.Unlock()
		if m := listenPart.FindStringSubmatch(s.Text()); m != nil && strings.Contains(s.Text(), "carteiro is ready") {
			ready <- m[1]
		}
	}
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// kill ends the process as a power switch would, and waits until it is gone.
func (p *process) kill() {
	if err := p.cmd.Process.Kill(); err == nil {
		<-p.done
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		p.t.Fatalf("the process did not end in time\n%s", p.logged())
		return -1
	}
}

// line waits for a line of stdout that matches.
func (p *process) line(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(limit)
	for {
		select {
		case l, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the process ended without a line that matches %q\n%s", pattern, p.logged())
			}
			if re.MatchString(l) {
				return l
			}
		case <-late:
			p.t.Fatalf("no line matched %q in time\n%s", pattern, p.logged())
		}
	}
}

// call makes one API request and decodes its answer.
func (p *process) call(method, path, body string, out any) int {
	p.t.Helper()
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			p.t.Fatalf("%s %s answered %d %s: %v", method, path, res.StatusCode, text, err)
		}
	}
	return res.StatusCode
}

func (p *process) subscribe(url string) {
	p.t.Helper()
	if got := p.call("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+url+`","event_types":["shop.*"]}`, nil); got != http.StatusCreated {
		p.t.Fatalf("registering answered %d", got)
	}
}

// post posts one redemption and returns the event's id.
func (p *process) post() string {
	p.t.Helper()
	var answer struct{ ID string }
	got := p.call("POST", "/v1/events", `{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"1"},"exchange":{"id":"2"}}}`, &answer)
	if got != http.StatusAccepted {
		p.t.Fatalf("posting answered %d", got)
	}
	return answer.ID
}

// client is a client's server: it hands each request to the test, which
// answers it.
type client struct {
	*httptest.Server
	came chan arrival
}

type arrival struct {
	id     string
	header http.Header
	body   string
	answer chan int
}

func newClient(t *testing.T) *client {
	c := &client{came: make(chan arrival, 10_000)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process was killed in the middle
		}
		a := arrival{r.Header.Get("webhook-id"), r.Header, string(body), make(chan int, 1)}
		c.came <- a
		select {
		case status := <-a.answer:
			w.WriteHeader(status)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *client) next(t *testing.T) arrival {
	t.Helper()
	select {
	case a := <-c.came:
		return a
	case <-time.After(limit):
		t.Fatal("no request came in time")
		return arrival{}
	}
}

func terminate(p *process) int {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	return p.exit()
}
