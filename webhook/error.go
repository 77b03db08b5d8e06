package webhook

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrorKind is the family of an [Error]; the API maps each to one HTTP status.
type ErrorKind int

// The families of errors that a caller can do something about. Whatever is
// not an *Error is an internal fault.
const (
	KindMalformed    ErrorKind = iota + 1 // 400: not JSON, not a valid cursor
	KindUnauthorized                      // 401: no key, or not a known one
	KindForbidden                         // 403: the key may not do this
	KindNotFound                          // 404
	KindConflict                          // 409: the state does not allow it
	KindTooLarge                          // 413
	KindInvalid                           // 422: well-formed, but a field is wrong
	KindRateLimited                       // 429
	KindUnavailable                       // 503: a part we depend on is down
	KindGone                              // 410: it was there, and was removed
)

// Error is an error that the caller can mend or wait out. Code is stable and
// meant for programs; Message says what happened, to what, and what to do.
type Error struct {
	Kind       ErrorKind
	Code       string        // snake_case, stable: "unknown_event_type"
	Message    string        // one or two sentences for a person
	Faults     []Fault       // each wrong field, for KindInvalid and KindMalformed
	RetryAfter time.Duration // for KindRateLimited and KindUnavailable
}

// Fault is one wrong place in a request.
type Fault struct {
	Path    string `json:"path"`    // JSON pointer (RFC 6901) into the request body, or the name of a query parameter
	Message string `json:"message"` // what is wrong there and what is allowed
}

func (e *Error) Error() string {
	if len(e.Faults) == 0 {
		return e.Message
	}
	parts := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		parts[i] = f.Path + ": " + f.Message
	}
	return e.Message + " (" + strings.Join(parts, "; ") + ")"
}

// NotFound says that a thing of a kind does not exist.
func NotFound(kind, id string) *Error {
	return &Error{
		Kind: KindNotFound, Code: "not_found",
		Message: fmt.Sprintf("There is no %s %q.", kind, id),
	}
}

// Conflict says that the present state of a thing does not allow the request.
func Conflict(code, format string, args ...any) *Error {
	return &Error{Kind: KindConflict, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Malformed says that the request could not be read at all.
func Malformed(code, format string, args ...any) *Error {
	return &Error{Kind: KindMalformed, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Faults collects the wrong fields of one request, so that all are told at once.
type Faults []Fault

// Add notes that the value at path is wrong.
func (f *Faults) Add(path, format string, args ...any) {
	*f = append(*f, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

// Err returns nil when nothing was wrong, and otherwise an error of
// KindInvalid that lists every fault.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	what := "1 field is"
	if len(f) > 1 {
		what = fmt.Sprintf("%d fields are", len(f))
	}
	return &Error{
		Kind: KindInvalid, Code: "invalid_request",
		Message: "The request was understood, but " + what + " not valid.", Faults: f,
	}
}

// IsKind tells whether err is, or wraps, an *Error of the given family.
func IsKind(err error, k ErrorKind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == k
}
