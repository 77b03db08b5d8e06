// Package dispatcher takes an accepted event, or a page, to its finished
// deliveries: accept, body, queue, worker, retry schedule, reconcile.
//
// Its doors are the [Dispatcher], for whoever brings something in or asks for
// a retry, and the [Worker], which sends. SQL decides, Redis carries: what
// goes through asynq is a hint, ids and generations, that deliveries are due.
// A hint may be lost, doubled or late; the claim in SQL decides who sends, and
// the reconciler (reconcile.go) makes hints again from what is due in SQL.
//
// The way of an event, file by file:
//
//	accept.go     checked against its type, matched, body built, committed
//	keep.go       what this process can send at once is claimed by the same commit
//	hints.go      for the rest, "these deliveries are due" → asynq, in the lane of lanes.go
//	worker.go     a hint arrives: its deliveries are claimed in SQL
//	delivery.go   one delivery: wait for its time, pass the gate, send, record
//	gate.go       how many attempts a subscription may have in flight
//	sender/       the one HTTP exchange
//	reconcile.go  what is due and has no hint gets one
//
// Beside it: verification.go registers a verification and brings its end in,
// as a delivery without a subscription; expiry.go ends those that nobody
// reports on; jobs.go retries and replays in bulk, job_work.go step by step;
// explain.go says what happened to a delivery; doctor.go checks a URL; probe.go
// sends an event type's example past the queue; schema.go checks data, and
// schema_words.go says what is wrong with them.
//
// This package must not know about routes, HTML or settings.
package dispatcher
