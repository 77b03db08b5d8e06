package webhook

import (
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// VerificationStatus is where a verification stands.
type VerificationStatus string

// The statuses of a verification (verification-callback.md; EXPIRED is ours).
const (
	VerificationPending   VerificationStatus = "PENDING"   // the engine has not reported yet
	VerificationCompleted VerificationStatus = "COMPLETED" // it ended well; the callback is told
	VerificationFailed    VerificationStatus = "FAILED"    // it ended badly; the callback is told
	VerificationExpired   VerificationStatus = "EXPIRED"   // the engine never reported; nobody is told, only the poll shows it
)

// VerificationStatuses lists every status.
var VerificationStatuses = []VerificationStatus{
	VerificationPending, VerificationCompleted, VerificationFailed, VerificationExpired,
}

// verificationMoves is the state machine: a verification ends once. A repeat
// of the status in which it ended is no move (see [VerificationStatus.Report]).
var verificationMoves = map[VerificationStatus][]VerificationStatus{
	VerificationPending:   {VerificationCompleted, VerificationFailed, VerificationExpired},
	VerificationCompleted: {},
	VerificationFailed:    {},
	VerificationExpired:   {},
}

// CanBecome tells whether the machine has an arrow from s to next.
func (s VerificationStatus) CanBecome(next VerificationStatus) bool {
	return slices.Contains(verificationMoves[s], next)
}

// Valid tells whether s is one of the statuses.
func (s VerificationStatus) Valid() bool { _, ok := verificationMoves[s]; return ok }

// Reportable tells whether the verification engine may report s. Only these
// two are sent (verification-callback.md).
func (s VerificationStatus) Reportable() bool {
	return s == VerificationCompleted || s == VerificationFailed
}

// EventType returns the event type under which the end of a
// verification is logged, filtered and named in our header; "" for a status
// that is never sent. Nothing of it is in the body.
func (s VerificationStatus) EventType() Slug {
	switch s {
	case VerificationCompleted:
		return SlugVerificationCompleted
	case VerificationFailed:
		return SlugVerificationFailed
	}
	return ""
}

// Event types of what a verification's callback gets.
const (
	SlugVerificationCompleted Slug = "verification.completed"
	SlugVerificationFailed    Slug = "verification.failed"
)

// Callback is where the result of one verification goes.
type Callback struct {
	URL    string // https unless plain http is allowed
	Method string // POST or PUT
}

// Verification is a check that somebody else makes; we tell how it ended.
type Verification struct {
	ID               VerificationID     //
	ClientID         ClientID           // whose secret signs the callback
	Status           VerificationStatus //
	Type             string             // verifications.type of the request, "" when it is none of ours to keep
	NationalIDMasked string             // all that is kept of nationalId: see MaskNationalID
	Callback         *Callback          // nil: nobody is told, the client polls
	Metadata         []byte             // the client's JSON object, byte for byte; nil: none was given
	MessageID        MessageID          // what the callback is sent; "" before the end, and without a callback
	DeliveryID       DeliveryID         // and how it gets there
	CreatedAt        time.Time          // UTC
	UpdatedAt        time.Time          // UTC; when it ended
	ExpiresAt        time.Time          // UTC; pending until then
	WipedAt          *time.Time         // UTC; when metadata, masked id and the callback's query were removed; nil: they are there
}

// Limits and defaults of a verification.
const (
	// DefaultVerificationClient owns the secret for requests that name no client.
	DefaultVerificationClient ClientID = "default"
	// DefaultVerificationTTL is how long a verification may stay pending.
	DefaultVerificationTTL = 30 * 24 * time.Hour
	// MaxNationalID is the longest nationalId, in characters. The contract says
	// nothing of its form, and its example is no valid CPF: any text will do.
	MaxNationalID = 32
	// maxVerificationType is the longest verifications.type that is kept, in bytes.
	maxVerificationType = 64
)

// Validate notes what is wrong with the callback, the address apart: that is
// judged by the sender's policy. at is its JSON pointer.
func (c *Callback) Validate(at string, f *Faults) {
	switch {
	case len(c.URL) > MaxURL:
		f.Add(at+"/url", "is longer than %d bytes", MaxURL)
	case c.URL == "":
		f.Add(at+"/url", "must not be empty")
	}
	if c.Method != http.MethodPost && c.Method != http.MethodPut {
		f.Add(at+"/method", "%q is not allowed: POST or PUT", clip(c.Method))
	}
}

// CheckNationalID returns what is wrong with a nationalId, or "". It never
// repeats it.
func CheckNationalID(id string) string {
	if n := utf8.RuneCountInString(id); n < 1 || n > MaxNationalID {
		return "must be 1 to 32 characters long"
	}
	if !utf8.ValidString(id) || strings.ContainsRune(id, 0) {
		return "must be valid UTF-8 without the character U+0000"
	}
	return ""
}

// MaskNationalID is all that is kept of a nationalId: its last two characters,
// or nothing of one that is so short that two would tell much. The mask has
// always the same length, so that it does not tell the length either.
func MaskNationalID(id string) string {
	const mask, shown, least = "***", 2, 6
	runes := []rune(id)
	if len(runes) < least {
		return mask
	}
	return mask + string(runes[len(runes)-shown:])
}

// KeptVerificationType is what is kept of verifications.type: a short text.
// Everything else in that object is the engine's business and not kept.
func KeptVerificationType(s string) string {
	if len(s) > maxVerificationType || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return ""
	}
	return s
}

// CallbackBody builds what the callback gets, and tells where in it the
// metadata stands: exactly the contract's fields, in its order, metadata byte
// for byte or left out.
func (v *Verification) CallbackBody(status VerificationStatus) (body []byte, start int) {
	// Neither an id nor a status has a character that JSON escapes.
	b := make([]byte, 0, len(v.Metadata)+96)
	b = append(b, `{"id":"`...)
	b = append(b, v.ID...)
	b = append(b, `","status":"`...)
	b = append(b, status...)
	b = append(b, '"')
	if v.Metadata == nil {
		return append(b, '}'), 0
	}
	b = append(b, `,"metadata":`...)
	start = len(b)
	b = append(b, v.Metadata...)
	return append(b, '}'), start
}

// Report judges the engine's report of an end: nil when the verification may
// end so, repeat when it has ended so already, and a conflict when it has
// ended otherwise.
func (v *Verification) Report(status VerificationStatus) (repeat bool, err error) {
	switch {
	case v.Status.CanBecome(status):
		return false, nil
	case v.Status == status:
		return true, nil
	}
	return false, Conflict("verification_ended",
		"Verification %s is %s since %s and cannot become %s: a verification ends once.",
		v.ID, v.Status, v.UpdatedAt.Format(time.RFC3339), status)
}
