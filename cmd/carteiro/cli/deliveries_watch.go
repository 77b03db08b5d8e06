package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// watch prints what has changed since the last look.
type watch struct {
	s     *Session
	query query
	table *show.Table
	seen  map[webhook.DeliveryID]string // how each looked
}

// watched is how many of the newest deliveries a look compares, at most. An
// older one that changes is not told.
const watched = 500

func (w *watch) look() error {
	api, err := w.s.client()
	if err != nil {
		return err
	}
	var rows []json.RawMessage
	_, err = api.List(w.s, "/v1/deliveries", url.Values(w.query), watched, func(p apiclient.Page) error {
		rows = append(rows, p.Data...)
		return nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(rows) // the oldest first, as a log is read
	now := map[webhook.DeliveryID]string{}
	for _, raw := range rows {
		if err := w.tell(raw, now); err != nil {
			return err
		}
	}
	maps.Copy(w.seen, now)
	if len(w.seen) > 4*watched {
		w.seen = now // what is no longer looked at is forgotten
	}
	return w.table.Flush()
}

func (w *watch) tell(raw json.RawMessage, now map[webhook.DeliveryID]string) error {
	var d webhook.Delivery
	if err := apiclient.Decode(raw, &d); err != nil {
		return err
	}
	looks := fmt.Sprint(d.State, d.HoldReason, d.AttemptCount, d.NextAttemptAt)
	now[d.ID] = looks
	if w.seen[d.ID] == looks {
		return nil
	}
	if w.s.o.Flags.JSON {
		return w.s.json(raw)
	}
	w.table.Row(w.s.deliveryRow(&d)...)
	return nil
}
