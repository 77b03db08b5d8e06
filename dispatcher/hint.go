package dispatcher

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// hintType is the asynq task type of a hint.
const hintType = "carteiro:due"

// maxHint is how many deliveries one hint may carry: as many as one statement
// of a batch takes.
const maxHint = 100

// A hint says which deliveries are due, each at a generation. It holds no
// payload, no URL and nothing personal, so that Redis never has any.
//
//	{"v":1,"d":[["dlv_…",3],["dlv_…",1]]}
type hintForm struct {
	Version    int       `json:"v"`
	Deliveries []hintRef `json:"d"`
}

type hintRef store.Ref

// MarshalJSON writes ["dlv_…",3].
func (r hintRef) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]any{r.ID, r.Generation})
}

// UnmarshalJSON reads ["dlv_…",3].
func (r *hintRef) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return errors.New("a delivery of a hint is an id and a generation")
	}
	if err := json.Unmarshal(parts[0], &r.ID); err != nil {
		return err
	}
	return json.Unmarshal(parts[1], &r.Generation)
}

func encodeHint(refs []store.Ref) ([]byte, error) {
	h := hintForm{Version: 1, Deliveries: make([]hintRef, len(refs))}
	for i, r := range refs {
		h.Deliveries[i] = hintRef(r)
	}
	return json.Marshal(h)
}

func decodeHint(b []byte) ([]store.Ref, error) {
	var h hintForm
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, fmt.Errorf("hint: %w", err)
	}
	if h.Version != 1 || len(h.Deliveries) == 0 || len(h.Deliveries) > maxHint {
		return nil, fmt.Errorf("hint: version %d with %d deliveries is none of ours", h.Version, len(h.Deliveries))
	}
	refs := make([]store.Ref, len(h.Deliveries))
	for i, r := range h.Deliveries {
		if !webhook.ValidID(webhook.PrefixDelivery, string(r.ID)) || r.Generation < 1 {
			return nil, errors.New("hint: not a delivery's id and generation")
		}
		refs[i] = store.Ref(r)
	}
	return refs, nil
}
