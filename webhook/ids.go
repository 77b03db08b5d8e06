package webhook

import (
	"encoding/base32"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The typed ids. Each is a prefix and 26 base32 characters of a version 7
// UUID (RFC 9562), so that ids of one kind sort by the time they were made.
// A client id is the exception: it is the operator's own slug.
type (
	// MessageID names one message: it is the `webhook-id` header of Standard
	// Webhooks, the same on every attempt. An event's id is its message's.
	MessageID string
	// SubscriptionID names a subscription ("sub_…").
	SubscriptionID string
	// DeliveryID names a delivery ("dlv_…").
	DeliveryID string
	// RunID names one run of an export ("run_…").
	RunID string
	// VerificationID names a verification ("ver_…").
	VerificationID string
	// KeyID names an API key ("key_…").
	KeyID string
	// JobID names a bulk job ("job_…").
	JobID string
	// AuditID names a line of the audit log ("aud_…").
	AuditID string
)

// Prefixes of the typed ids.
const (
	PrefixEvent        = "evt_"
	PrefixMessage      = "msg_" // a message that is no event: an export page, a verification result, a test
	PrefixSubscription = "sub_"
	PrefixDelivery     = "dlv_"
	PrefixRun          = "run_"
	PrefixVerification = "ver_"
	PrefixKey          = "key_"
	PrefixJob          = "job_"
	PrefixAudit        = "aud_"
)

const idLetters = "0123456789abcdefghjkmnpqrstvwxyz" // ascending in ASCII, without i, l, o, u

var idEncoding = base32.NewEncoding(idLetters).WithPadding(base32.NoPadding)

// NewID returns a fresh id with the given prefix.
func NewID(prefix string) string {
	return idFromUUID(prefix, uuid.Must(uuid.NewV7()))
}

func idFromUUID(prefix string, u uuid.UUID) string {
	return prefix + idEncoding.EncodeToString(u[:])
}

// NewEventID returns a fresh id for an event's message.
func NewEventID() MessageID { return MessageID(NewID(PrefixEvent)) }

// NewMessageID returns a fresh id for a message that is no event.
func NewMessageID() MessageID { return MessageID(NewID(PrefixMessage)) }

// NewSubscriptionID returns a fresh subscription id.
func NewSubscriptionID() SubscriptionID { return SubscriptionID(NewID(PrefixSubscription)) }

// NewRunID returns a fresh id for a run of an export.
func NewRunID() RunID { return RunID(NewID(PrefixRun)) }

// NewDeliveryID returns a fresh delivery id.
func NewDeliveryID() DeliveryID { return DeliveryID(NewID(PrefixDelivery)) }

// NewVerificationID returns a fresh verification id.
func NewVerificationID() VerificationID { return VerificationID(NewID(PrefixVerification)) }

// ValidID tells whether s is an id of the kind that prefix stands for. It
// says nothing about whether such a thing exists.
func ValidID(prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok || len(rest) != 26 {
		return false
	}
	raw, err := idEncoding.DecodeString(rest)
	return err == nil && len(raw) == 16
}

// FirstIDAt returns the smallest id of a kind that can have been made at t or
// later. Lists use it to turn a span of time into a span of ids.
func FirstIDAt(prefix string, t time.Time) string {
	var u uuid.UUID
	ms := uint64(max(t.UnixMilli(), 0))
	for i := range 6 {
		u[i] = byte(ms >> (40 - 8*i))
	}
	return idFromUUID(prefix, u)
}
