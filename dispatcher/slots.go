package dispatcher

import "time"

// slots bound the exchanges under way in this process, over all lanes and in
// each. A slot is held around the exchange only, not while results commit.
type slots struct {
	all   chan struct{}
	lanes map[Lane]chan struct{}
}

func newSlots(n int) *slots {
	s := &slots{all: make(chan struct{}, n), lanes: map[Lane]chan struct{}{}}
	for _, l := range lanes {
		s.lanes[l] = make(chan struct{}, l.share(n))
	}
	return s
}

// take waits for a slot until the deadline, or until stop; false: none.
func (s *slots) take(l Lane, deadline time.Time, stop <-chan struct{}) bool {
	if s.tryTake(l) {
		return true
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	if !wait(s.lanes[l], timer.C, stop) {
		return false
	}
	if !wait(s.all, timer.C, stop) {
		<-s.lanes[l]
		return false
	}
	return true
}

func (s *slots) tryTake(l Lane) bool {
	select {
	case s.lanes[l] <- struct{}{}:
	default:
		return false
	}
	select {
	case s.all <- struct{}{}:
		return true
	default:
		<-s.lanes[l]
		return false
	}
}

func wait(slot chan<- struct{}, late <-chan time.Time, stop <-chan struct{}) bool {
	select {
	case slot <- struct{}{}:
		return true
	case <-late:
	case <-stop:
	}
	return false
}

// give frees a slot.
func (s *slots) give(l Lane) {
	<-s.all
	<-s.lanes[l]
}

// busy is how many exchanges are under way.
func (s *slots) busy() int { return len(s.all) }
