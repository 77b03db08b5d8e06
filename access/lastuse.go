package access

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// noteEvery is how exact the last use of a key is.
const noteEvery = time.Minute

// noteUses writes last uses now and then: all keys in one statement, each at
// most once a minute, and never while a request waits.
func (r *Registry) noteUses() {
	tick := time.NewTicker(noteEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.writeUses()
		case <-r.stopped:
			r.writeUses()
			return
		}
	}
}

// writeUses writes the uses since it was called last. What cannot be written
// stays for the next time.
func (r *Registry) writeUses() {
	used := map[webhook.KeyID]time.Time{}
	keys := r.current.Load().byHash
	for _, g := range keys {
		if at := g.usedAt.Load(); at > g.writtenAt {
			used[g.ID] = time.UnixMicro(at)
		}
	}
	if len(used) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	if err := r.o.Store.TouchAPIKeys(ctx, used); err != nil {
		r.o.Log.Warn("the last use of API keys could not be written; it is tried again", "error", err)
		return
	}
	for _, g := range keys {
		if at, ok := used[g.ID]; ok {
			g.writtenAt = at.UnixMicro()
		}
	}
}
