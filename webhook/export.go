package webhook

import "time"

// Window is a span of time, half-open: [From, To).
type Window struct {
	From time.Time
	To   time.Time
}
