package dispatcher

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// hintType is the asynq task type of a hint.
const hintType = "carteiro:due"

// maxHint is how many deliveries one hint may carry: as many as one statement
// of a batch takes.
const maxHint = 100

// hinted is one delivery of a hint.
type hinted struct {
	store.Ref
	Due time.Time // when its attempt is to start, microseconds; zero: at once
}

// A hint says which deliveries are due, each at a generation and, if that is
// not now, at which Unix time in microseconds. It holds no payload, no URL and
// nothing personal, so that Redis never has any.
//
//	{"v":1,"d":[["dlv_…",3],["dlv_…",1,1750000000000000]]}
type hintForm struct {
	Version    int      `json:"v"`
	Deliveries []hinted `json:"d"`
}

// MarshalJSON writes ["dlv_…",3] or ["dlv_…",3,1750000000000000].
func (h hinted) MarshalJSON() ([]byte, error) {
	if h.Due.IsZero() {
		return json.Marshal([2]any{h.ID, h.Generation})
	}
	return json.Marshal([3]any{h.ID, h.Generation, h.Due.UnixMicro()})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *hinted) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) != 2 && len(parts) != 3 {
		return errors.New("a delivery of a hint is an id, a generation and maybe a time")
	}
	if err := json.Unmarshal(parts[0], &h.ID); err != nil {
		return err
	}
	if err := json.Unmarshal(parts[1], &h.Generation); err != nil {
		return err
	}
	if len(parts) == 3 {
		var due int64
		if err := json.Unmarshal(parts[2], &due); err != nil {
			return err
		}
		if due < 1 {
			return errors.New("a delivery of a hint is due at no time")
		}
		h.Due = time.UnixMicro(due).UTC()
	}
	return nil
}

func encodeHint(hs []hinted) ([]byte, error) {
	return json.Marshal(hintForm{Version: 1, Deliveries: hs})
}

func decodeHint(b []byte) ([]hinted, error) {
	var h hintForm
	if err := json.Unmarshal(b, &h); err != nil {
		return nil, fmt.Errorf("hint: %w", err)
	}
	if h.Version != 1 || len(h.Deliveries) == 0 || len(h.Deliveries) > maxHint {
		return nil, fmt.Errorf("hint: version %d with %d deliveries is none of ours", h.Version, len(h.Deliveries))
	}
	for _, d := range h.Deliveries {
		if !webhook.ValidID(webhook.PrefixDelivery, string(d.ID)) || d.Generation < 1 {
			return nil, errors.New("hint: not a delivery's id and generation")
		}
	}
	return h.Deliveries, nil
}
