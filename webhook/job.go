package webhook

import (
	"time"
)

// JobKind is what a bulk job does with what it selects.
type JobKind string

// The kinds of jobs.
const (
	// JobRetry makes another attempt of each delivery, with the same webhook-id.
	// It neither spends nor cancels the delivery's schedule.
	JobRetry JobKind = "retry"
	// JobReplay makes a new delivery of each past event, with a schedule of its
	// own. The webhook-id is the event's, so that who has it already can drop it.
	JobReplay JobKind = "replay"
)

// Valid tells whether there is such a kind.
func (k JobKind) Valid() bool { return k == JobRetry || k == JobReplay }

// JobState is where a job stands. A job never fails: what stops it for the
// moment is in its Error, and it goes on at its checkpoint.
type JobState string

// The states of a job.
const (
	JobPending   JobState = "pending"   // no process has taken it up yet
	JobRunning   JobState = "running"   // it is counted, and steps are made
	JobCompleted JobState = "completed" // all that it selected is done or skipped
	JobCanceled  JobState = "canceled"  // an operator stopped it; what it has done stays
)

// JobStates lists every state.
func JobStates() []JobState { return []JobState{JobPending, JobRunning, JobCompleted, JobCanceled} }

// Final tells whether the job makes no more steps.
func (s JobState) Final() bool { return s == JobCompleted || s == JobCanceled }

// JobFilter selects what a job works on; empty fields select all. Of
// deliveries for a retry, of events for a replay.
type JobFilter struct {
	ClientID       ClientID       `json:"client_id,omitempty"`
	SubscriptionID SubscriptionID `json:"subscription_id,omitempty"`
	EventType      Slug           `json:"event_type,omitempty"`
	State          DeliveryState  `json:"state,omitempty"`  // of the delivery; for a replay: that the event's delivery to the same subscription is in
	RunID          RunID          `json:"run_id,omitempty"` // of an export's pages; retries only
	EventIDs       []MessageID    `json:"event_ids,omitempty"`
	Since          *time.Time     `json:"since,omitempty"` // created at or after it
	Until          *time.Time     `json:"until,omitempty"` // created before it
}

// Limits of a job.
const (
	MaxJobEvents = 500    // event ids in a filter
	MaxJobRate   = 10_000 // deliveries a second
)

// SkipReason tells why a job passed something over. From a closed list.
type SkipReason string

// The reasons to pass something over.
const (
	SkipPayloadGone      SkipReason = "payload_gone"       // removed at the end of its retention
	SkipErased           SkipReason = "erased"             // the client's personal data were erased
	SkipSubscriptionGone SkipReason = "subscription_gone"  // deleted: nobody gets it any more
	SkipChanged          SkipReason = "no_longer_selected" // it was counted, and another state was found when its turn came
)

// SkipReasons lists them.
func SkipReasons() []SkipReason {
	return []SkipReason{SkipPayloadGone, SkipErased, SkipSubscriptionGone, SkipChanged}
}

// Job is a bulk retry or replay.
type Job struct {
	ID         JobID                `json:"id"`
	Kind       JobKind              `json:"kind"`
	Filter     JobFilter            `json:"filter"`
	Rate       int                  `json:"rate"` // deliveries a second at most; 0: as fast as there is room
	State      JobState             `json:"state"`
	Counted    *int64               `json:"counted"`         // how many were selected; null until it was counted
	Done       int64                `json:"done"`            // retries asked for, or deliveries made
	Skipped    int64                `json:"skipped"`         // passed over
	SkippedWhy map[SkipReason]int64 `json:"skipped_reasons"` // by reason
	Error      string               `json:"error,omitempty"` // why it does not go on at the moment; it is tried again by itself
	Failures   int                  `json:"failures"`        // how often it stopped with an error
	CreatedAt  time.Time            `json:"created_at"`      // what came later is not selected
	StartedAt  *time.Time           `json:"started_at"`
	FinishedAt *time.Time           `json:"finished_at"`

	// VisibleTo is the client of the key that made it, if that is bound to one:
	// the job touches nothing else, and only that client's keys and those that
	// are not bound see it.
	VisibleTo  ClientID  `json:"-"`
	Generation int64     `json:"-"` // grows each time that a process takes it up
	LeaseUntil time.Time `json:"-"`
}

// JobPart is the part of a job that goes to one subscription, with its
// checkpoint. A subscriber that is slow keeps only its own part waiting.
type JobPart struct {
	JobID          JobID          `json:"-"`
	SubscriptionID SubscriptionID `json:"subscription_id"` // "": results of verifications
	Counted        int64          `json:"counted"`
	Done           int64          `json:"done"`
	Skipped        int64          `json:"skipped"`
	Finished       bool           `json:"finished"`
	Position       string         `json:"-"` // id of the last one that was looked at
}

// NewJobID returns a fresh id for a job.
func NewJobID() JobID { return JobID(NewID(PrefixJob)) }

// Validate notes what is wrong with a job that is to be made. A job that
// selects everything there ever was must say so with a time.
func (j *Job) Validate(f *Faults) {
	if !j.Kind.Valid() {
		f.Add("/kind", "%q is not allowed: retry or replay", clip(string(j.Kind)))
		return
	}
	if j.Rate < 0 || j.Rate > MaxJobRate {
		f.Add("/rate", "%d is not allowed: 1 to %d a second; leave it out for as fast as there is room", j.Rate, MaxJobRate)
	}
	j.Filter.validate(j.Kind, f)
}

func (x *JobFilter) validate(kind JobKind, f *Faults) {
	if msg := x.ClientID.Fault(); x.ClientID != "" && msg != "" {
		f.Add("/filter/client_id", "%s", msg)
	}
	if x.SubscriptionID != "" && !ValidID(PrefixSubscription, string(x.SubscriptionID)) {
		f.Add("/filter/subscription_id", "%q is no id of a subscription", clip(string(x.SubscriptionID)))
	}
	if msg := x.EventType.Fault(); x.EventType != "" && msg != "" {
		f.Add("/filter/event_type", "%q %s", clip(string(x.EventType)), msg)
	}
	if x.RunID != "" && !ValidID(PrefixRun, string(x.RunID)) {
		f.Add("/filter/run_id", "%q is no id of a run", clip(string(x.RunID)))
	}
	if len(x.EventIDs) > MaxJobEvents {
		f.Add("/filter/event_ids", "has %d entries; at most %d are allowed", len(x.EventIDs), MaxJobEvents)
	} else {
		for _, id := range x.EventIDs {
			if !ValidID(PrefixEvent, string(id)) {
				f.Add("/filter/event_ids", "%q is no id of an event", clip(string(id)))
			}
		}
	}
	if x.Since != nil && x.Until != nil && !x.Since.Before(*x.Until) {
		f.Add("/filter/until", "must be after since")
	}
	x.validateScope(kind, f)
}

// validateScope looks at what goes with the kind.
func (x *JobFilter) validateScope(kind JobKind, f *Faults) {
	if x.State != "" && !x.State.Valid() {
		f.Add("/filter/state", "%q is no state of a delivery", clip(string(x.State)))
	}
	if kind == JobReplay {
		if x.RunID != "" {
			f.Add("/filter/run_id", "the pages of a run cannot be replayed; retry them, or start a run for the same days")
		}
		if x.ClientID == "" && x.SubscriptionID == "" {
			f.Add("/filter", "a replay needs a client_id or a subscription_id")
		}
		return
	}
	if x.State == StateCanceled {
		f.Add("/filter/state", "a canceled delivery is never sent; send its event as a new delivery with kind replay")
	}
	if x.ClientID == "" && x.SubscriptionID == "" && x.RunID == "" && len(x.EventIDs) == 0 && x.Since == nil {
		f.Add("/filter", "selects everything there ever was; name a client_id, a subscription_id, a run_id, event_ids or since")
	}
}
