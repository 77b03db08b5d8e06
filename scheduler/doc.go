// Package scheduler turns the clock into runs, and runs into pages.
//
// A schedule that is due becomes a fire: one row, and with it one run, however
// many schedulers look. A run reads each client's records of its window in
// order, cuts them into pages, builds the exact body of each, and hands the
// pages to the dispatcher; from there on a page is a delivery as any other.
//
// Its door is [New], then Start, RunNow, Preview. It knows the records only
// through [Source]. It must not know who listens (the dispatcher does), nor
// how a page is sent, nor HTTP.
package scheduler
