package dispatcher

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Observation is one attempt and where its delivery stands after it.
type Observation struct {
	DeliveryID     webhook.DeliveryID
	MessageID      webhook.MessageID
	EventType      webhook.Slug
	ClientID       webhook.ClientID
	SubscriptionID webhook.SubscriptionID
	Lane           Lane
	Due            time.Time // when the attempt was to start
	Attempt        *webhook.Attempt
	Was            webhook.DeliveryState // when it was claimed
	State          webhook.DeliveryState
	NextAttemptAt  time.Time // zero: the schedule sends nothing more
	RecordedAt     time.Time // when the result was committed
}

// IntakeObservation is one call of Accept.
type IntakeObservation struct {
	Began, Ended time.Time
	Events       int        // that were offered
	Accepted     []Accepted // that are committed; nil when Err is not
	Err          error      // why nothing was
}

// observe tells of a committed attempt: to the log, and to whoever looks.
func (d *delivery) observe(a *webhook.Attempt, r store.Recorded) {
	o := &d.w.d.o
	d.log(a, r)
	o.Observe(Observation{
		DeliveryID: d.c.ID, MessageID: d.c.MessageID, EventType: d.c.EventType, ClientID: d.c.ClientID,
		SubscriptionID: d.c.SubscriptionID, Lane: d.lane, Due: d.c.Due(), Attempt: a,
		Was: d.c.Standing.State, State: r.State, NextAttemptAt: r.NextAttemptAt, RecordedAt: o.Now(),
	})
}

// log writes the one wide line of an attempt: nothing of the payload, and of
// the URL only the host. docs/observability.md has its fields.
func (d *delivery) log(a *webhook.Attempt, r store.Recorded) {
	log, ctx := d.w.d.o.Log, context.Background()
	if !log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	fields := make([]slog.Attr, 0, 24) // as many as a line can have
	fields = append(fields,
		slog.String("delivery", string(d.c.ID)), slog.String("message", string(d.c.MessageID)), slog.String("type", string(d.c.EventType)),
		slog.String("client", string(d.c.ClientID)), slog.String("subscription", string(d.c.SubscriptionID)), slog.String("host", hostPart(a.URL)),
		slog.String("lane", string(d.lane)), slog.Int("number", a.Number), slog.String("trigger", string(a.Trigger)),
		slog.Int("status", a.Status), slog.String("error", string(a.ErrorCode())), slog.String("state", string(r.State)),
		slog.Float64("late_ms", inMS(d.late)), slog.Float64("duration_ms", inMS(a.Duration)))
	for _, step := range [...]struct {
		name string
		took *time.Duration
	}{{"dns_ms", a.Timing.DNS}, {"connect_ms", a.Timing.Connect}, {"tls_ms", a.Timing.TLS}, {"first_byte_ms", a.Timing.FirstByte}} {
		if step.took != nil {
			fields = append(fields, slog.Float64(step.name, inMS(*step.took)))
		}
	}
	if a.Waited {
		fields = append(fields, slog.Bool("waited", true))
	}
	if d.c.RunID != "" {
		fields = append(fields, slog.String("run", string(d.c.RunID)), slog.Int("page", d.c.Page))
	}
	if !r.NextAttemptAt.IsZero() {
		fields = append(fields, slog.Time("next_attempt_at", r.NextAttemptAt))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "attempt", fields...)
}

// inMS is a duration in milliseconds, to the microsecond.
func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// hostPart is the host and port of a URL, without what a URL may have around
// them. It makes nothing new: it is called for each attempt.
func hostPart(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// Snapshot is how the work of this process stands.
type Snapshot struct {
	Workers  int // exchanges that may be under way
	InFlight int // exchanges under way
	Lanes    []LaneSnapshot
	Doors    DoorsSnapshot
	Hints    HintsSnapshot
}

// LaneSnapshot is one lane.
type LaneSnapshot struct {
	Lane         Lane
	Slots, Busy  int   // exchanges that may be under way, and are; 0 in a process without workers
	HintsWaiting int64 // in Redis, when the reconciler last looked; 0 in a process without workers
}

// DoorsSnapshot counts subscriptions and hosts at this process's gate.
type DoorsSnapshot struct {
	Waiting int // those for which deliveries wait in memory
	Parked  int // those of which SQL may hold parked deliveries
}

// HintsSnapshot counts hints since the start.
type HintsSnapshot struct {
	Sent       int64 // hints that Redis took
	Deliveries int64 // deliveries in them
	Refused    int64 // times that Redis did not take one
	Dropped    int64 // deliveries without a hint, for there was no room: the reconciler finds them
	Gathering  int   // deliveries whose hint was not sent yet
}

// hintCounts are counted where hints are sent, by the one goroutine that sends.
type hintCounts struct {
	sent, deliveries, refused, dropped atomic.Int64
	waiting                            map[Lane]*atomic.Int64
}

func newHintCounts() *hintCounts {
	c := &hintCounts{waiting: map[Lane]*atomic.Int64{}}
	for _, l := range lanes {
		c.waiting[l] = &atomic.Int64{}
	}
	return c
}

// Snapshot tells how the work of this process stands.
func (d *Dispatcher) Snapshot() Snapshot {
	h := d.hints
	out := Snapshot{Hints: HintsSnapshot{
		Sent: h.counts.sent.Load(), Deliveries: h.counts.deliveries.Load(), Refused: h.counts.refused.Load(), Dropped: h.counts.dropped.Load(),
	}}
	h.mu.Lock()
	out.Hints.Gathering = h.count
	h.mu.Unlock()
	for _, l := range lanes {
		s := LaneSnapshot{Lane: l, HintsWaiting: h.counts.waiting[l].Load()}
		if d.worker != nil {
			s.Slots, s.Busy = cap(d.worker.slots.lanes[l]), len(d.worker.slots.lanes[l])
		}
		out.Lanes = append(out.Lanes, s)
	}
	if d.worker != nil {
		out.Workers, out.InFlight = d.o.Workers, d.worker.slots.busy()
		out.Doors = d.worker.gate.snapshot()
	}
	return out
}

func (g *gate) snapshot() DoorsSnapshot {
	g.mu.Lock()
	defer g.mu.Unlock()
	return DoorsSnapshot{Waiting: len(g.waiting), Parked: len(g.parked)}
}
