package scheduler

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// volumeRecords sets how many records the volume test exports; 1000000 is
// what the README tells of.
const volumeRecords = "CARTEIRO_TEST_RECORDS"

// maxRSS is P11's flat memory: of a process that reads, cuts and sends.
const maxRSS = 250 << 20

// A large export in pages of 500: every record arrives once, and the process
// that does it stays small, however many records there are.
func TestVolume(t *testing.T) {
	n := 50_000
	if s := os.Getenv(volumeRecords); s != "" {
		var err error
		n, err = strconv.Atoi(s)
		must(t, err)
	} else if testing.Short() {
		n = 5_000
	}
	eachDatabase(t, func(t *testing.T, o houseOptions) {
		o.clock = &clock{runs: true}
		h := newHouse(t, o)
		r := newCounter(t)
		h.subscribe(func(s *webhook.Subscription) { s.URL = r.URL })
		started := time.Now()
		h.fill(n)
		filled := time.Since(started)
		run, err := h.s.RunNow(context.Background(), RunRequest{Period: Period{
			Export: "vendas", StartDate: "2025-06-15", EndDate: "2025-06-15",
		}}, nil)
		must(t, err)
		started = time.Now()
		cmd, lines := h.startChild(32)
		defer func() {
			must(t, cmd.Process.Kill())
			_ = cmd.Wait() // it says that it was killed
		}()
		for lines.Scan() && lines.Text() != "worked" {
		}
		built := time.Since(started)
		pages := (n + 499) / 500
		r.await(t, pages)
		delivered := time.Since(started)
		if records := r.records(); records != n {
			t.Errorf("%d records arrived, want %d", records, n)
		}
		if got := h.state(run.ID); got != webhook.RunFinished {
			t.Errorf("the run is %s", got)
		}
		rss := peakRSS(t, cmd.Process.Pid)
		if rss > maxRSS {
			t.Errorf("the process took %d MiB, more than %d", rss>>20, maxRSS>>20)
		}
		t.Logf("%d records in %d pages: stored in %.1f s; read, cut and handed over in %.1f s (%.0f records/s); all delivered after %.1f s; peak RSS %d MiB",
			n, pages, filled.Seconds(), built.Seconds(), float64(n)/built.Seconds(), delivered.Seconds(), rss>>20)
	})
}

// fill stores n sales of one day, each of about 330 bytes.
func (h *house) fill(n int) {
	h.t.Helper()
	more := strings.Repeat("Ingresso inteira; ", 15)
	day := gmt3(h.t, "2025-06-15")
	var batch []sale
	for i := range n {
		at := day.Add(time.Duration(i) * 80 * time.Millisecond % (24 * time.Hour))
		if batch = append(batch, sale{"acme", fmt.Sprintf("%024x", i), at, more}); len(batch) == 5000 {
			h.put(batch...)
			batch = batch[:0]
		}
	}
	h.put(batch...)
}

// counter is a receiver that counts what it gets.
type counter struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]int // by run and page: records
	more  chan struct{}
}

func newCounter(t testing.TB) *counter {
	c := &counter{pages: map[string]int{}, more: make(chan struct{}, 1)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Errorf("receiver: %v", err)
		}
		c.mu.Lock()
		c.pages[req.Header.Get(sender.HeaderPage)+"/"+req.Header.Get(sender.HeaderPages)] = strings.Count(string(body), `"_id":`)
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
		_, _ = io.WriteString(w, `{"status":"received"}`)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counter) records() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, records := range c.pages {
		n += records
	}
	return n
}

// await waits for a number of different pages.
func (c *counter) await(t testing.TB, pages int) {
	t.Helper()
	for {
		c.mu.Lock()
		n := len(c.pages)
		c.mu.Unlock()
		if n >= pages {
			return
		}
		select {
		case <-c.more:
		case <-time.After(time.Minute):
			t.Fatalf("%d of %d pages came, and none within a minute", n, pages)
		}
	}
}

// peakRSS is the most memory that a process has had at once, in bytes.
func peakRSS(t testing.TB, pid int) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(t, err)
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			must(t, err)
			return kb << 10
		}
	}
	t.Fatal("the kernel does not tell VmHWM")
	return 0
}
