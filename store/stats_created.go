package store

import (
	"context"
	"maps"
	"sync"
	"time"
)

const (
	// statsSlot is the span for which the count of what was created is kept.
	statsSlot = 5 * time.Minute
	// statsSettled is how long after its end a slot gets no more deliveries: an
	// id is made before its row is committed.
	statsSettled = time.Minute
	// statsSlotsAtOnce is how many slots one statement counts.
	statsSlotsAtOnce = 32
)

// created remembers how many deliveries were created in each slot. That never
// changes once the slot is over, so each delivery is counted once in the life
// of a process, and by nobody who waits for it to be sent.
type created struct {
	mu    sync.Mutex // holds while somebody counts: others wait for the same numbers
	slots map[int64]int64
}

// count is how many were created in each hour, by the hour's begin in Unix
// seconds. from is a slot's begin.
func (c *created) count(ctx context.Context, s *Store, from, now time.Time) (map[int64]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.slots == nil {
		c.slots = map[int64]int64{}
	}
	oldest := now.Add(-StatsSpan - time.Hour).Unix()
	maps.DeleteFunc(c.slots, func(at, _ int64) bool { return at < oldest })
	hours := map[int64]int64{}
	var missing []idSpan
	for at := from; !at.After(now); at = at.Add(statsSlot) {
		if n, known := c.slots[at.Unix()]; known {
			hours[at.Truncate(time.Hour).Unix()] += n
		} else {
			missing = append(missing, idSpan{at, at.Add(statsSlot)})
		}
	}
	for len(missing) > 0 {
		part := missing[:min(len(missing), statsSlotsAtOnce)]
		missing = missing[len(part):]
		counts := make([]int64, len(part))
		err := s.countSpans(ctx, `SELECT v_n, (SELECT count(*) FROM deliveries WHERE id >= v_from AND id < v_to) FROM v`, part, counts)
		if err != nil {
			return nil, err
		}
		for i, span := range part {
			hours[span.from.Truncate(time.Hour).Unix()] += counts[i]
			if now.Sub(span.to) > statsSettled {
				c.slots[span.from.Unix()] = counts[i]
			}
		}
	}
	return hours, nil
}
