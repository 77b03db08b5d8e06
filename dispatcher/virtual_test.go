package dispatcher_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// pipes is a listener whose connections are pipes in memory.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), ended: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

// longTests asks for tests that take minutes of a processor.
const longTests = "CARTEIRO_TEST_LONG"

// TestTheRealSchedule runs the contract's own schedule, 1 min, 5 min, 15 min,
// 30 min and 1 h, in virtual time, with all parts: the database, the queue,
// HTTP. asynq's polls cost a processor's second for each minute of it, so
// that only the first two retries are waited for unless asked otherwise.
func TestTheRealSchedule(t *testing.T) {
	attempts := 3
	if os.Getenv(longTests) != "" {
		attempts = 6
	}
	synctest.Test(t, func(t *testing.T) {
		line := newPipes()
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				t.Error(err)
			}
			<-time.After(answerTakes)
			w.WriteHeader(500)
		})}
		served := make(chan error, 1)
		go func() { served <- srv.Serve(line) }()
		h := newHouse(t, houseOptions{redis: piped, dial: line.dial})
		h.subscribe("http://127.0.0.1:1/")
		id := h.post(redemption).Deliveries[0].ID
		var due time.Time
		for i := range attempts {
			ob := <-h.observed
			if by := ob.Attempt.StartedAt.Sub(ob.Due); by < 0 || by >= latest || (i > 0 && !ob.Due.Equal(due)) {
				t.Errorf("attempt %d was due at %s, want %s, and started %s late", i+1, ob.Due, due, by)
			}
			if i < 5 {
				due = ob.Attempt.EndedAt().Add(webhook.DefaultSchedule()[i])
			}
			if want := i == 5; (ob.State == webhook.StateFailed) != want || ob.Attempt.Number != i+1 {
				t.Errorf("after attempt %d, number %d: %s", i+1, ob.Attempt.Number, ob.State)
			}
			t.Logf("attempt %d started %s after the event, %s late", i+1, ob.Attempt.StartedAt.Sub(h.delivery(id).CreatedAt), ob.Attempt.StartedAt.Sub(ob.Due))
		}
		h.close()
		must(t, srv.Close())
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
}
