package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/netip"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/store"
)

// A revoked key must not work for a moment longer, in any process; and no
// request should pay for a look at the database of its own. So each check
// waits for a look at the counter of changes that began after the check did,
// and all checks that wait share one look: a request after the revocation's
// answer always sees it, and thousands of requests a second cost as many looks
// as the pace below allows.
//
// The intake of events does without a look: a revocation raises the counter
// of the catalogue too, which the transaction of an intake compares anyway.
// See [Registry.CheckLater].

const (
	// pace is the least time between looks that many wait for. A look takes
	// some 30 to 200 µs of a core; a request under load waits a millisecond
	// more.
	pace = time.Millisecond
	// lookTimeout bounds a look: P6 wants a 503 within two seconds.
	lookTimeout = 1800 * time.Millisecond
	// maxTogether is how many checks share a look; no number has a meaning here.
	maxTogether = 1 << 20
)

// snapshot is every key, as of a version. It never changes, but for what a
// Grant counts.
type snapshot struct {
	version store.APIKeyVersion
	byHash  map[lookup]*Grant
}

// lookup is the half of a hash by which it is found. The other half is
// compared in constant time.
type lookup [sha256.Size / 2]byte

func (s *snapshot) get(sum [sha256.Size]byte) *Grant {
	g := s.byHash[lookup(sum[:])]
	if g == nil || subtle.ConstantTimeCompare(g.hash[:], sum[:]) != 1 {
		return nil
	}
	return g
}

// fresh returns the keys as they are at some moment after its call.
func (r *Registry) fresh(ctx context.Context) (*snapshot, error) {
	return r.looks.Do(ctx, struct{}{})
}

// look is one look for all that wait.
func (r *Registry) look(waiting []struct{}) []batch.Result[*snapshot] {
	if rest := pace - time.Since(r.lastLook); len(waiting) > 1 && rest > 0 {
		time.Sleep(rest)
	}
	r.lastLook = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	now, err := r.refresh(ctx)
	out := make([]batch.Result[*snapshot], len(waiting))
	for i := range out {
		out[i] = batch.Result[*snapshot]{Value: now, Err: err}
	}
	return out
}

// refresh reads what has changed since the present snapshot.
func (r *Registry) refresh(ctx context.Context) (*snapshot, error) {
	old := r.current.Load()
	version, err := r.o.Store.APIKeyVersion(ctx)
	if err != nil || version == old.version {
		return old, err
	}
	if version.Keys < old.version.Keys { // the database was brought back from a copy
		old = &snapshot{}
	}
	if version.Keys == old.version.Keys {
		next := &snapshot{version: version, byHash: old.byHash}
		r.current.Store(next)
		return next, nil
	}
	changed, err := r.o.Store.APIKeysSince(ctx, old.version.Keys)
	if err != nil {
		return nil, err
	}
	next := &snapshot{version: version, byHash: make(map[lookup]*Grant, len(old.byHash)+len(changed))}
	maps.Copy(next.byHash, old.byHash)
	for i := range changed {
		g := r.grant(&changed[i])
		if was := old.get(g.hash); was != nil { // it was revoked; its last use is not lost
			g.usedAt.Store(was.usedAt.Load())
		}
		next.byHash[lookup(g.hash[:])] = g
	}
	r.current.Store(next)
	return next, nil
}

func (r *Registry) grant(k *store.APIKey) *Grant {
	g := &Grant{APIKey: k.APIKey, hash: k.Hash, revokedAt: k.RevokedAt}
	rate := r.o.Rate
	if k.RateLimit != nil {
		rate = *k.RateLimit
	}
	if rate > 0 {
		g.bucket = newBucket(rate, r.o.Now())
	}
	return g
}

// CheckLater is [Registry.Check] by memory. Whoever uses it has to ask
// [Registry.Still] before answering.
func (r *Registry) CheckLater(ctx context.Context, text string, remote netip.Addr) (*Grant, error) {
	g := r.current.Load().get(sha256.Sum256([]byte(text)))
	if g == nil || !g.revokedAt.IsZero() || g.Expired(r.o.Now()) {
		return r.Check(ctx, text, remote)
	}
	g.usedAt.Store(r.o.Now().UnixMicro())
	return g, nil
}

// Still tells whether a key that was found valid is not revoked as of a
// version of the catalogue. It looks at the database only when the catalogue
// is another than at the last look.
func (r *Registry) Still(ctx context.Context, g *Grant, catalogue int64) error {
	if g == r.admin {
		return nil
	}
	keys := r.current.Load()
	if keys.version.Catalogue != catalogue {
		var err error
		if keys, err = r.fresh(ctx); err != nil {
			return err
		}
	}
	now := keys.get(g.hash)
	switch {
	case now == nil: // the database was brought back from a copy
		return unknown()
	case !now.revokedAt.IsZero():
		return revoked(now)
	}
	return nil
}
