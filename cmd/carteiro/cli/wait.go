package cli

import "time"

// pollEvery is how often a command asks how far long work is.
const pollEvery = 500 * time.Millisecond

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
