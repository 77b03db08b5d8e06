package cli

import "time"

// How often a command asks how far long work is: soon at first, for much of it
// is short, and then less and less often.
const (
	firstPoll = 25 * time.Millisecond
	lastPoll  = time.Second
)

// poll is the waiting between two questions.
type poll struct {
	s    *Session
	next time.Duration
}

func (s *Session) poll() *poll { return &poll{s: s, next: firstPoll} }

// wait waits, or ends with the session.
func (p *poll) wait() error {
	d := p.next
	p.next = min(p.next*3/2, lastPoll)
	return p.s.pause(d)
}

// pause waits, or ends with the session.
func (s *Session) pause(d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-s.Done():
		return s.Err()
	}
}
