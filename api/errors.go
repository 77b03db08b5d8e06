package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// problem is an error's answer (RFC 9457).
type problem struct {
	Type      string          `json:"type" doc:"always about:blank: the code tells what happened"`
	Title     string          `json:"title" doc:"the status in words"`
	Status    int             `json:"status" doc:"the HTTP status"`
	Detail    string          `json:"detail" doc:"what happened and what to do, for people"`
	Code      string          `json:"code" doc:"what happened, for programs; stable"`
	Errors    []webhook.Fault `json:"errors,omitempty" doc:"each wrong field; path is a JSON pointer into the body, or the name of a query parameter"`
	RequestID string          `json:"request_id,omitempty" doc:"for a fault of ours: what to look for in the log"`
	Partial   *partial        `json:"partial,omitempty" doc:"what was done before the request stopped, where a part of it counts"`
	header    http.Header
}

func newProblem(status int, code, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// with adds a header to the answer.
func (p *problem) with(name, value string) *problem {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

// Error, GetStatus, GetHeaders and ContentType are what huma asks of an error.
func (p *problem) Error() string             { return p.Detail }
func (p *problem) GetStatus() int            { return p.Status }
func (p *problem) GetHeaders() http.Header   { return p.header }
func (p *problem) ContentType(string) string { return contentProblem }

// statuses maps the families of errors to HTTP.
var statuses = map[webhook.ErrorKind]int{
	webhook.KindMalformed:    http.StatusBadRequest,
	webhook.KindUnauthorized: http.StatusUnauthorized,
	webhook.KindForbidden:    http.StatusForbidden,
	webhook.KindNotFound:     http.StatusNotFound,
	webhook.KindConflict:     http.StatusConflict,
	webhook.KindTooLarge:     http.StatusRequestEntityTooLarge,
	webhook.KindInvalid:      http.StatusUnprocessableEntity,
	webhook.KindRateLimited:  http.StatusTooManyRequests,
	webhook.KindUnavailable:  http.StatusServiceUnavailable,
	webhook.KindGone:         http.StatusGone,
}

// maxFaults bounds how many wrong fields one answer names: a batch of a
// thousand events can hold many thousands.
const maxFaults = 100

// describe turns an error that the caller can do something about into its
// answer. Whatever is not such an error gives nil: it is our own fault.
func describe(err error) *problem {
	var p *problem
	var e *webhook.Error
	var replay *store.Replay
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &e) && statuses[e.Kind] != 0:
		p = newProblem(statuses[e.Kind], e.Code, e.Message)
		p.Errors = e.Faults
		if n := len(e.Faults); n > maxFaults {
			p.Errors = e.Faults[:maxFaults:maxFaults]
			p.Detail += fmt.Sprintf(" The first %d of them are named here.", maxFaults)
		}
		if p.Status == http.StatusUnauthorized {
			p.with("WWW-Authenticate", `Bearer realm="carteiro"`)
		}
		if e.RetryAfter > 0 || p.Status == http.StatusServiceUnavailable {
			p.with("Retry-After", seconds(e.RetryAfter))
		}
		return p
	case errors.As(err, &replay):
		return nil // the handlers answer these themselves
	case errors.Is(err, context.Canceled):
		return newProblem(http.StatusServiceUnavailable, "canceled",
			"The request ended before it was answered; whether it was carried out is not known.").with("Retry-After", "1")
	case errors.Is(err, context.DeadlineExceeded):
		return newProblem(http.StatusServiceUnavailable, "timeout",
			"The request could not be carried out in time; whether it was is not known. "+
				"Send it again; with the same Idempotency-Key nothing is done twice.").with("Retry-After", "5")
	}
	return nil
}

// seconds is a wait as Retry-After has it: whole, and at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

// problem is the one way from an error to its answer. What is our own fault is
// logged here, once, and the answer says no more than where to look.
func (a *api) problem(ctx context.Context, err error) *problem {
	c := callOf(ctx)
	p := describe(err)
	if p == nil {
		a.o.Log.Error("a request failed through a fault of ours", "request_id", c.id, "route", c.route, "error", err)
		return internalProblem(c.id)
	}
	if p.Status == http.StatusServiceUnavailable {
		a.logUnavailable(c, err)
	}
	return p
}

func internalProblem(requestID string) *problem {
	p := newProblem(http.StatusInternalServerError, "internal_error",
		"Something went wrong on our side. The server's log has the cause under this request_id.")
	p.RequestID = requestID
	return p
}

// logUnavailable writes at most one line a second: when a database is away,
// every request fails for the same reason.
func (a *api) logUnavailable(c *call, err error) {
	now := a.o.Now().Unix()
	if last := a.logged.Load(); last != now && a.logged.CompareAndSwap(last, now) {
		a.o.Log.Warn("requests are refused: a part is not available", "request_id", c.id, "route", c.route, "error", err)
	}
}

// humaError stands in for huma.NewErrorWithContext: what huma itself finds
// wrong (a parameter), and what our resolvers find (a body), becomes one
// problem. huma's own would repeat the text of any error to the caller.
func humaError(ctx huma.Context, status int, _ string, errs ...error) huma.StatusError {
	var faults webhook.Faults
	for _, err := range errs {
		var detail *huma.ErrorDetail
		var ours *webhook.Error
		switch {
		case errors.As(err, &detail):
			name := parameter(detail.Location)
			faults.Add(name, "%s", parameterFault(underWay(ctx), name, detail.Message))
		case errors.As(err, &ours) && ours.Kind == webhook.KindInvalid && ours.Code == "invalid_request":
			faults = append(faults, ours.Faults...)
		default:
			if p := describe(err); p != nil {
				for name := range p.header { // of what a resolver finds, huma writes no headers
					ctx.SetHeader(name, p.header.Get(name))
				}
				return p // nothing else can be said of a body that cannot be read
			}
		}
	}
	if err := faults.Err(); err != nil {
		return describe(err)
	}
	if status < 400 || status >= 500 {
		id := ""
		if ctx != nil {
			id = callOf(ctx.Context()).id
		}
		return internalProblem(id)
	}
	return newProblem(status, "bad_request", "The request cannot be carried out as it is.")
}

// underWay is the operation that is carried out; nil outside of one.
func underWay(ctx huma.Context) *huma.Operation {
	if ctx == nil {
		return nil
	}
	return ctx.Operation()
}

// parameter is the name of a parameter from huma's location "query.limit".
func parameter(location string) string {
	for _, in := range []string{"query.", "path.", "header."} {
		if name, ok := strings.CutPrefix(location, in); ok {
			return name
		}
	}
	return location
}
