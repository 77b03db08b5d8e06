package console

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// errInternal is a fault of ours that is logged already.
var errInternal = errors.New("internal error")

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

// errorPage is what the page of an error shows. The catalogue has a title and
// a way out for each status.
type errorPage struct {
	Status  int
	Message string // what the error says; "" for a fault of ours
	Faults  []webhook.Fault
	Request string // its id, for a fault of ours
}

// fail is the one way from an error to its page. What is our own fault is
// logged here, once, and the page says no more than where to look.
func (v *visit) fail(err error) {
	p := errorPage{Status: http.StatusInternalServerError, Request: v.id}
	var e *webhook.Error
	switch {
	case errors.As(err, &e) && statuses[e.Kind] != 0:
		p = errorPage{Status: statuses[e.Kind], Message: v.told(e.Message)}
		for _, fault := range e.Faults {
			p.Faults = append(p.Faults, webhook.Fault{Path: fault.Path, Message: v.told(fault.Message)})
		}
		setRetryAfter(v.w.Header(), err)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		p.Status = http.StatusServiceUnavailable
		v.w.Header().Set("Retry-After", "5")
	case !errors.Is(err, errInternal):
		v.c.o.Log.Error("a request failed through a fault of ours", "request_id", v.id, "route", v.route.path, "error", err)
	}
	if p.Status == http.StatusUnauthorized {
		v.sendToSignIn()
		return
	}
	if err := v.showWith(p.Status, "error", p); err != nil {
		v.c.o.Log.Error("the page of an error could not be made", "request_id", v.id, "error", err)
		http.Error(v.w, http.StatusText(p.Status), p.Status)
	}
}

// sendToSignIn brings a visitor without a session to the form and, after it,
// back to the page that was asked for.
func (v *visit) sendToSignIn() {
	v.dropCookie(sessionCookie)
	to := "/console/sign-in"
	if v.r.Method == get && v.r.URL.Path != "/console" {
		to += "?next=" + url.QueryEscape(v.r.URL.RequestURI())
	}
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
}

// setRetryAfter tells how long to wait, where an error knows.
func setRetryAfter(h http.Header, err error) {
	var e *webhook.Error
	if errors.As(err, &e) && (e.RetryAfter > 0 || e.Kind == webhook.KindUnavailable) {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	}
}
