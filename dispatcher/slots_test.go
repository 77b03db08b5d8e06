package dispatcher

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestSlots: first attempts always have some that retries and exports cannot take.
func TestSlots(t *testing.T) {
	s := newSlots(8)
	for range LaneRetry.share(8) {
		if !s.tryTake(LaneRetry) {
			t.Fatal("a retry found no slot")
		}
	}
	if s.tryTake(LaneRetry) {
		t.Error("retries have taken more than their share")
	}
	for range 8 - LaneRetry.share(8) {
		if !s.tryTake(LaneFirst) {
			t.Fatal("a first attempt found no slot")
		}
	}
	if s.tryTake(LaneFirst) || s.busy() != 8 {
		t.Errorf("%d of 8 slots are taken", s.busy())
	}
	s.give(LaneRetry)
	if !s.tryTake(LaneRetry) {
		t.Error("a slot that came back was not given")
	}
}

// TestWaitingForASlot ends with a slot, at the deadline or at a stop, and a
// wait in vain takes nothing.
func TestWaitingForASlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, stop := newSlots(1), make(chan struct{})
		if !s.take(LaneFirst, time.Now().Add(time.Second), stop) {
			t.Fatal("the only slot was not given")
		}
		start := time.Now()
		if s.take(LaneRetry, start.Add(time.Second), stop) || time.Since(start) != time.Second {
			t.Errorf("a slot, or no end of the wait at its deadline but after %s", time.Since(start))
		}
		got := make(chan bool)
		go func() { got <- s.take(LaneRetry, time.Now().Add(time.Hour), stop) }()
		synctest.Wait()
		s.give(LaneFirst)
		if !<-got {
			t.Error("a slot that came back was not given to who waited")
		}
		go func() { got <- s.take(LaneRetry, time.Now().Add(time.Hour), stop) }()
		synctest.Wait()
		close(stop)
		if <-got {
			t.Error("a slot was given after the stop")
		}
		s.give(LaneRetry)
		if s.busy() != 0 || !s.tryTake(LaneRetry) || len(s.lanes[LaneFirst]) != 0 {
			t.Errorf("%d slots are taken at the end", s.busy())
		}
	})
}
