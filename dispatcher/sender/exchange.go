package sender

import (
	"context"
	"errors"
	"net"
	"net/http/httptrace"
	"net/netip"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// errDeadline ends an exchange whose time is up; it tells our own deadline
// apart from the caller's cancellation.
var errDeadline = errors.New("the exchange's deadline has passed")

// exchange is the clock and the diary of one Send. It is one allocation and is
// never reused: the transport's goroutines may hold it after Send has returned.
type exchange struct {
	parent   context.Context
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timer    *time.Timer
	timeout  time.Duration
	settled  bool
	progress progress
	trace    httptrace.ClientTrace
}

func begin(parent context.Context, timeout time.Duration) *exchange {
	x := &exchange{parent: parent, timeout: timeout}
	x.progress.deadline = time.Now().Add(timeout)
	if d, ok := parent.Deadline(); ok && d.Before(x.progress.deadline) {
		x.progress.deadline = d
		x.timeout = time.Until(d).Round(time.Millisecond)
	}
	x.ctx, x.cancel = context.WithCancelCause(parent)
	// A timer of our own instead of context.WithTimeout: settle can shorten it.
	x.timer = time.AfterFunc(timeout, func() { x.cancel(errDeadline) })
	return x
}

// end frees what the exchange holds.
func (x *exchange) end() {
	x.timer.Stop()
	x.cancel(nil)
}

// settle is called when the outcome is known: from now on there is little to
// wait for. A second call changes nothing.
func (x *exchange) settle() {
	if !x.settled && time.Until(x.progress.deadline) > bodyGrace {
		x.timer.Reset(bodyGrace)
	}
	x.settled = true
}

// traced returns the context that the transport works under.
func (x *exchange) traced() context.Context {
	p := &x.progress
	x.trace.GotConn = p.gotConn
	x.trace.WroteRequest = p.wroteRequest
	x.trace.GotFirstResponseByte = p.gotFirstByte
	// Never Got1xxResponse: it lifts the limit on informational answers.
	return httptrace.WithClientTrace(context.WithValue(x.ctx, progressKey{}, p), &x.trace)
}

// fill writes what is known of the way into the attempt.
func (x *exchange) fill(a *webhook.Attempt) {
	p := &x.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	a.RemoteAddr = p.remote
	if !p.reused {
		a.Timing.DNS = p.dns.took()
		a.Timing.Connect = p.connect.took()
		a.Timing.TLS = p.tls.took()
	}
	if !p.firstByte.IsZero() {
		// The reader may see the answer before the writer has noted its end.
		wait := time.Duration(0)
		if !p.wrote.IsZero() {
			wait = max(0, p.firstByte.Sub(p.wrote))
		}
		a.Timing.FirstByte = &wait
	}
}

// progressKey finds the progress in the context of a dial.
type progressKey struct{}

// progress is how far an exchange has come. The transport's goroutines write
// it, some of them after Send has returned.
type progress struct {
	deadline time.Time // of the exchange; never changes

	mu        sync.Mutex
	stage     stage
	dns       span
	connect   span
	tls       span
	remote    string    // the address dialled last, or of the connection
	reused    bool      // the connection was a kept one
	wrote     time.Time // the request was written
	firstByte time.Time // the answer began
}

// stage is what an exchange was doing when its time ran out.
type stage int

const (
	stageStart stage = iota
	stageDNS
	stageConnect
	stageTLS
	stageWrite
	stageWait
	stageRead
)

// span is one step, from its first start to its last end.
type span struct{ from, to time.Time }

func (s *span) start() {
	if s.from.IsZero() {
		s.from = time.Now()
	}
}

func (s *span) end() { s.to = time.Now() }

// took returns how long the step took, nil when it did not happen or did not end.
func (s *span) took() *time.Duration {
	if s.from.IsZero() || s.to.IsZero() {
		return nil
	}
	d := s.to.Sub(s.from)
	return &d
}

func progressOf(ctx context.Context) *progress {
	return ctx.Value(progressKey{}).(*progress)
}

func (p *progress) now() (stage, string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage, p.remote, p.reused
}

// enter moves on to a stage. A dial that lost its exchange to a kept
// connection reports too late, and must not turn the stage back.
func (p *progress) enter(s stage) { p.stage = max(p.stage, s) }

func (p *progress) dialStart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dns, p.connect, p.tls = span{}, span{}, span{}
}

func (p *progress) dialTrace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.dns.start()
			p.enter(stageDNS)
		},
		DNSDone: func(httptrace.DNSDoneInfo) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.dns.end()
		},
		ConnectDone: func(_, _ string, err error) {
			if err == nil {
				p.connected()
			}
		},
	}
}

// dialling notes an address that the policy lets through.
func (p *progress) dialling(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connect.start()
	p.enter(stageConnect)
	if p.stage == stageConnect {
		p.remote = addr
	}
}

func (p *progress) connected() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.connect.end()
}

func (p *progress) tlsStart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tls.start()
	p.enter(stageTLS)
}

func (p *progress) tlsDone() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tls.end()
}

func (p *progress) gotConn(info httptrace.GotConnInfo) {
	remote := addrText(info.Conn.RemoteAddr())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.remote = remote
	p.reused = info.Reused
	p.enter(stageWrite)
}

// addrText is addr.String() for a third of its cost.
func addrText(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.String()
	}
	full := tcp.AddrPort()
	return netip.AddrPortFrom(full.Addr().Unmap(), full.Port()).String()
}

func (p *progress) wroteRequest(info httptrace.WroteRequestInfo) {
	if info.Err != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrote = time.Now()
	p.enter(stageWait)
}

func (p *progress) gotFirstByte() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.firstByte = time.Now()
	p.enter(stageRead)
}
