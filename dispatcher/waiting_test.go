package dispatcher_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// clock is the real one, and can be put forward: what waits for minutes then
// waits for nothing.
type clock struct{ ahead, stands atomic.Int64 }

func (c *clock) Now() time.Time {
	if at := c.stands.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Now().Add(time.Duration(c.ahead.Load()))
}

func (c *clock) forward(d time.Duration) { c.ahead.Add(int64(d)) }

// stop makes it stand still: nothing becomes due, however long a busy machine
// takes for what is to be done before. goOn sets it right again.
func (c *clock) stop() { c.stands.Store(c.Now().UnixNano()) }
func (c *clock) goOn() { c.stands.Store(0) }

// pastChecks is later than the reconciler looks after a delivery whose hint is
// lost, and later than a dead worker's claim ends.
const pastChecks = time.Minute

// until looks at a state of the outside, such as a key in Redis, that gives no
// signal, until it is as wanted.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	late := time.After(60 * time.Second)
	for !is() {
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("not within 60 s: %s", what)
		}
	}
}

// hold is an answer that waits until it is released.
type hold struct {
	gate chan struct{}
	once sync.Once
}

// newHold is released at the end of the test at the latest, before the
// receiver and the house that were made earlier close.
func newHold() *hold { return &hold{gate: make(chan struct{})} }

func (h *hold) release() { h.once.Do(func() { close(h.gate) }) }

func (h *hold) then(status int) func(int) int {
	return func(int) int {
		<-h.gate
		return status
	}
}

// listener is a log that tells of each record.
type listener struct{ told chan string }

func newListener() *listener { return &listener{told: make(chan string, 100_000)} }

func (l *listener) Enabled(context.Context, slog.Level) bool { return true }
func (l *listener) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *listener) WithGroup(string) slog.Handler            { return l }
func (l *listener) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	l.told <- text
	return nil
}

// await passes over records until one has the text.
func (l *listener) await(t testing.TB, text string) string {
	t.Helper()
	late := time.After(60 * time.Second)
	for {
		select {
		case got := <-l.told:
			if strings.Contains(got, text) {
				return got
			}
		case <-late:
			t.Fatalf("nothing was logged about %q within 60 s", text)
		}
	}
}
