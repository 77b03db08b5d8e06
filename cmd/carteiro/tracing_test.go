package main

import (
	"bytes"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	v1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// traceCollector takes traces by OTLP over HTTP.
type traceCollector struct {
	*httptest.Server
	mu    sync.Mutex
	raw   [][]byte
	spans map[string]*v1.Span // by name; the latest
	more  chan struct{}
}

func newTraceCollector(t *testing.T) *traceCollector {
	c := &traceCollector{spans: map[string]*v1.Span{}, more: make(chan struct{}, 1000)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the process was killed in the middle
		}
		var in collector.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.raw = append(c.raw, body)
		for _, of := range in.ResourceSpans {
			for _, scope := range of.ScopeSpans {
				for _, span := range scope.Spans {
					c.spans[span.Name] = span
				}
			}
		}
		c.more <- struct{}{}
	}))
	t.Cleanup(c.Close)
	return c
}

// span waits for a span.
func (c *traceCollector) span(t *testing.T, name string) *v1.Span {
	t.Helper()
	late := time.After(limit)
	for {
		c.mu.Lock()
		span := c.spans[name]
		c.mu.Unlock()
		if span != nil {
			return span
		}
		select {
		case <-c.more:
		case <-late:
			t.Fatalf("no span %q came in time", name)
		}
	}
}

// everything is all that came.
func (c *traceCollector) everything() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Join(c.raw, []byte("\n"))
}

// attributeOf is an attribute's text.
func attributeOf(s *v1.Span, name string) string {
	for _, a := range s.Attributes {
		if a.Key == name {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// A request, the commit of its event, the attempt and the commit of its result
// are traced: the request goes on in the caller's trace, the attempt links to
// the event, and the client gets no trace context.
func TestTraces(t *testing.T) {
	traces, c := newTraceCollector(t), newClient(t)
	p := start(t, t.TempDir(), []string{"CARTEIRO_OTLP_ENDPOINT=" + traces.URL, "OTEL_BSP_SCHEDULE_DELAY=50"}, "serve")
	p.subscribe(c.URL + "/hook?token=" + canaryURLToken)
	const caller = "4bf92f3577b34da6a3ce929d0e0e4736"
	req, err := http.NewRequest("POST", p.base+"/v1/events", strings.NewReader(`{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"`+canaryCPF+`"},"exchange":{"id":"2"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Traceparent", "00-"+caller+"-00f067aa0ba902b7-01")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatal(res, err)
	}
	res.Body.Close()
	a := c.next(t)
	for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
		if v := a.header.Get(name); v != "" {
			t.Errorf("the client got %s: %s", name, v)
		}
	}
	a.answer <- http.StatusServiceUnavailable

	request, commit := traces.span(t, "POST /v1/events"), traces.span(t, "commit events")
	attempt, result := traces.span(t, "attempt"), traces.span(t, "commit result")
	if got := hex.EncodeToString(request.TraceId); got != caller || !bytes.Equal(commit.TraceId, request.TraceId) || !bytes.Equal(commit.ParentSpanId, request.SpanId) {
		t.Errorf("the request is in the trace %s, the commit in %x under %x", got, commit.TraceId, commit.ParentSpanId)
	}
	if len(attempt.Links) != 1 || !bytes.Equal(attempt.Links[0].SpanId, commit.SpanId) || len(attempt.ParentSpanId) != 0 || !bytes.Equal(result.ParentSpanId, attempt.SpanId) {
		t.Errorf("the attempt links to %v and is under %x, its result under %x", attempt.Links, attempt.ParentSpanId, result.ParentSpanId)
	}
	events := map[string]bool{}
	for _, e := range attempt.Events {
		events[e.Name] = e.TimeUnixNano >= attempt.StartTimeUnixNano && e.TimeUnixNano <= attempt.EndTimeUnixNano
	}
	if !events["connected"] || !events["first byte"] {
		t.Errorf("the attempt's events are %v", attempt.Events)
	}
	for name, want := range map[string]string{
		"carteiro.message.id": a.id, "server.address": strings.TrimPrefix(c.URL, "http://"), "error.type": "status",
		"carteiro.delivery.state": "retrying", "carteiro.client.id": "acme", "carteiro.lane": "first",
	} {
		if got := attributeOf(attempt, name); got != want {
			t.Errorf("the attempt's %s is %q, want %q", name, got, want)
		}
	}
	if code := terminate(p); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// A collector that is away keeps nothing from being sent, nor the program from
// its end.
func TestTracesGoNowhere(t *testing.T) {
	c := newClient(t)
	p := start(t, t.TempDir(), []string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_EXPORTER_OTLP_TIMEOUT=200"}, "serve")
	p.subscribe(c.URL)
	p.post()
	c.next(t).answer <- http.StatusOK
	p.settled(`carteiro_deliveries_ended_total{state="succeeded"} 1`)
	if code := terminate(p); code != exitOK || !strings.Contains(p.logged(), "traces could not be sent") {
		t.Errorf("exit code %d\n%s", code, p.logged())
	}
}
