package api

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// When the database hangs, posters go on coming, and each waits for its answer
// with its body in memory. So the memory of all bodies is bounded: what comes
// when there is no room is refused; what it still sends is read and thrown away.
const (
	// maxHeld is how many bytes of bodies one process holds. With what is made
	// of them, five times as much was measured.
	maxHeld = 64 << 20
	// leastHeld is what a request counts at least, however short its body is:
	// its buffers and its goroutine. It also bounds how many wait at once.
	leastHeld = 16 << 10
	// overloadedFor is how long after a refusal /readyz calls the intake red.
	overloadedFor = 2 * time.Second
)

// codeOverloaded is the answer's code when there is no room.
const codeOverloaded = "overloaded"

// room is what is left for bodies.
type room struct {
	taken   atomic.Int64
	refused atomic.Int64 // when there was no room, Unix nanoseconds
}

// errOverloaded is why the part "intake" is red.
var errOverloaded = errors.New("more bodies are held than there is room for: requests come faster than the database takes them")

func (r *room) take(n int64) error {
	if r.taken.Add(n) <= maxHeld {
		return nil
	}
	r.taken.Add(-n)
	r.refused.Store(time.Now().UnixNano())
	return newProblem(http.StatusServiceUnavailable, codeOverloaded,
		"More requests wait than there is room for; nothing was done. Send the request again later.").with("Retry-After", "1")
}

// err is not nil while requests are refused.
func (r *room) err() error {
	if time.Since(time.Unix(0, r.refused.Load())) < overloadedFor {
		return errOverloaded
	}
	return nil
}

// hold counts more bytes of a request's body, until its answer is written.
func (c *call) hold(n int64) error {
	if c.room == nil {
		return nil
	}
	if c.held == 0 {
		n = max(n, leastHeld)
	}
	if err := c.room.take(n); err != nil {
		return err
	}
	c.held += n
	return nil
}

// letGo ends what hold began.
func (c *call) letGo() {
	if c.held > 0 {
		c.room.taken.Add(-c.held)
		c.held = 0
	}
}

// heldReader counts a body as it comes: what was only announced takes no room.
type heldReader struct {
	r io.Reader
	c *call
}

// refuse reads on without keeping anything when there was no room: a caller
// that is still sending may see its connection break instead of our answer.
func (h heldReader) refuse(err error) error {
	var full *problem
	if errors.As(err, &full) && full.Code == codeOverloaded {
		h.c.letGo()
		_, _ = io.Copy(io.Discard, io.LimitReader(h.r, maxBatch)) // what goes wrong here, the answer meets too
	}
	return err
}

func (h heldReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if n > 0 {
		if full := h.c.hold(int64(n)); full != nil {
			return 0, full
		}
	}
	return n, err
}
