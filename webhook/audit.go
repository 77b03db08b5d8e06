package webhook

import (
	"context"
	"slices"
	"time"
)

// Actor is a call of a person or a key: who does what, and from where. The
// face that takes the call puts it into the context, and whatever is written
// on behalf of the call leaves the call's one line in the audit log, in the
// same transaction. Without an actor the system itself acts, and no line is
// left.
type Actor struct {
	Line       AuditID // the id of the call's line
	KeyID      KeyID
	KeyName    string // as it was at the time of the call
	Role       string // of the key at the time of the call
	Action     string // the operation's id, such as "create-subscription"
	RemoteAddr string // where the call came from: an IP address
	RequestID  string // the X-Request-Id of the answer
	// Changes are the names of the fields that the call asks to change, where
	// it changes a part of something.
	Changes []string
}

type actorKey struct{}

// WithActor returns a context for what an actor does. It gives the call the id
// of its line where it has none.
func WithActor(ctx context.Context, a Actor) context.Context {
	if a.Line == "" {
		a.Line = AuditID(NewID(PrefixAudit))
	}
	return context.WithValue(ctx, actorKey{}, &a)
}

// ActorOf returns who acts in a context, or nil for the system itself.
func ActorOf(ctx context.Context) *Actor {
	a, _ := ctx.Value(actorKey{}).(*Actor)
	return a
}

// ActionPostEvent is the action of bringing one event in. It leaves no line,
// but a mark on the event: see [Message.KeyID].
const ActionPostEvent = "post-event"

// Resource is a kind of thing that a line of the audit log is about.
type Resource string

// The kinds of resources.
const (
	ResourceAPIKey       Resource = "api_key"
	ResourceClient       Resource = "client"
	ResourceDelivery     Resource = "delivery"
	ResourceEvent        Resource = "event"
	ResourceEventType    Resource = "event_type"
	ResourceExport       Resource = "export"
	ResourceJob          Resource = "job"
	ResourceRecords      Resource = "records" // of a dataset
	ResourceRun          Resource = "run"
	ResourceSubscription Resource = "subscription"
	ResourceVerification Resource = "verification"
)

// Resources lists the kinds, sorted.
func Resources() []Resource {
	return []Resource{
		ResourceAPIKey, ResourceClient, ResourceDelivery, ResourceEvent, ResourceEventType, ResourceExport, ResourceJob,
		ResourceRecords, ResourceRun, ResourceSubscription, ResourceVerification,
	}
}

// AuditEntry is a line of the audit log: an actor, and what the call was
// about. Nothing in it is a secret or personal data: Fields are names and
// Counts are numbers, never a value that was written.
type AuditEntry struct {
	Actor
	At         time.Time
	Resource   Resource
	ResourceID string           // "" where the call was about several
	ClientID   ClientID         // whose the resource is; "" for nobody's or several clients'
	Fields     []string         // that the call was to change, or that it showed; sorted
	Counts     map[string]int64 // of what the call did, by name
}

// AddFields adds names of fields.
func (e *AuditEntry) AddFields(names []string) {
	e.Fields = slices.Concat(e.Fields, names)
	slices.Sort(e.Fields)
	e.Fields = slices.Compact(e.Fields)
}

// Merge adds what a later transaction of the same call did: the later resource
// is what the call was about, fields and counts add up.
func (e *AuditEntry) Merge(later AuditEntry) {
	if e.Resource == later.Resource && e.ResourceID == later.ResourceID && e.ClientID != later.ClientID {
		later.ClientID = "" // several clients'
	}
	e.Resource, e.ResourceID, e.ClientID = later.Resource, later.ResourceID, later.ClientID
	e.AddFields(later.Fields)
	for name, n := range later.Counts {
		if e.Counts == nil {
			e.Counts = map[string]int64{}
		}
		e.Counts[name] += n
	}
}
