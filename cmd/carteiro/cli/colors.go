package cli

import (
	"strconv"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

// stateCell colours a state of whatever has states.
func stateCell(state string) show.Cell {
	colors := map[string]show.Color{
		"succeeded": show.Green, "active": show.Green, "finished": show.Green, "COMPLETED": show.Green, "done": show.Green, "ok": show.Green, "ready": show.Green,
		"failed": show.Red, "FAILED": show.Red, "EXPIRED": show.Red, "failing": show.Red, "full": show.Red, "not_ready": show.Red,
		"retrying": show.Yellow, "held": show.Yellow, "paused": show.Yellow, "running": show.Cyan, "pending": show.Cyan, "PENDING": show.Cyan,
		"canceled": show.Faint,
	}
	return show.Cell{Text: state, Color: colors[state]}
}

// statusText is the HTTP status of an attempt, or "" when none was read.
func statusText(status *int) string {
	if status == nil || *status == 0 {
		return ""
	}
	return strconv.Itoa(*status)
}
