package faultlab

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// wire is a TCP proxy between the program and a server: a network that can be
// cut, silent or slow.
type wire struct {
	target   string
	listener net.Listener
	mu       sync.Mutex
	open     chan struct{} // closed while bytes flow; a new one while they do not
	delay    time.Duration // of each piece
	conns    map[net.Conn]bool
}

func newWire(target string) (*wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w := &wire{target: target, listener: l, open: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(w.open)
	go w.accept()
	return w, nil
}

func (w *wire) addr() string { return w.listener.Addr().String() }

func (w *wire) accept() {
	for {
		c, err := w.listener.Accept()
		if err != nil {
			return // closed
		}
		go w.join(c)
	}
}

// join connects a caller with the server.
func (w *wire) join(c net.Conn) {
	w.flow() // on a silent network, the server does not hear of the caller
	s, err := net.Dial("tcp", w.target)
	if err != nil {
		_ = c.Close() // the caller sees a broken connection
		return
	}
	w.mu.Lock()
	w.conns[c], w.conns[s] = true, true
	w.mu.Unlock()
	go w.copy(s, c)
	w.copy(c, s)
}

// copy passes bytes on, as the network allows, and ends both sides.
func (w *wire) copy(to, from net.Conn) {
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 {
			time.Sleep(w.flow())
			_, err = to.Write(piece[:n])
		}
		if err != nil {
			break
		}
	}
	w.mu.Lock()
	delete(w.conns, to)
	delete(w.conns, from)
	w.mu.Unlock()
	_ = to.Close() // whoever closed first
	_ = from.Close()
}

// flow waits until bytes flow, and tells how slowly.
func (w *wire) flow() time.Duration {
	w.mu.Lock()
	open, delay := w.open, w.delay
	w.mu.Unlock()
	<-open
	return delay
}

// silence lets nothing through: no byte, no end of a connection.
func (w *wire) silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open = make(chan struct{})
}

// restore lets bytes flow again, what was held back first.
func (w *wire) restore() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = 0
	select {
	case <-w.open:
	default:
		close(w.open)
	}
}

// slow delays each piece.
func (w *wire) slow(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = by
}

// cut ends every connection; new ones are taken.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Close()
	}
}

// close ends the proxy.
func (w *wire) close() {
	_ = w.listener.Close()
	w.restore()
	w.cut()
}

// The network does what it is told.
func TestWire(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c) }()
		}
	}()
	w, err := newWire(echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", w.addr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return c
	}
	ask := func(c net.Conn, within time.Duration) error {
		if err := c.SetDeadline(time.Now().Add(within)); err != nil {
			return err
		}
		if _, err := c.Write([]byte{1}); err != nil {
			return err
		}
		_, err := io.ReadFull(c, make([]byte, 1))
		return err
	}
	open := dial()
	if err := ask(open, time.Minute); err != nil {
		t.Fatalf("open: %v", err)
	}
	w.silence()
	if err := ask(open, 50*time.Millisecond); err == nil {
		t.Error("an answer came over a silent network")
	}
	if err := ask(dial(), 50*time.Millisecond); err == nil {
		t.Error("a new connection got an answer over a silent network")
	}
	w.restore()
	if err := ask(open, time.Minute); err != nil { // what was held back
		t.Errorf("restored: %v", err)
	}
	w.slow(30 * time.Millisecond)
	began := time.Now()
	if err := ask(dial(), time.Minute); err != nil || time.Since(began) < 30*time.Millisecond {
		t.Errorf("slow: %v after %s", err, time.Since(began))
	}
	c := dial()
	if err := ask(c, time.Minute); err != nil {
		t.Errorf("before the cut: %v", err)
	}
	w.cut()
	if err := ask(c, time.Minute); err == nil {
		t.Error("an answer came over a cut connection")
	}
}
