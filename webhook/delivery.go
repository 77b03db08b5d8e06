package webhook

import (
	"fmt"
	"slices"
	"time"
)

// DeliveryState is where a delivery stands. The machine is drawn in
// docs/state_machine.md.
type DeliveryState string

// The states of a delivery.
const (
	StatePending   DeliveryState = "pending"   // the first attempt is due
	StateRetrying  DeliveryState = "retrying"  // an attempt failed; waits for the next one
	StateHeld      DeliveryState = "held"      // its subscription is paused, or it is in quarantine
	StateSucceeded DeliveryState = "succeeded" // an acknowledging status line was read
	StateFailed    DeliveryState = "failed"    // the schedule is used up
	StateCanceled  DeliveryState = "canceled"  // an operator, the end of its subscription, or an erasure stopped it
)

// States lists every state, in the order in which people read them.
var States = []DeliveryState{StatePending, StateRetrying, StateHeld, StateSucceeded, StateFailed, StateCanceled}

// transitions is the state machine. A manual retry explains the ways out of
// failed; a repeated one the loops; and an attempt that was under way at the
// cancel, and was acknowledged, the way out of canceled.
var transitions = map[DeliveryState][]DeliveryState{
	StatePending:   {StateRetrying, StateSucceeded, StateFailed, StateHeld, StateCanceled},
	StateRetrying:  {StateRetrying, StateSucceeded, StateFailed, StateHeld, StateCanceled},
	StateHeld:      {StatePending, StateRetrying, StateSucceeded, StateFailed, StateCanceled},
	StateFailed:    {StateFailed, StateSucceeded},
	StateSucceeded: {StateSucceeded},
	StateCanceled:  {StateSucceeded},
}

// CanBecome tells whether the machine has an arrow from s to next.
func (s DeliveryState) CanBecome(next DeliveryState) bool {
	return slices.Contains(transitions[s], next)
}

// Valid tells whether s is one of the states.
func (s DeliveryState) Valid() bool { _, ok := transitions[s]; return ok }

// Final tells whether nothing more is sent unless an operator asks.
func (s DeliveryState) Final() bool {
	return s == StateSucceeded || s == StateFailed || s == StateCanceled
}

// HoldReason tells why a delivery is held.
type HoldReason string

// The reasons to hold a delivery.
const (
	HoldNone       HoldReason = ""           // it is not held
	HoldPaused     HoldReason = "paused"     // its subscription is paused
	HoldQuarantine HoldReason = "quarantine" // sending it crashed us three times
)

// Delivery is one message to one URL.
type Delivery struct {
	ID             DeliveryID     `json:"id"`
	MessageID      MessageID      `json:"message_id"`      // the webhook-id header
	EventID        *MessageID     `json:"event_id"`        // the message's id when it is an event
	EventType      Slug           `json:"event_type"`      //
	ClientID       ClientID       `json:"client_id"`       //
	SubscriptionID SubscriptionID `json:"subscription_id"` // "" for a verification's callback
	URL            string         `json:"url"`             // where the last attempt went, or the next one will
	Method         string         `json:"method"`          // POST or PUT
	State          DeliveryState  `json:"state"`           //
	HoldReason     HoldReason     `json:"hold_reason,omitempty"`
	CancelReason   CancelReason   `json:"cancel_reason,omitempty"`
	AttemptCount   int            `json:"attempt_count"`          // all attempts, manual ones too
	NextAttemptAt  *time.Time     `json:"next_attempt_at"`        // when the schedule sends next; null when it does not
	CreatedAt      time.Time      `json:"created_at"`             // UTC
	FinishedAt     *time.Time     `json:"finished_at"`            // when it reached a final state
	RunID          *RunID         `json:"run_id"`                 // the export's run, for a page
	Page           *int           `json:"page"`                   // counted from 1, for a page
	JobID          *JobID         `json:"job_id"`                 // the bulk job that made it, or asked for its last retry
	LastStatus     *int           `json:"last_status"`            // HTTP status of the last attempt; null when there was none
	LastError      ErrorCode      `json:"last_error,omitempty"`   // why the last attempt failed
	Test           bool           `json:"test,omitempty"`         // an operator's test
	AutomaticCount int            `json:"automatic_count"`        // attempts that the schedule has spent
	InFlight       bool           `json:"in_flight"`              // an attempt is under way
	RetryRequested bool           `json:"manual_retry_requested"` // a manual retry is due
}

// Outcome is what an attempt means for its delivery.
type Outcome struct {
	State         DeliveryState
	NextAttemptAt time.Time // zero when the schedule sends nothing more
	Spent         int       // attempts of the schedule used up by now, this one included
}

// Standing is where a delivery stands when an attempt of it ends.
type Standing struct {
	State         DeliveryState
	NextAttemptAt time.Time // of the schedule, zero when there is none
	Spent         int       // attempts of the schedule used up before
}

// Schedule holds the waits after a failed attempt: after the n-th automatic
// attempt fails, the next one is due Schedule[n-1] after its end.
type Schedule []time.Duration

// DefaultSchedule is the contract's (verification-callback.md): five retries.
func DefaultSchedule() Schedule {
	return Schedule{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
}

// After tells what an ended attempt means. A manual attempt neither spends nor
// cancels the schedule: when it fails, everything stays as it was.
func (s Schedule) After(was Standing, a *Attempt) Outcome {
	switch {
	case a.Acknowledged():
		spent := was.Spent
		if a.Trigger == TriggerAutomatic {
			spent++
		}
		return Outcome{State: StateSucceeded, Spent: spent}
	case a.Trigger != TriggerAutomatic:
		return Outcome(was)
	case was.Spent >= len(s):
		return Outcome{State: StateFailed, Spent: was.Spent + 1}
	}
	return Outcome{
		State:         StateRetrying,
		NextAttemptAt: a.EndedAt().Add(s[was.Spent]),
		Spent:         was.Spent + 1,
	}
}

// Check returns an error when the machine has no arrow between two states.
func Check(id DeliveryID, from, to DeliveryState) error {
	if from == to || from.CanBecome(to) {
		return nil
	}
	return fmt.Errorf("delivery %s cannot go from %s to %s", id, from, to)
}
