package sender

import (
	"context"
	"net"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A stop after the deadline has passed does not make the timeout a stop.
func TestDeadlineBeforeStopIsATimeout(t *testing.T) {
	parent, stop := context.WithCancel(t.Context())
	x := begin(parent, time.Minute)
	defer x.end()
	x.cancel(errDeadline) // as the timer does
	stop()
	if got := x.ended(); got.Code != webhook.ErrorTimeout {
		t.Errorf("ended = %+v", got)
	}
}

// An earlier deadline of the caller's is the exchange's, in the sentence too.
func TestCallersDeadlineCounts(t *testing.T) {
	parent, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	x := begin(parent, 2*time.Hour)
	defer x.end()
	if x.timeout != time.Hour {
		t.Errorf("timeout = %v", x.timeout)
	}
	if d, _ := parent.Deadline(); !x.progress.deadline.Equal(d) {
		t.Errorf("deadline = %v, want the caller's %v", x.progress.deadline, d)
	}
}

// An exchange that takes a kept connection while its own dial is still under
// way must not be described by that dial.
func TestLostDialLeavesNoTrace(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	x := begin(t.Context(), time.Minute)
	defer x.end()
	p := &x.progress
	p.dialStart()
	p.dialling("127.0.0.1:1")
	p.gotConn(httptrace.GotConnInfo{Conn: ours, Reused: true})
	p.dialling("127.0.0.1:2")
	p.connected()
	p.tlsStart()
	p.tlsDone()
	var a webhook.Attempt
	x.fill(&a)
	if a.RemoteAddr != ours.RemoteAddr().String() || a.Timing != (webhook.Timing{}) {
		t.Errorf("attempt = %+v", a)
	}
	if stage, _, _ := p.now(); stage != stageWrite {
		t.Errorf("the dial turned the stage back to %d", stage)
	}
}
