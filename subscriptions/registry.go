package subscriptions

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Options of New.
type Options struct {
	Store *store.Store
	Keys  *seal.Ring
	// CheckURL judges a target: "" or a sentence on what is wrong. It is the
	// sender's address policy.
	CheckURL func(ctx context.Context, url string) string
	Now      func() time.Time // nil: time.Now
	Log      *slog.Logger     // nil: slog.Default
	// Changed is called after a change that may have made deliveries due, in
	// this process; nil: nobody wants to know.
	Changed func()
}

// Registry changes subscriptions and keeps the index of them.
type Registry struct {
	o     Options
	index atomic.Pointer[Index]

	refresh sync.Mutex
	begun   atomic.Int64 // looks at the catalogue that were begun
	good    int64        // the last of them that the index has; refresh guards it
}

// New returns a registry whose index is loaded.
func New(ctx context.Context, o Options) (*Registry, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Changed == nil {
		o.Changed = func() {}
	}
	r := &Registry{o: o}
	r.index.Store(emptyIndex())
	return r, r.Refresh(ctx)
}

// Index returns the present snapshot.
func (r *Registry) Index() *Index { return r.index.Load() }

// Refresh reads what has changed since the present snapshot.
func (r *Registry) Refresh(ctx context.Context) error {
	asked := r.begun.Load()
	r.refresh.Lock()
	defer r.refresh.Unlock()
	if r.good > asked {
		return nil // somebody else looked while we waited, and began after we had asked
	}
	look := r.begun.Add(1)
	old := r.Index()
	version, err := r.o.Store.CatalogueVersion(ctx)
	if err != nil {
		return err
	}
	if version == old.Version {
		r.good = look
		return nil
	}
	c, err := r.changesSince(ctx, old.Version)
	if err != nil {
		return err
	}
	c.version = version
	r.index.Store(old.with(c))
	r.good = look
	return nil
}

// changesSince reads what has changed after a version, and unseals it.
func (r *Registry) changesSince(ctx context.Context, version int64) (*changes, error) {
	rows, err := r.o.Store.SubscriptionsSince(ctx, version)
	if err != nil {
		return nil, err
	}
	c := &changes{subscriptions: make(map[webhook.SubscriptionID]*webhook.Subscription, len(rows))}
	for i := range rows {
		c.subscriptions[rows[i].ID] = nil
		if rows[i].Deleted {
			continue
		}
		sub, err := r.open(&rows[i].Subscription)
		if err != nil {
			return nil, err
		}
		c.subscriptions[sub.ID] = sub
	}
	secrets, err := r.o.Store.ClientSecretsSince(ctx, version)
	if err != nil {
		return nil, err
	}
	c.secrets = make(map[webhook.ClientID]webhook.SigningSecrets, len(secrets))
	for i := range secrets {
		if c.secrets[secrets[i].ClientID], err = r.openClientSecret(&secrets[i]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Create registers a subscription, with a fresh signing secret. The answer to
// a request with an idempotency key is made by respond, if it is not nil, and
// stored with the subscription.
func (r *Registry) Create(ctx context.Context, in webhook.Subscription, respond func(*webhook.Subscription) (*store.Idempotency, error)) (*webhook.Subscription, error) {
	in.SetDefaults()
	var f webhook.Faults
	in.Validate(&f)
	r.checkURL(ctx, in.URL, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	now := r.now()
	in.ID, in.State, in.Version = webhook.NewSubscriptionID(), webhook.SubscriptionActive, 1
	in.CreatedAt, in.UpdatedAt = now, now
	in.Secrets = webhook.SigningSecrets{Current: in.Signing.NewSecret()}
	row, err := r.close(&in)
	if err != nil {
		return nil, err
	}
	var idem *store.Idempotency
	if respond != nil {
		if idem, err = respond(&in); err != nil {
			return nil, err
		}
	}
	if err := r.o.Store.CreateSubscription(ctx, row, idem); err != nil {
		return nil, err
	}
	r.settle(ctx)
	return &in, nil
}

// Get returns a subscription as the database has it, secrets opened.
func (r *Registry) Get(ctx context.Context, id webhook.SubscriptionID) (*webhook.Subscription, error) {
	row, err := r.o.Store.Subscription(ctx, id)
	if err != nil {
		return nil, err
	}
	return r.open(&row)
}

// Update applies a change to a subscription and stores it if the outcome is
// valid. The id, the client and the state do not change this way.
func (r *Registry) Update(ctx context.Context, id webhook.SubscriptionID, change func(*webhook.Subscription) error) (*webhook.Subscription, error) {
	return r.edit(ctx, id, func(sub *webhook.Subscription) error {
		before := *sub
		if err := change(sub); err != nil {
			return err
		}
		sub.ID, sub.ClientID, sub.State, sub.Version = before.ID, before.ClientID, before.State, before.Version
		sub.CreatedAt, sub.Secrets, sub.Signing = before.CreatedAt, before.Secrets, before.Signing
		var f webhook.Faults
		sub.Validate(&f)
		if sub.URL != before.URL {
			r.checkURL(ctx, sub.URL, &f)
		}
		return f.Err()
	})
}

// RotateSecret gives a subscription a fresh secret. Until the overlap ends,
// each request is signed with both.
func (r *Registry) RotateSecret(ctx context.Context, id webhook.SubscriptionID, how webhook.Rotation) (*webhook.Subscription, error) {
	if err := checkRotation(how); err != nil {
		return nil, err
	}
	return r.edit(ctx, id, func(sub *webhook.Subscription) (err error) {
		sub.Secrets, err = sub.Secrets.Rotate(how, r.now())
		sub.Signing = sub.Secrets.Current.Signing()
		return err
	})
}

func checkRotation(how webhook.Rotation) error {
	var f webhook.Faults
	how.Validate(&f)
	return f.Err()
}

// edit reads, changes and stores; when somebody else was faster, again.
func (r *Registry) edit(ctx context.Context, id webhook.SubscriptionID, change func(*webhook.Subscription) error) (*webhook.Subscription, error) {
	for tries := 0; ; tries++ {
		sub, err := r.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := change(sub); err != nil {
			return nil, err
		}
		row, err := r.close(sub)
		if err != nil {
			return nil, err
		}
		err = r.o.Store.UpdateSubscription(ctx, row)
		if webhook.IsKind(err, webhook.KindConflict) && tries < 3 {
			continue
		}
		if err != nil {
			return nil, err
		}
		sub.Version, sub.UpdatedAt = row.Version, row.UpdatedAt
		r.settle(ctx)
		return sub, nil
	}
}

// Pause stops a subscription; its deliveries are held.
func (r *Registry) Pause(ctx context.Context, id webhook.SubscriptionID) (*webhook.Subscription, error) {
	return r.afterwards(ctx, id, r.o.Store.PauseSubscription(ctx, id))
}

// Resume starts a subscription again; what it held is sent.
func (r *Registry) Resume(ctx context.Context, id webhook.SubscriptionID) (*webhook.Subscription, error) {
	return r.afterwards(ctx, id, r.o.Store.ResumeSubscription(ctx, id))
}

func (r *Registry) afterwards(ctx context.Context, id webhook.SubscriptionID, err error) (*webhook.Subscription, error) {
	if err != nil {
		return nil, err
	}
	r.settle(ctx)
	r.o.Changed()
	return r.Get(ctx, id)
}

// Delete ends a subscription and cancels what it still waits for.
func (r *Registry) Delete(ctx context.Context, id webhook.SubscriptionID) error {
	if err := r.o.Store.DeleteSubscription(ctx, id); err != nil {
		return err
	}
	r.settle(ctx)
	return nil
}

// settle brings the index up to date after a change. That it fails is no
// failure of the change, which is committed: whoever acts on a stale index is
// told so by the database and refreshes it.
func (r *Registry) settle(ctx context.Context) {
	if err := r.Refresh(ctx); err != nil {
		r.o.Log.Warn("the index of subscriptions could not be refreshed; it will be at its next use", "error", err)
	}
}

// List lists subscriptions, newest first, secrets opened: whoever shows them
// redacts.
func (r *Registry) List(ctx context.Context, f store.SubscriptionFilter, p store.Page) ([]webhook.Subscription, string, error) {
	rows, next, err := r.o.Store.Subscriptions(ctx, f, p)
	if err != nil {
		return nil, "", err
	}
	out := make([]webhook.Subscription, len(rows))
	for i := range rows {
		sub, err := r.open(&rows[i])
		if err != nil {
			return nil, "", err
		}
		out[i] = *sub
	}
	return out, next, nil
}

func (r *Registry) checkURL(ctx context.Context, url string, f *webhook.Faults) {
	if url == "" {
		f.Add("/url", "must not be empty")
		return
	}
	if msg := r.CheckURL(ctx, url); msg != "" {
		f.Add("/url", "%s", msg)
	}
}

// CheckURL judges a target by the address policy: "" or a sentence on what is
// wrong. A verification's callback is judged as a subscription's URL is.
func (r *Registry) CheckURL(ctx context.Context, url string) string { return r.o.CheckURL(ctx, url) }

func (r *Registry) now() time.Time { return r.o.Now().UTC().Truncate(time.Microsecond) }
