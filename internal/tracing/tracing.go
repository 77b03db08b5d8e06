package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options of New.
type Options struct {
	// Endpoint is the collector's base URL, such as http://127.0.0.1:4318; "":
	// what the standard variables OTEL_EXPORTER_OTLP_… say.
	Endpoint string
	Version  string // of the program
	Log      *slog.Logger
}

// Tracing sends spans. It is safe for concurrent use.
type Tracing struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	events   recent
	log      *slog.Logger
	told     atomic.Int64 // when a failure was last logged, Unix seconds
}

// New starts to send spans. Nothing waits for the collector: what it does not
// take in time is dropped.
func New(ctx context.Context, o Options) (*Tracing, error) {
	var to []otlptracehttp.Option
	if o.Endpoint != "" {
		at, err := url.JoinPath(o.Endpoint, "v1/traces")
		if err != nil {
			return nil, fmt.Errorf("the endpoint of the traces is no URL: %w", err)
		}
		to = append(to, otlptracehttp.WithEndpointURL(at))
	}
	exporter, err := otlptracehttp.New(ctx, to...)
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	us, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.name", "carteiro"), attribute.String("service.version", o.Version)))
	if err != nil {
		return nil, fmt.Errorf("send traces: %w", err)
	}
	t := &Tracing{provider: sdk.NewTracerProvider(sdk.WithBatcher(exporter), sdk.WithResource(us)), log: o.Log}
	t.tracer = t.provider.Tracer("carteiro")
	otel.SetErrorHandler(otel.ErrorHandlerFunc(t.failed)) // the library has one for the whole process
	return t, nil
}

// failedEvery is how often a failure is logged: each batch would fail for the
// same reason.
const failedEvery = 60

func (t *Tracing) failed(err error) {
	now := time.Now().Unix()
	if last := t.told.Load(); now-last >= failedEvery && t.told.CompareAndSwap(last, now) {
		t.log.Warn("traces could not be sent; they are dropped", "error", err)
	}
}

// Stop sends what has gathered, until ctx ends.
func (t *Tracing) Stop(ctx context.Context) {
	if err := t.provider.Shutdown(ctx); err != nil {
		t.failed(err)
	}
}

// Request begins the span of a request to the API, in the trace of who calls
// if the request names one. The context carries it; end ends it.
func (t *Tracing) Request(ctx context.Context, r *http.Request, route string) (_ context.Context, end func(status int)) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	name, method := "request", ""
	if route != "" { // what has no route may have any method
		name, method = r.Method+" "+route, r.Method
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)))
	return ctx, func(status int) {
		span.SetAttributes(attribute.Int("http.response.status_code", status))
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}
