package api

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
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
	Parts  map[string]string `json:"parts" doc:"by name: ok, or failing; the log has the cause"`
}

// readyTimeout bounds the look at all parts: whoever asks decides by the
// answer where traffic goes, and does not wait long.
const readyTimeout = 2 * time.Second

// getReadiness tells whether each part is there. The causes go to the log: who
// asks has no key, and a cause names hosts.
func (a *api) getReadiness(ctx context.Context, _ *struct{}) (*reply[readinessView], error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	v := readinessView{Status: "ready", Parts: map[string]string{}}
	parts := a.o.Ready(ctx)
	var red []string
	var causes []any
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		v.Parts[name] = "ok"
		if err := parts[name]; err != nil {
			v.Status, v.Parts[name] = "not_ready", "failing"
			red = append(red, name)
			causes = append(causes, name, err)
		}
	}
	a.logReadiness(strings.Join(red, ","), causes)
	if len(red) > 0 {
		return &reply[readinessView]{Status: http.StatusServiceUnavailable, Value: v}, nil
	}
	return &reply[readinessView]{Value: v}, nil
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
