package webhook

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Retention says how long what is stored is kept; 0: for ever. Only what is
// final goes: an open delivery keeps all it has, whatever its age (P12).
type Retention struct {
	Payloads    time.Duration // bodies of messages, and a verification's details, after the last of their deliveries has ended
	Attempts    time.Duration // attempts, with the answers' bodies and headers, after their delivery has ended
	Log         time.Duration // rows without bodies: events, deliveries, verifications, runs with their pages and receipts
	Records     time.Duration // records of the exports, after they came and after their last time
	Idempotency time.Duration // answers kept under an Idempotency-Key
	Audit       time.Duration // lines of the audit log
}

// DefaultRetention holds the periods that are in force when nothing is set.
func DefaultRetention() Retention {
	const day = 24 * time.Hour
	return Retention{
		Payloads: 30 * day, Attempts: 90 * day, Log: 365 * day, Records: 90 * day, Idempotency: 7 * day, Audit: 2 * 365 * day,
	}
}

// GoneWhy tells why a payload is not there any more.
type GoneWhy string

// The reasons why a payload is gone.
const (
	GoneRetention GoneWhy = "retention" // its time was over
	GoneErasure   GoneWhy = "erasure"   // its client's personal data were erased
)

// Gone tells when and why something was removed.
type Gone struct {
	At  time.Time `json:"at"`  // UTC
	Why GoneWhy   `json:"why"` //
}

// String says it in a sentence's end: "was removed on … at the end of its
// retention".
func (g *Gone) String() string {
	when := ""
	if !g.At.IsZero() {
		when = " on " + g.At.Format(time.RFC3339)
	}
	if g.Why == GoneErasure {
		return "was removed" + when + " when the client's personal data were erased"
	}
	return "was removed" + when + " at the end of its retention"
}

// PayloadGone says when and why a delivery's payload was removed.
func PayloadGone(id DeliveryID, g *Gone) *Error {
	if g == nil {
		g = &Gone{Why: GoneRetention}
	}
	return &Error{Kind: KindGone, Code: "payload_gone", Message: fmt.Sprintf("The payload of delivery %s %s.", id, g)}
}

// CancelReason tells why a delivery was canceled, where no person and no end of
// its subscription did it.
type CancelReason string

// CancelErased: its client's personal data were erased, and its payload with them.
const CancelErased CancelReason = "erased"

// Erasure is the removal of one client's personal data (LGPD, article 18): the
// last one that was asked for. It covers what was there when it was asked for.
type Erasure struct {
	ClientID    ClientID      `json:"client_id"`
	RequestedAt time.Time     `json:"requested_at"` // UTC; what came later is not touched
	RequestedBy KeyID         `json:"requested_by"` // the API key that asked
	FinishedAt  *time.Time    `json:"finished_at"`  // null while it is under way
	Step        ErasureStep   `json:"step"`         // what is being erased
	Erased      ErasureCounts `json:"erased"`       // so far

	Position  string    `json:"-"` // the checkpoint within the step
	NotBefore time.Time `json:"-"` // when to go on
}

// ErasureCounts is how much an erasure has removed.
type ErasureCounts struct {
	Payloads        int64 `json:"payloads"`
	Canceled        int64 `json:"canceled_deliveries"`
	Answers         int64 `json:"answers"` // of attempts: bodies and headers
	Records         int64 `json:"records"`
	Verifications   int64 `json:"verifications"`
	IdempotencyKeys int64 `json:"idempotency_keys"`
	RefusedRecords  int64 `json:"refused_records"` // keys of records, in the receipts of exports
}

// ErasureStep is a part of an erasure.
type ErasureStep string

// The steps, in their order. Payloads go first, so that nothing more is sent;
// answers wait until no attempt is under way any more.
const (
	ErasePayloads      ErasureStep = "payloads"
	EraseDeliveries    ErasureStep = "deliveries"
	EraseAnswers       ErasureStep = "answers"
	EraseRecords       ErasureStep = "records"
	EraseVerifications ErasureStep = "verifications"
	EraseKeys          ErasureStep = "idempotency_keys"
	EraseReceipts      ErasureStep = "receipts"
	EraseDone          ErasureStep = "done"
)

// Next is the step that follows.
func (s ErasureStep) Next() ErasureStep {
	steps := []ErasureStep{
		ErasePayloads, EraseDeliveries, EraseAnswers, EraseRecords, EraseVerifications, EraseKeys, EraseReceipts, EraseDone,
	}
	return steps[min(slices.Index(steps, s)+1, len(steps)-1)]
}

// WithoutQuery is a URL without its query and fragment, which may name a person.
func WithoutQuery(url string) string {
	if i := strings.IndexAny(url, "?#"); i >= 0 {
		return url[:i]
	}
	return url
}
