package load

import (
	"bytes"
	"context"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// What the first part of a path makes the receiver do. What comes behind tells
// one subscriber from another.
const (
	PathOK     = "/ok"     // 200 at once
	PathWait   = "/wait/"  // and a duration: 200 after it
	PathHang   = "/hang"   // no answer, ever
	PathOnce   = "/once"   // 500 to the first request of an id, then 200
	PathPages  = "/pages"  // 200 with the answer of the export contract; counts records
	PathAccept = "/accept" // 202 with an answer as long as an intake's
)

// receiver notes what arrives.
type receiver struct {
	listener net.Listener
	server   *http.Server
	stop     chan struct{}

	mu    sync.Mutex
	paths map[string]*arrivals
	wait  *waiter
}

// arrivals are the requests to one path.
type arrivals struct {
	Counts
	times map[string][]int64 // by webhook-id, Unix nanoseconds
}

// Counts tells what arrived at one path, or at all of some.
type Counts struct {
	Requests    int    // all of them
	Distinct    int    // ids
	First, Last int64  // Unix nanoseconds; Last is the last new id's
	Bytes       int64  // of the bodies of new ids
	Records     int64  // in the pages of new ids
	Sum         uint64 // over the records' ids, whatever their order
}

type waiter struct {
	prefix string
	left   int
	done   chan struct{}
}

func listen() (*receiver, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{listener: listener, stop: make(chan struct{}), paths: map[string]*arrivals{}}
	r.server = &http.Server{Handler: r}
	go func() { _ = r.server.Serve(listener) }() // it ends with close
	return r, nil
}

func (r *receiver) close() {
	close(r.stop)
	_ = r.server.Close()
}

// ServeHTTP answers as the path says.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	kind := q.URL.Path
	if i := strings.IndexByte(kind[1:], '/'); i >= 0 {
		kind = kind[:i+1]
	}
	var page []byte
	var size int64
	var err error
	if kind == PathPages {
		page, err = io.ReadAll(q.Body)
		size = int64(len(page))
	} else {
		size, err = io.Copy(io.Discard, q.Body)
	}
	if err != nil {
		return // the sender was killed in the middle
	}
	before := r.note(q.URL.Path, q.Header.Get("Webhook-Id"), size, page)
	switch kind {
	case PathHang:
		select {
		case <-q.Context().Done():
		case <-r.stop:
		}
	case strings.TrimSuffix(PathWait, "/"):
		r.delay(q)
	case PathOnce:
		if before == 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	case PathPages:
		_, _ = io.WriteString(w, `{"status":"received"}`)
	case PathAccept:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, acceptAnswer)
	}
}

func (r *receiver) delay(q *http.Request) {
	text, _, _ := strings.Cut(strings.TrimPrefix(q.URL.Path, PathWait), "/")
	d, err := time.ParseDuration(text)
	if err != nil {
		return // then it is answered at once, which the figures show
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-q.Context().Done():
	case <-r.stop:
	}
}

// note counts a request, and tells how many of its id came before.
func (r *receiver) note(path, id string, size int64, page []byte) (before int) {
	now := time.Now().UnixNano()
	records, sum := countRecords(page)
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.paths[path]
	if a == nil {
		a = &arrivals{times: map[string][]int64{}}
		a.First = now
		r.paths[path] = a
	}
	times := a.times[id]
	a.times[id] = append(times, now)
	a.Requests++
	if len(times) > 0 {
		return len(times)
	}
	a.Distinct++
	a.Last = now
	a.Bytes += size
	a.Records += records
	a.Sum += sum
	if r.wait != nil && strings.HasPrefix(path, r.wait.prefix) {
		if r.wait.left--; r.wait.left == 0 {
			close(r.wait.done)
		}
	}
	return 0
}

// countRecords finds the records of a page by their key.
func countRecords(page []byte) (records int64, sum uint64) {
	key := []byte(`"_id":"`)
	for {
		i := bytes.Index(page, key)
		if i < 0 {
			return records, sum
		}
		page = page[i+len(key):]
		h := fnv.New64a()
		_, _ = h.Write(page[:max(0, bytes.IndexByte(page, '"'))])
		records++
		sum += h.Sum64()
	}
}

func (r *receiver) operations() map[string]handler {
	return map[string]handler{
		"url": operation(func(context.Context, struct{}) (string, error) {
			return "http://" + r.listener.Addr().String(), nil
		}),
		"reset": operation(func(context.Context, struct{}) (struct{}, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.paths = map[string]*arrivals{}
			return struct{}{}, nil
		}),
		"await":    operation(r.await),
		"arrivals": operation(r.arrivals),
	}
}

type awaitArgs struct {
	Prefix   string
	Distinct int
	Limit    time.Duration
}

// await waits until so many ids have come to the paths of a prefix, or the
// time is over, and tells what has.
func (r *receiver) await(_ context.Context, in awaitArgs) (Counts, error) {
	r.mu.Lock()
	have := r.count(in.Prefix)
	done := make(chan struct{})
	if have.Distinct < in.Distinct {
		r.wait = &waiter{in.Prefix, in.Distinct - have.Distinct, done}
	} else {
		close(done)
	}
	r.mu.Unlock()
	timer := time.NewTimer(in.Limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait = nil
	return r.count(in.Prefix), nil
}

// count sums the paths of a prefix up. The lock is held.
func (r *receiver) count(prefix string) (c Counts) {
	for path, a := range r.paths {
		if !strings.HasPrefix(path, prefix) {
			continue
		}
		if c.First == 0 || a.First < c.First {
			c.First = a.First
		}
		c.Last = max(c.Last, a.Last)
		c.Requests += a.Requests
		c.Distinct += a.Distinct
		c.Bytes += a.Bytes
		c.Records += a.Records
		c.Sum += a.Sum
	}
	return c
}

// arrivals tells when each id came to the paths of a prefix.
func (r *receiver) arrivals(_ context.Context, prefix string) (map[string][]int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := map[string][]int64{}
	for path, a := range r.paths {
		if strings.HasPrefix(path, prefix) {
			for id, times := range a.times {
				all[id] = append(all[id], times...)
			}
		}
	}
	return all, nil
}

// Receiver is the receiver as its parent sees it.
type Receiver struct {
	*Process
	URL string // http://127.0.0.1:port
}

// StartReceiver starts one.
func StartReceiver(ctx context.Context) (*Receiver, error) {
	p, err := Start(RoleReceiver)
	if err != nil {
		return nil, err
	}
	r := &Receiver{Process: p}
	if r.URL, err = call[string](ctx, p, "url", struct{}{}); err != nil {
		p.Kill()
		return nil, err
	}
	return r, nil
}

// Reset forgets what has arrived.
func (r *Receiver) Reset(ctx context.Context) error {
	_, err := call[struct{}](ctx, r.Process, "reset", struct{}{})
	return err
}

// Await waits until so many different ids have come to the paths that begin
// with a prefix, an id at each path counted by itself, or until the time is
// over. It tells what has come until then.
func (r *Receiver) Await(ctx context.Context, prefix string, distinct int, limit time.Duration) (Counts, error) {
	return call[Counts](ctx, r.Process, "await", awaitArgs{prefix, distinct, limit})
}

// Arrivals tells when each id came to the paths that begin with a prefix, in
// Unix nanoseconds.
func (r *Receiver) Arrivals(ctx context.Context, prefix string) (map[string][]int64, error) {
	return call[map[string][]int64](ctx, r.Process, "arrivals", prefix)
}
