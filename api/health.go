package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type healthView struct {
	Status string `json:"status" doc:"ok"`
}

// getHealth answers as long as the process lives.
func (a *api) getHealth(context.Context, *struct{}) (*reply[healthView], error) {
	return &reply[healthView]{Value: healthView{Status: "ok"}}, nil
}

type readinessView struct {
	Status string            `json:"status" enum:"ready,not_ready"`
	Parts  map[string]string `json:"parts" doc:"by name: ok, or what is wrong: failing, full (no room is left), read_only, evicts (Redis throws keys away); the log has the cause"`
}

type readinessQuery struct {
	Parts string `query:"parts" doc:"only these parts decide, as in database,intake; all of them when nothing is given"`
}

// troubles are the words for what is wrong with a part, where failing says too
// little. None of them tells who asks, and has no key, a name or an address.
var troubles = []struct {
	err  error
	word string
}{
	{store.ErrFull, "full"},
	{store.ErrReadOnly, "read_only"},
	{dispatcher.ErrRedisFull, "full"},
	{dispatcher.ErrEvicts, "evicts"},
}

func partState(err error) string {
	if err == nil {
		return "ok"
	}
	for _, t := range troubles {
		if errors.Is(err, t.err) {
			return t.word
		}
	}
	return "failing"
}

// readyTimeout bounds the look at all parts: whoever asks decides by the
// answer where traffic goes, and does not wait long.
const readyTimeout = 2 * time.Second

// getReadiness tells whether each part is there. The causes go to the log: who
// asks has no key, and a cause names hosts. Without Redis, intake goes on: who
// spreads intake over processes asks for the parts that it needs.
func (a *api) getReadiness(ctx context.Context, in *readinessQuery) (*reply[readinessView], error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	parts := a.o.Ready(ctx)
	if err, here := parts["intake"]; here && err == nil {
		parts["intake"] = a.room.err()
	}
	names := slices.Sorted(maps.Keys(parts))
	asked, err := askedParts(in.Parts, names)
	if err != nil {
		return nil, err
	}
	v := readinessView{Status: "ready", Parts: map[string]string{}}
	var red []string
	var causes []any
	for _, name := range names {
		state := partState(parts[name])
		if state != "ok" {
			red = append(red, name+" "+state)
			causes = append(causes, name, parts[name])
		}
		if slices.Contains(asked, name) {
			v.Parts[name] = state
			if state != "ok" {
				v.Status = "not_ready"
			}
		}
	}
	a.logReadiness(strings.Join(red, ","), causes)
	if v.Status != "ready" {
		return &reply[readinessView]{Status: http.StatusServiceUnavailable, Value: v}, nil
	}
	return &reply[readinessView]{Value: v}, nil
}

// askedParts reads a list of names; none asks for all.
func askedParts(list string, names []string) ([]string, error) {
	if list == "" {
		return names, nil
	}
	var f webhook.Faults
	asked := strings.Split(list, ",")
	for _, name := range asked {
		if !slices.Contains(names, name) {
			f.Add("parts", "%q is no part of this process; its parts are %s", clip(name), strings.Join(names, ", "))
		}
	}
	return asked, f.Err()
}

// logReadiness writes a line when the parts that fail are others than before.
func (a *api) logReadiness(red string, causes []any) {
	before := a.notReady.Swap(&red)
	switch {
	case before == nil && red == "", before != nil && *before == red:
	case red == "":
		a.o.Log.Info("ready again")
	default:
		a.o.Log.Warn("not ready", causes...)
	}
}
