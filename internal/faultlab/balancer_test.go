package faultlab

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"
)

// balancer stands before two instances as the common ones do: it asks each
// for /readyz, and goes on to the next when a connection is refused. It never
// sends a request again that somebody may have taken.
type balancer struct {
	*httptest.Server
	backends []*backend
	client   *http.Transport
	next     atomic.Int64
	cancel   context.CancelFunc
	wg       sync.WaitGroup
}

type backend struct {
	p     *process
	ready atomic.Bool
}

// askEvery is the interval of the balancer's health checks.
const askEvery = 250 * time.Millisecond

func newBalancer(w *world) *balancer {
	b := &balancer{client: &http.Transport{DisableKeepAlives: true}}
	var ctx context.Context
	ctx, b.cancel = context.WithCancel(context.Background())
	for _, p := range w.procs {
		if p.takes() {
			end := &backend{p: p}
			b.backends = append(b.backends, end)
			b.wg.Go(func() { end.watch(ctx) })
		}
	}
	b.Server = httptest.NewServer(b)
	w.t.Cleanup(func() {
		b.cancel()
		b.wg.Wait()
		b.Close()
	})
	return b
}

func (e *backend) watch(ctx context.Context) {
	for tick := time.NewTicker(askEvery); ; {
		e.ready.Store(e.p.isReady(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// ServeHTTP passes a request on: to those that are ready first, to the others
// rather than to nobody.
func (b *balancer) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	var last error
	for _, ready := range []bool{true, false} {
		turn := int(b.next.Add(1))
		for i := range b.backends {
			end := b.backends[(turn+i)%len(b.backends)]
			if end.ready.Load() != ready {
				continue
			}
			if last = b.pass(w, req, body, end); last == nil {
				return
			}
			if !refused(last) {
				http.Error(w, last.Error(), http.StatusBadGateway)
				return
			}
		}
	}
	http.Error(w, "nobody is there", http.StatusBadGateway)
}

// refused tells whether the connection was never made: nobody saw the request.
func refused(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

func (b *balancer) pass(w http.ResponseWriter, req *http.Request, body []byte, to *backend) error {
	out := req.Clone(req.Context())
	out.URL.Scheme, out.URL.Host, out.Body, out.ContentLength = "http", "127.0.0.1:"+to.p.port, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res, err := b.client.RoundTrip(out)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	for name, values := range res.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(res.StatusCode)
	_, err = w.Write(answer)
	return err
}
