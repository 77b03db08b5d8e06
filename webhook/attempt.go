package webhook

import (
	"time"
)

// Trigger tells what started an attempt.
type Trigger string

// What starts an attempt.
const (
	TriggerAutomatic Trigger = "automatic" // the schedule
	TriggerManual    Trigger = "manual"    // an operator's retry
	TriggerTest      Trigger = "test"      // an operator's test
)

// ErrorCode is the cause of a failed attempt, from a closed list.
type ErrorCode string

// The causes of a failed attempt.
const (
	ErrorNone           ErrorCode = ""
	ErrorDNS            ErrorCode = "dns"             // the name did not resolve
	ErrorConnect        ErrorCode = "connect"         // no TCP connection
	ErrorTLS            ErrorCode = "tls"             // no TLS session: certificate, version, handshake
	ErrorTimeout        ErrorCode = "timeout"         // no answer within the deadline
	ErrorRefusedAddress ErrorCode = "refused_address" // the address policy forbids the address dialled
	ErrorRedirect       ErrorCode = "redirect"        // a 3xx, which is never followed
	ErrorStatus         ErrorCode = "status"          // any other status that does not acknowledge
	ErrorBodyTooLarge   ErrorCode = "body_too_large"  // a required body could not be judged: it is too large
	ErrorProtocol       ErrorCode = "protocol"        // not HTTP, or the connection broke
	ErrorShutdown       ErrorCode = "shutdown"        // our own process stopped in the middle
)

// ErrorCodes lists every cause.
var ErrorCodes = []ErrorCode{
	ErrorDNS, ErrorConnect, ErrorTLS, ErrorTimeout, ErrorRefusedAddress, ErrorRedirect,
	ErrorStatus, ErrorBodyTooLarge, ErrorProtocol, ErrorShutdown,
}

// MaxStoredBody is how much of an answer is kept, in bytes.
const MaxStoredBody = 16 << 10

// Warnings of an attempt that was acknowledged all the same.
const (
	// WarningUnexpectedBody: 200, but not with the body that the export
	// contract expects (wire-contracts: "acknowledged without the expected body").
	WarningUnexpectedBody = "acknowledged without the expected body"
	// WarningBodyIncomplete: the acknowledging status line was read, but the
	// rest of the answer broke off or did not end in time.
	WarningBodyIncomplete = "acknowledged, but the answer's body did not end"
)

// Attempt is one HTTP request of a delivery and what came of it.
type Attempt struct {
	Number            int                 `json:"number"`             // counted from 1, without gaps
	Trigger           Trigger             `json:"trigger"`            //
	StartedAt         time.Time           `json:"started_at"`         // UTC, microseconds
	Duration          time.Duration       `json:"-"`                  // until the answer's body was read
	Timing            Timing              `json:"timing"`             //
	URL               string              `json:"url"`                // where it went
	RemoteAddr        string              `json:"remote_addr"`        // the address dialled, "" when none was
	Status            int                 `json:"status"`             // HTTP status, 0 when no status line was read
	Error             *AttemptError       `json:"error"`              // nil when acknowledged
	RequestHeaders    map[string]string   `json:"request_headers"`    // secret values redacted
	ResponseHeaders   map[string][]string `json:"response_headers"`   // secret values redacted
	ResponseBody      []byte              `json:"-"`                  // at most MaxStoredBody
	ResponseTruncated bool                `json:"response_truncated"` // there was more
	Warnings          []string            `json:"warnings"`           //
	Late              *time.Duration      `json:"-"`                  // how long after its due time it was started; nil: it had none, as a test
	Waited            bool                `json:"-"`                  // it was late because its subscription had all the attempts in flight that it may
}

// AttemptError says why an attempt failed.
type AttemptError struct {
	Code    ErrorCode `json:"code"`
	Message string    `json:"message"` // for a person; never a secret
}

// Timing is how long the steps of an exchange took; a step that did not
// happen (a reused connection has no DNS) is nil.
type Timing struct {
	DNS       *time.Duration // looking up the host
	Connect   *time.Duration // the TCP handshake
	TLS       *time.Duration // the TLS handshake
	FirstByte *time.Duration // from the request written to the first byte of the answer
}

// Acknowledged tells whether the subscriber took the message.
func (a *Attempt) Acknowledged() bool { return a.Error == nil }

// EndedAt is when the attempt was over: the schedule counts from here.
func (a *Attempt) EndedAt() time.Time { return a.StartedAt.Add(a.Duration) }

// ErrorCode returns the cause of failure, or ErrorNone.
func (a *Attempt) ErrorCode() ErrorCode {
	if a.Error == nil {
		return ErrorNone
	}
	return a.Error.Code
}
