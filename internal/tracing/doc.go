// Package tracing sends spans of what the program does to an OpenTelemetry
// collector: a request to the API, the commit of its events, and each attempt
// with its steps and the commit of its result. It is off unless an endpoint is
// set.
//
// Its door is [New]; what it returns is told by the hooks of the packages that
// do the work, like the metrics. An attempt may come hours after its event, and
// in another process, so it is a trace of its own: it links to the event's
// where this process still knows it, and both have the message's id.
//
// It must not know payloads, headers, secrets, or more of a URL than its host.
// Clients get no trace context: what identifies our traces is none of theirs.
package tracing
