package webhook

import (
	"time"
)

// DateForm is how the contracts write a day.
const DateForm = "2006-01-02"

// WireZone is the time zone of the contracts: GMT-3, a fixed offset without
// daylight saving time.
const WireZone = "-03:00"

// Window is a span of time, half-open: [From, To).
type Window struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

// Dates returns the first and the last day that the window touches, as the
// contracts' period writes them.
func (w Window) Dates(zone *time.Location) (start, end string) {
	last := w.To.Add(-time.Microsecond) // the unit in which times are stored
	if !w.To.After(w.From) {
		last = w.From
	}
	return w.From.In(zone).Format(DateForm), last.In(zone).Format(DateForm)
}

// Contains tells whether t is in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.From) && t.Before(w.To) }

// WindowRule says which window a fire of a schedule covers.
type WindowRule string

// The window rules.
const (
	PreviousDay  WindowRule = "previous_day"          // the day before the fire's day
	PreviousWeek WindowRule = "previous_week_mon_sun" // Monday to Sunday of the week before the fire's week
	SinceLastRun WindowRule = "since_last_run"        // from the end of the last scheduled window to the fire
)

// Export is a schedule: which records go out, when, and how they are cut.
type Export struct {
	Name      string     `json:"name"`       // unique; the name of its dataset
	Event     Slug       `json:"event"`      // in each body, and what subscriptions select it by
	Dataset   Dataset    `json:"dataset"`    // whose records
	Cron      string     `json:"cron"`       // five fields, or six with seconds first
	Zone      string     `json:"zone"`       // a fixed offset, such as -03:00: of the cron's hours and of the windows' days
	Window    WindowRule `json:"window"`     //
	PageSize  int        `json:"page_size"`  // records of a page, at most
	PageBytes int        `json:"page_bytes"` // bytes of a page's body, at most; a larger record has a page of its own
	Enabled   bool       `json:"enabled"`    // false: it never fires by itself
	UpdatedAt time.Time  `json:"updated_at"` // UTC; zero, or the Unix epoch as the store has it: as it was shipped

	Version      int64     `json:"-"` // grows with each change by people
	NextFireAt   time.Time `json:"-"` // zero: no scheduler has looked at it yet, or there is none
	LastWindowTo time.Time `json:"-"` // the end of the last scheduled window; zero: there was none
}

// Limits of a page.
const (
	MaxPageSize  = 10_000
	MinPageBytes = 1 << 10
	MaxPageBytes = 8 << 20
)

// Validate notes what is wrong with the page limits and the window rule. The
// cron expression is judged by the scheduler, which has the parser.
func (e *Export) Validate(f *Faults) {
	switch e.Window {
	case PreviousDay, PreviousWeek, SinceLastRun:
	default:
		f.Add("/window", "%q is no window rule: previous_day, previous_week_mon_sun or since_last_run", clip(string(e.Window)))
	}
	if e.PageSize < 1 || e.PageSize > MaxPageSize {
		f.Add("/page_size", "%d is not allowed: 1 to %d records", e.PageSize, MaxPageSize)
	}
	if e.PageBytes < MinPageBytes || e.PageBytes > MaxPageBytes {
		f.Add("/page_bytes", "%d is not allowed: %d to %d bytes", e.PageBytes, MinPageBytes, MaxPageBytes)
	}
}

// RunTrigger tells what started a run.
type RunTrigger string

// What starts a run.
const (
	RunSchedule RunTrigger = "schedule"
	RunManual   RunTrigger = "manual"   // the window that the schedule would take now
	RunBackfill RunTrigger = "backfill" // a period that somebody named
)

// RunState is where a run stands.
type RunState string

// The states of a run.
const (
	RunPending  RunState = "pending"  // no scheduler has taken it up yet
	RunRunning  RunState = "running"  // pages are being built and handed to the dispatcher
	RunFinished RunState = "finished" // every page is a delivery; its receipt tells what became of them
)

// Run is one execution of an export for one window.
type Run struct {
	ID             RunID          `json:"id"`
	Export         string         `json:"export"`
	Event          Slug           `json:"event"`
	Dataset        Dataset        `json:"dataset"`
	Trigger        RunTrigger     `json:"trigger"`
	ScheduledFor   *time.Time     `json:"scheduled_for"` // the fire; null for a run by hand
	Late           bool           `json:"late"`          // it was made well after its time
	Window         Window         `json:"window"`
	Zone           string         `json:"zone"`
	ClientID       ClientID       `json:"client_id,omitempty"`       // "": every client
	SubscriptionID SubscriptionID `json:"subscription_id,omitempty"` // "": every subscription that matches
	State          RunState       `json:"state"`
	Error          string         `json:"error,omitempty"` // why it does not go on at the moment
	Failures       int            `json:"failures"`        // how often it stopped with an error and was taken up again
	CreatedAt      time.Time      `json:"created_at"`
	StartedAt      *time.Time     `json:"started_at"`
	FinishedAt     *time.Time     `json:"finished_at"` // when the last page became a delivery

	PageSize   int       `json:"-"`
	PageBytes  int       `json:"-"`
	Seq        int64     `json:"-"` // the dataset's number of the run: rows stamped before it belong to it
	Generation int64     `json:"-"` // grows each time that a scheduler takes it up
	LeaseUntil time.Time `json:"-"`
}

// RunClientState is where a run stands with one client.
type RunClientState string

// The states of a client in a run.
const (
	ClientBuilding  RunClientState = "building"  // records are read and cut into pages
	ClientReleasing RunClientState = "releasing" // its pages become deliveries
	ClientDone      RunClientState = "done"      // all have
)

// RunClient is the part of a run that is one client's, with its checkpoint.
type RunClient struct {
	RunID         RunID
	ClientID      ClientID
	Subscriptions []SubscriptionID // as they matched when the run began
	State         RunClientState
	Position      string // of the last record that is in a page
	Records       int64  // in pages
	Bytes         int64  // of all bodies
	LateRecords   int64  // of Records: arrived after their own window's run
	Refused       int64  // records of the source that cannot be sent
	Built         int    // pages built
	Released      int    // pages that are deliveries
	StartedAt     *time.Time
	FinishedAt    *time.Time
}

// RunPage is one page of one client in a run.
type RunPage struct {
	RunID         RunID
	ClientID      ClientID
	Number        int // counted from 1
	MessageID     MessageID
	Records       int
	Bytes         int // of the body
	SHA256        []byte
	FirstPosition string
	LastPosition  string
	CreatedAt     time.Time
}
