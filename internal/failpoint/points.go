package failpoint

// Point is a moment between two steps that both must survive the other's
// failure.
type Point string

// The moments, in the order of an event's way.
const (
	// EventCommitted: the event and its deliveries are in SQL, nobody was told.
	EventCommitted Point = "event-committed"
	// HintSent: Redis has a hint of fresh deliveries. The intake's answer is
	// written by another goroutine at the same time: it may be out or not.
	HintSent Point = "hint-sent"
	// HintTaken: a worker took a hint from the queue and has claimed nothing yet.
	HintTaken Point = "hint-taken"
	// Claimed: a delivery is this worker's, and nothing was sent.
	Claimed Point = "claimed"
	// RequestWritten: the request is on the wire, no answer was read.
	RequestWritten Point = "request-written"
	// Acknowledged: an acknowledging answer was read and is not recorded.
	Acknowledged Point = "acknowledged"
	// FailureRead: another answer was read and is not recorded.
	FailureRead Point = "failure-read"
	// ResultWritten: results are half written, their transaction is not committed.
	// On PostgreSQL they are one statement; there is no such moment.
	ResultWritten Point = "result-written"
	// RetryRecorded: a failed attempt is committed, its retry has no hint.
	RetryRecorded Point = "retry-recorded"
	// HintDone: all that a hint named is committed, asynq has not been told.
	HintDone Point = "hint-done"
	// Stopping: a graceful stop takes nothing new; attempts are under way.
	Stopping Point = "stopping"
	// Reconciling: the reconciler has taken due rows and hinted none of them.
	Reconciling Point = "reconciling"

	// Fired: a cron fire is committed. Its run is in the same transaction, so
	// there is no moment between the two; this one is before the run's start.
	Fired Point = "fired"
	// PageWritten: a page and the checkpoint behind it are written. They are
	// one transaction too; this is the moment before its commit.
	PageWritten Point = "page-written"
	// PageCommitted: a page and its checkpoint are committed, the next is not begun.
	PageCommitted Point = "page-committed"
	// PagesReleased: pages are deliveries, and no hint of them was sent.
	PagesReleased Point = "pages-released"
)

// Points lists every moment.
func Points() []Point {
	return []Point{
		EventCommitted, HintSent, HintTaken, Claimed, RequestWritten, Acknowledged, FailureRead, ResultWritten,
		RetryRecorded, HintDone, Stopping, Reconciling, Fired, PageWritten, PageCommitted, PagesReleased,
	}
}

// What the environment says.
const (
	Env     = "CARTEIRO_TEST_FAILPOINT"      // POINT[:N[:sleep=DURATION]]
	EnvMark = "CARTEIRO_TEST_FAILPOINT_MARK" // path of the file that tells that the point was reached
)
