package reseal

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
)

// batch is how many values are sealed anew in one transaction: few enough not
// to hold up the writes of a running server.
const batch = 100

// State is how many sealed values there are under which keys.
type State struct {
	Present int    // under the present key
	Former  int    // under a former key that is configured
	Lost    int    // under no configured key
	lost    string // the same in words, by kind and key
}

// Check counts what is sealed. It is an error when there is something that
// none of the ring's keys opens; the error says what, and what to do.
func Check(ctx context.Context, s *store.Store, keys *seal.Ring) (State, error) {
	state, err := look(ctx, s, keys)
	if err != nil {
		return state, err
	}
	if state.Lost > 0 {
		return state, fmt.Errorf("the database holds %s: %w", state.lost, seal.ErrKey)
	}
	return state, nil
}

func look(ctx context.Context, s *store.Store, keys *seal.Ring) (state State, err error) {
	counts, err := s.CountSealed(ctx)
	if err != nil {
		return state, err
	}
	present := string(keys.Head())
	var lost []string
	for _, c := range counts {
		switch {
		case string(c.Head) == present:
			state.Present += c.Count
		case keys.Knows(c.Head):
			state.Former += c.Count
		default:
			state.Lost += c.Count
			lost = append(lost, fmt.Sprintf("%d %s (key %s)", c.Count, c.Kind, keyName(c.Head)))
		}
	}
	state.lost = strings.Join(lost, ", ")
	return state, nil
}

// keyName tells keys apart for a person; it says nothing of the key.
func keyName(head []byte) string {
	if len(head) < 2 {
		return "unknown"
	}
	return hex.EncodeToString(head[1:])
}

// Done is what Run did with one kind of values.
type Done struct {
	Kind     store.SealedKind
	Resealed int
}

// Run seals anew, with the present key, all that is sealed with a former one.
// It may be repeated, and run beside a server that has the same keys. At its
// end it looks again: it is an error when anything is left under another key.
func Run(ctx context.Context, s *store.Store, keys *seal.Ring) ([]Done, error) {
	if _, err := Check(ctx, s, keys); err != nil {
		return nil, err
	}
	counts, err := s.CountSealed(ctx)
	if err != nil {
		return nil, err
	}
	present := string(keys.Head())
	var done []Done
	for _, c := range counts {
		if string(c.Head) == present {
			continue
		}
		n, err := renew(ctx, s, keys, c)
		if n > 0 {
			done = append(done, Done{c.Kind, n})
		}
		if err != nil {
			return done, err
		}
	}
	state, err := look(ctx, s, keys)
	if err != nil {
		return done, err
	}
	if left := state.Former + state.Lost; left > 0 {
		return done, fmt.Errorf("%d values were sealed with another key meanwhile: a process still runs with that key as its CARTEIRO_SECRET_KEY; restart it with the new one, and run this again", left)
	}
	return done, nil
}

// renew goes through the values of one kind under one key.
func renew(ctx context.Context, s *store.Store, keys *seal.Ring, c store.SealedCount) (replaced int, err error) {
	var last store.SealedValue
	for {
		values, err := s.SealedWith(ctx, c.Kind, c.Head, last, batch)
		if err != nil || len(values) == 0 {
			return replaced, err
		}
		fresh := make([]store.Resealed, len(values))
		for i, v := range values {
			fresh[i].SealedValue = v
			if fresh[i].Fresh, err = keys.Reseal(v.Sealed, place(c.Kind, v)); err != nil {
				return replaced, fmt.Errorf("%w; it cannot be used by the server either: register it again, or restore it from a backup", err)
			}
		}
		n, err := s.ReplaceSealed(ctx, c.Kind, fresh)
		replaced += n
		if err != nil {
			return replaced, err
		}
		last = values[len(values)-1]
	}
}

// place is what a value is bound to.
func place(k store.SealedKind, v store.SealedValue) string {
	switch k {
	case store.SealedHeaders:
		return seal.SubscriptionHeaders(v.ID)
	case store.SealedAuths:
		return seal.SubscriptionAuth(v.ID)
	case store.SealedClients, store.SealedOldClients:
		return seal.ClientSecret(v.ID)
	case store.SealedAnswers:
		return seal.Answer(v.ID, v.Second)
	}
	return seal.SubscriptionSecret(v.ID)
}
