package access

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A key cannot be guessed, and a valid one is accepted whatever else came from
// its address: several people may share one behind a router, and nobody may be
// locked out by a neighbour. What is slowed down are the wrong ones: after a
// few of them an address is told to wait, longer each time.
const (
	freeFailures = 10               // wrong keys in a row that are answered at once
	forgetAfter  = 15 * time.Minute // without a further one
	longestWait  = 5 * time.Minute
	maxAddresses = 10_000 // in memory, a mebibyte or so
)

type failures struct {
	mu        sync.Mutex
	byAddress map[netip.Addr]*failure
}

// failure is what an address did wrong.
type failure struct {
	count int
	last  time.Time
}

// add counts a wrong key and returns how long its address has to wait; 0 while
// it may go on.
func (f *failures) add(remote netip.Addr, now time.Time) time.Duration {
	remote = network(remote)
	f.mu.Lock()
	defer f.mu.Unlock()
	e := f.byAddress[remote]
	if e == nil || now.Sub(e.last) >= forgetAfter {
		if e == nil && len(f.byAddress) >= maxAddresses {
			f.makeRoom()
		}
		e = &failure{}
		f.byAddress[remote] = e
	}
	e.count++
	e.last = now
	over := e.count - freeFailures
	if over <= 0 {
		return 0
	}
	return min(longestWait, time.Second<<min(over-1, 20))
}

// makeRoom forgets the oldest of a few entries: somebody with many addresses
// must not make each of his tries cost a walk through all of them.
func (f *failures) makeRoom() {
	var oldest netip.Addr
	var at time.Time
	looked := 0
	for a, e := range f.byAddress { // in any order
		if looked == 0 || e.last.Before(at) {
			oldest, at = a, e.last
		}
		if looked++; looked == 16 {
			break
		}
	}
	delete(f.byAddress, oldest)
}

// network is what counts as one address: of IPv6, the /64 that one customer
// has all of.
func network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if !a.Is6() {
		return a
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a // there is no IPv6 address without a /64
	}
	return p.Addr()
}

// slowDown answers a wrong key from an address that has sent too many. The log
// gets one line when an address begins to be slowed down.
func (r *Registry) slowDown(remote netip.Addr, wait time.Duration) error {
	if wait == time.Second {
		r.o.Log.Warn("too many wrong API keys from one address; it is told to wait", "remote", network(remote).String())
	}
	return &webhook.Error{
		Kind: webhook.KindRateLimited, Code: "too_many_wrong_keys", RetryAfter: wait,
		Message: fmt.Sprintf("Too many wrong keys came from this address. Wait %s before the next try; a valid key works at once.", webhook.Duration(wait)),
	}
}
