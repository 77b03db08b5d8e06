package console

import (
	"fmt"
	"slices"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// health is how the newest hundred deliveries of a subscription stand.
type health struct {
	Total int
	Parts []healthPart // by state, those that there are
	Share int          // of what has ended, in percent that succeeded; -1: nothing has
	store.Health
}

// healthPart is a part of a bar that is 100 wide.
type healthPart struct {
	State webhook.DeliveryState
	N     int
	X, W  string // in hundredths
}

func newHealth(h store.Health) health {
	out := health{Health: h, Share: -1}
	for _, state := range webhook.States {
		out.Total += int(h.States[state])
	}
	if ended := h.States[webhook.StateSucceeded] + h.States[webhook.StateFailed] + h.States[webhook.StateRetrying]; ended > 0 {
		out.Share = int(100 * h.States[webhook.StateSucceeded] / ended)
	}
	at := 0
	for _, state := range barOrder() {
		n := int(h.States[state])
		if n == 0 {
			continue
		}
		out.Parts = append(out.Parts, healthPart{state, n, hundredths(at, out.Total), hundredths(n, out.Total)})
		at += n
	}
	return out
}

// Waiting is how many have not ended.
func (h health) Waiting() int {
	return int(h.States[webhook.StatePending] + h.States[webhook.StateRetrying] + h.States[webhook.StateHeld])
}

// Failed is how many have.
func (h health) Failed() int { return int(h.States[webhook.StateFailed]) }

// barOrder is that of the parts of a bar, from the left.
func barOrder() []webhook.DeliveryState {
	return []webhook.DeliveryState{
		webhook.StateSucceeded, webhook.StatePending, webhook.StateHeld, webhook.StateRetrying, webhook.StateFailed, webhook.StateCanceled,
	}
}

func hundredths(n, total int) string { return fmt.Sprintf("%.2f", 100*float64(n)/float64(total)) }

// healthOf is the health that some deliveries show.
func healthOf(ds []webhook.Delivery) health {
	h := store.Health{States: store.StateCounts{}}
	for i := range ds {
		d := &ds[i]
		h.States[d.State]++
		if d.State == webhook.StateSucceeded && d.FinishedAt != nil && d.FinishedAt.After(h.LastSuccess) {
			h.LastSuccess = *d.FinishedAt
		}
	}
	return newHealth(h)
}

// A strip shows so many deliveries at most, and has room for so many at least.
const (
	stripBars  = 100
	stripSlots = 40
)

// strip shows the newest deliveries one by one, the oldest on the left: a bar
// each, whose colour and height tell the state.
type strip struct {
	Bars  []stripBar
	Width int               // in its own units
	First *webhook.Delivery // the oldest of them; nil: there are none
	Full  bool              // the newest is at the right end
}

type stripBar struct {
	webhook.Delivery
	X, Y, H int
}

// Sizes of a strip's drawing, in its own units.
const (
	stripStep   = 10
	stripHeight = 60
)

// newStrip draws deliveries that come newest first.
func newStrip(ds []webhook.Delivery) strip {
	out := strip{Width: max(len(ds), stripSlots) * stripStep, Full: len(ds) >= stripSlots}
	for i, d := range slices.Backward(ds) {
		h := barHeight(d.State)
		out.Bars = append(out.Bars, stripBar{d, (len(ds)-1-i)*stripStep + 1, stripHeight - h, h})
	}
	if len(ds) > 0 {
		out.First = &ds[len(ds)-1]
	}
	return out
}

// barHeight tells a state to those who do not see its colour.
func barHeight(s webhook.DeliveryState) int {
	switch s {
	case webhook.StateSucceeded:
		return 34
	case webhook.StateRetrying:
		return 46
	case webhook.StateFailed:
		return stripHeight
	case webhook.StateCanceled:
		return 8
	}
	return 18
}
