package webhook

import "time"

// MessageKind tells where a message came from.
type MessageKind string

// The kinds of messages.
const (
	KindEvent        MessageKind = "event"        // posted by the platform
	KindExportPage   MessageKind = "export_page"  // one page of an export's run
	KindVerification MessageKind = "verification" // the result of a verification
	KindTest         MessageKind = "test"         // a sample that an operator asked for
)

// Message is what is sent: one id, one body, never changed. Every delivery is
// of one message; several deliveries may share it.
type Message struct {
	ID         MessageID
	Kind       MessageKind
	ClientID   ClientID
	Type       Slug
	Body       []byte    // exactly what goes on the wire; nil once it was removed
	DataStart  int       // where the platform's own data begins in Body
	DataLength int       // and how long it is, in bytes
	OccurredAt time.Time // when it happened, as the platform says; else CreatedAt
	CreatedAt  time.Time // when it was accepted, UTC
	// Target restricts the message to one subscription; empty: all that match.
	Target SubscriptionID
	// Gone tells when and why the body was removed; nil: it is there.
	Gone *Gone
}

// Data returns the platform's own data: the bytes as they were posted.
func (m *Message) Data() []byte {
	if m.Body == nil {
		return nil
	}
	return m.Body[m.DataStart : m.DataStart+m.DataLength]
}
