package dispatcher

import (
	"slices"
	"strings"
)

// Lane is a queue of hints with workers of its own, so that one kind of work
// never waits behind another.
type Lane string

// The lanes.
const (
	LaneFirst  Lane = "first"  // first attempts, and what an operator asked for
	LaneRetry  Lane = "retry"  // further attempts
	LaneExport Lane = "export" // pages of exports
)

// lanes are all of them.
var lanes = []Lane{LaneFirst, LaneRetry, LaneExport}

// Lanes lists every lane.
func Lanes() []Lane { return slices.Clone(lanes) }

const queuePrefix = "carteiro-"

// queue is the lane's name in asynq.
func (l Lane) queue() string { return queuePrefix + string(l) }

// share is how many of n slots a lane may take. First attempts may take all;
// the others leave a part free, so that first attempts never starve.
func (l Lane) share(n int) int {
	switch l {
	case LaneRetry:
		return max(1, n/2)
	case LaneExport:
		return max(1, n/4)
	}
	return max(1, n)
}

// laneFor picks the lane of a delivery.
func laneFor(first bool, isPage bool) Lane {
	switch {
	case isPage:
		return LaneExport
	case first:
		return LaneFirst
	}
	return LaneRetry
}

// laneOfKey finds the lane in a key of asynq, such as "asynq:{carteiro-first}:pending".
func laneOfKey(key string) (Lane, bool) {
	_, rest, ok := strings.Cut(key, "{"+queuePrefix)
	if !ok {
		return "", false
	}
	name, _, ok := strings.Cut(rest, "}")
	return Lane(name), ok
}
