package tracing

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Intake makes the span of a call of Accept, in the request's.
func (t *Tracing) Intake(ctx context.Context, o dispatcher.IntakeObservation) {
	_, span := t.tracer.Start(ctx, "commit events", trace.WithTimestamp(o.Began),
		trace.WithAttributes(attribute.Int("carteiro.events", o.Events)))
	defer span.End(trace.WithTimestamp(o.Ended))
	if o.Err != nil {
		span.SetStatus(codes.Error, "") // the request's status tells why
		return
	}
	if !span.IsRecording() {
		return
	}
	ids := make([]string, len(o.Accepted))
	for i := range o.Accepted {
		id := o.Accepted[i].Message.ID
		ids[i] = string(id)
		t.events.put(id, span.SpanContext())
	}
	span.SetAttributes(attribute.StringSlice("carteiro.message.ids", ids))
}

// Attempt makes the trace of an attempt whose result is committed.
func (t *Tracing) Attempt(o dispatcher.Observation) {
	a := o.Attempt
	start := []trace.SpanStartOption{
		trace.WithNewRoot(), trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.StartedAt), trace.WithAttributes(attributes(o)...),
	}
	if event, known := t.events.get(o.MessageID); known {
		start = append(start, trace.WithLinks(trace.Link{SpanContext: event}))
	}
	ctx, span := t.tracer.Start(context.Background(), "attempt", start...)
	at := a.StartedAt
	for _, step := range []struct {
		name string
		took *time.Duration
	}{{"name resolved", a.Timing.DNS}, {"connected", a.Timing.Connect}, {"TLS established", a.Timing.TLS}, {"first byte", a.Timing.FirstByte}} {
		if step.took != nil {
			at = at.Add(*step.took)
			span.AddEvent(step.name, trace.WithTimestamp(at))
		}
	}
	if !a.Acknowledged() {
		span.SetStatus(codes.Error, string(a.ErrorCode()))
	}
	_, commit := t.tracer.Start(ctx, "commit result", trace.WithTimestamp(a.EndedAt()))
	commit.End(trace.WithTimestamp(o.RecordedAt))
	span.End(trace.WithTimestamp(a.EndedAt()))
}

func attributes(o dispatcher.Observation) []attribute.KeyValue {
	a := o.Attempt
	out := []attribute.KeyValue{
		attribute.String("carteiro.message.id", string(o.MessageID)), attribute.String("carteiro.delivery.id", string(o.DeliveryID)),
		attribute.String("carteiro.event.type", string(o.EventType)), attribute.String("carteiro.client.id", string(o.ClientID)),
		attribute.String("carteiro.subscription.id", string(o.SubscriptionID)), attribute.String("carteiro.lane", string(o.Lane)),
		attribute.Int("carteiro.attempt.number", a.Number), attribute.String("carteiro.attempt.trigger", string(a.Trigger)),
		attribute.String("carteiro.delivery.state", string(o.State)), attribute.String("server.address", host(a.URL)),
	}
	if a.Status != 0 {
		out = append(out, attribute.Int("http.response.status_code", a.Status))
	}
	if a.Late != nil {
		out = append(out, attribute.Float64("carteiro.attempt.late_ms", float64(a.Late.Microseconds())/1000))
	}
	if !a.Acknowledged() {
		out = append(out, attribute.String("error.type", string(a.ErrorCode())))
	}
	return out
}

// host is all that a span tells of a URL.
func host(target string) string {
	_, rest, _ := strings.Cut(target, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[strings.LastIndexByte(rest, '@')+1:]
}

// recent knows the spans of the newest events.
type recent struct {
	mu    sync.Mutex
	spans map[webhook.MessageID]trace.SpanContext
	order []webhook.MessageID // a ring, once it is full
	next  int
}

// recentEvents is how many events are known: some megabytes.
const recentEvents = 20_000

func (r *recent) put(id webhook.MessageID, span trace.SpanContext) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spans == nil {
		r.spans = map[webhook.MessageID]trace.SpanContext{}
	}
	if len(r.order) < recentEvents {
		r.order = append(r.order, id)
	} else {
		delete(r.spans, r.order[r.next])
		r.order[r.next] = id
		r.next = (r.next + 1) % recentEvents
	}
	r.spans[id] = span
}

func (r *recent) get(id webhook.MessageID) (trace.SpanContext, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	span, ok := r.spans[id]
	return span, ok
}
