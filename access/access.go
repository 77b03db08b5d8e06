package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/batch"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// MinAdminKey is the shortest admin key in bytes (api.md).
const MinAdminKey = 32

// Options of New. Store and AdminKey are needed.
type Options struct {
	Store    *store.Store
	AdminKey string           // at least MinAdminKey bytes; only its SHA-256 is kept
	Rate     int              // requests a second of a key without a rate of its own; 0: any number
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: slog.Default
}

// Registry checks keys. It is safe for concurrent use.
type Registry struct {
	o        Options
	admin    *Grant
	looks    *batch.Batcher[struct{}, *snapshot]
	lastLook time.Time // of the batcher's one worker
	current  atomic.Pointer[snapshot]
	failures failures
	stop     func()
	stopped  chan struct{}
	done     sync.WaitGroup
}

// New returns a registry that writes the last uses of keys until Stop. It asks
// the database for nothing before the first key is checked.
func New(o Options) (*Registry, error) {
	if o.Store == nil {
		return nil, errors.New("access: a store is required")
	}
	if len(o.AdminKey) < MinAdminKey {
		return nil, fmt.Errorf("access: the admin key is shorter than %d characters", MinAdminKey)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Registry{
		o: o, failures: failures{byAddress: map[netip.Addr]*failure{}},
		// It has no row and no limit of rate: it is the way in when everything
		// else is wrong.
		admin:   &Grant{APIKey: webhook.APIKey{ID: webhook.AdminKeyID, Name: "admin", Role: webhook.RoleAdmin}, hash: sha256.Sum256([]byte(o.AdminKey))},
		stopped: make(chan struct{}),
	}
	r.o.AdminKey = ""
	r.stop = sync.OnceFunc(func() { close(r.stopped) })
	r.current.Store(&snapshot{byHash: map[lookup]*Grant{}})
	r.looks = batch.New(batch.Options[struct{}]{MaxWeight: maxTogether}, r.look)
	r.done.Go(r.noteUses)
	return r, nil
}

// Stop writes what is not written yet of last uses, and ends.
func (r *Registry) Stop() {
	r.stop()
	r.done.Wait()
	r.looks.Close()
}

// Grant is a key that was found valid.
type Grant struct {
	webhook.APIKey
	hash      [sha256.Size]byte
	revokedAt time.Time
	bucket    *bucket      // nil: any number of requests
	usedAt    atomic.Int64 // last, Unix microseconds; 0: not in this process
	writtenAt int64        // the usedAt that is in SQL; of lastuse.go
}

// Check returns the key that a text is, if it is valid now. remote is the
// caller's address: wrong keys are counted by it. Errors are *webhook.Error:
// of KindUnauthorized; of KindRateLimited when too many wrong keys came from
// the address, which never concerns a valid one; of KindUnavailable when the
// database cannot be asked.
func (r *Registry) Check(ctx context.Context, text string, remote netip.Addr) (*Grant, error) {
	if text == "" {
		return nil, unauthorized(codeUnknown,
			"This needs a key. Send the header \"Authorization: Bearer <api key>\" with a key that is valid here.")
	}
	g, err := r.find(ctx, text)
	now := r.o.Now()
	if err != nil {
		var e *webhook.Error
		if errors.As(err, &e) && e.Code == codeUnknown { // one that is over was no guess
			if wait := r.failures.add(remote, now); wait > 0 {
				return nil, r.slowDown(remote, wait)
			}
		}
		return nil, err
	}
	g.usedAt.Store(now.UnixMicro())
	return g, nil
}

func (r *Registry) find(ctx context.Context, text string) (*Grant, error) {
	sum := sha256.Sum256([]byte(text))
	if subtle.ConstantTimeCompare(sum[:], r.admin.hash[:]) == 1 {
		return r.admin, nil
	}
	if _, fault := webhook.ParseKeyText(text); fault != "" {
		return nil, unauthorized(codeUnknown, "This key is not valid here. %s", fault)
	}
	return r.findHash(ctx, sum)
}

func (r *Registry) findHash(ctx context.Context, sum [sha256.Size]byte) (*Grant, error) {
	keys, err := r.fresh(ctx)
	if err != nil {
		return nil, err
	}
	g := keys.get(sum)
	switch {
	case g == nil:
		return nil, unknown()
	case !g.revokedAt.IsZero():
		return nil, revoked(g)
	case g.Expired(r.o.Now()):
		return nil, unauthorized("key_expired", "The key %q (%s) expired at %s. Ask an administrator for a new one.",
			g.Name, g.ID, g.ExpiresAt.Format(time.RFC3339))
	}
	return g, nil
}

func unknown() error {
	return unauthorized(codeUnknown, "There is no such key here. It may be another server's.")
}

func revoked(g *Grant) error {
	return unauthorized("key_revoked", "The key %q (%s) was revoked at %s. Ask an administrator for a new one.",
		g.Name, g.ID, g.revokedAt.Format(time.RFC3339))
}

// codeUnknown is the code of a key that is none.
const codeUnknown = "unauthorized"

func unauthorized(code, format string, args ...any) *webhook.Error {
	return &webhook.Error{Kind: webhook.KindUnauthorized, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Create makes a key. Its text goes to respond and nowhere else; respond may
// return the answer to a request with an idempotency key, to be committed with
// the key.
func (r *Registry) Create(ctx context.Context, in webhook.APIKey, respond func(*webhook.APIKey, webhook.KeyText) (*store.Idempotency, error)) error {
	now := r.o.Now().UTC().Truncate(time.Microsecond)
	var f webhook.Faults
	in.Validate(&f, now)
	if err := f.Err(); err != nil {
		return err
	}
	text := webhook.NewKeyText()
	in.ID, in.Start, in.CreatedAt = webhook.NewKeyID(), text.Start(), now
	idem, err := respond(&in, text)
	if err != nil {
		return err
	}
	return r.o.Store.CreateAPIKey(ctx, &store.APIKey{APIKey: in, Hash: text.Hash()}, idem)
}

// Revoke ends a key. When it returns, no process accepts the key any more.
func (r *Registry) Revoke(ctx context.Context, id webhook.KeyID) error {
	return r.o.Store.RevokeAPIKey(ctx, id)
}
