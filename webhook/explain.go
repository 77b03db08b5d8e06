package webhook

import (
	"slices"
	"strconv"
	"time"
)

// Explanation is a delivery in plain words. Every sentence comes from the one
// table of explain_words.go; no URL, secret, payload or answer is in any.
type Explanation struct {
	DeliveryID    DeliveryID    `json:"delivery_id"`
	Language      Language      `json:"language"`               // of the sentences
	State         DeliveryState `json:"state"`                  //
	Summary       string        `json:"summary"`                // where it stands
	Steps         []string      `json:"steps" nullable:"false"` // what happened, the first thing first
	Cause         string        `json:"cause"`                  // why the last attempt counts as failed; "" when it does not
	Remedy        string        `json:"remedy"`                 // what mends that, or ends the waiting; "" when nothing is wrong
	Next          string        `json:"next"`                   // what happens next
	NextAttemptAt *time.Time    `json:"next_attempt_at"`        // null when nothing more is sent by itself
	TellClient    string        `json:"tell_client"`            // what to answer a client who asks
}

// Facts are what an explanation is made of.
type Facts struct {
	Delivery *Delivery
	Attempts []Attempt // the first one first; those that were removed are missing
	Gone     *Gone     // when and why the payload was removed; nil: it is there
	Schedule Schedule
	Now      time.Time
}

// maxSteps is how many attempts are told one by one, the last ones: an
// operator may retry without end.
const maxSteps = 20

// Explain says what happened to a delivery, why, what comes next and what to
// tell the client.
func Explain(f Facts, lang Language) Explanation {
	s := speaker{Facts: f, lang: lang}
	if n := len(f.Attempts); n > 0 {
		s.last = &f.Attempts[n-1]
	}
	d := f.Delivery
	standing := s.say(s.standing())
	out := Explanation{
		DeliveryID: d.ID, Language: lang, State: d.State, Summary: standing.what, Steps: s.steps(), Remedy: standing.remedy,
		Next: s.next().what, NextAttemptAt: d.NextAttemptAt,
	}
	var cause saying
	if s.last != nil && !s.last.Acknowledged() && d.State != StateSucceeded {
		cause = s.say(s.cause(s.last))
		out.Cause = cause.what
	}
	if d.State == StateCanceled || s.gone() { // mending the receiver would change nothing
		cause = saying{}
	}
	if s.gone() {
		out.Remedy = s.say(topicGone(s.Gone.Why)).remedy
	}
	out.Remedy = joined(cause.remedy, out.Remedy)
	for _, w := range s.warnings() {
		out.Remedy = joined(out.Remedy, s.say(w).remedy)
	}
	out.TellClient = joined(standing.tell, cause.tell, s.next().tell)
	return out
}

// speaker turns facts into sentences of one language.
type speaker struct {
	Facts
	lang Language
	last *Attempt // nil: there was none, or it was removed
}

// standing is the topic of where the delivery stands.
func (s *speaker) standing() topic {
	d := s.Delivery
	switch {
	case d.Test && d.State == StateFailed:
		return topicTestFailed
	case d.State == StateHeld:
		return topicHold(d.HoldReason)
	case d.State == StateCanceled:
		return topicCancel(d.CancelReason)
	case s.gone() && d.AutomaticCount <= len(s.Schedule):
		return topicGone(s.Gone.Why)
	case d.State == StatePending && d.AttemptCount > 0:
		return topicState(StateRetrying) // an operator's attempt has failed, the schedule's first one is due
	}
	return topicState(d.State)
}

// gone tells whether a delivery that has failed cannot be sent any more.
func (s *speaker) gone() bool { return s.Delivery.State == StateFailed && s.Gone != nil }

// steps tells how it came to that.
func (s *speaker) steps() []string {
	steps := []string{s.say(s.origin()).what}
	first := max(0, len(s.Attempts)-maxSteps)
	if missing := s.Delivery.AttemptCount - len(s.Attempts) + first; missing > 0 {
		steps = append(steps, s.count(topicUntold, topicUntoldOne, missing))
	}
	for i := range s.Attempts[first:] {
		steps = append(steps, s.attempt(&s.Attempts[first+i]))
	}
	if at := s.Delivery.FinishedAt; at != nil && s.Delivery.State != StateSucceeded {
		steps = append(steps, s.say(topicEnded, "at", s.time(*at)).what)
	}
	return steps
}

// origin is the topic of what the delivery is of.
func (s *speaker) origin() topic {
	d := s.Delivery
	switch {
	case d.Test:
		return topicOfTest
	case d.RunID != nil:
		return topicOfPage
	case d.EventID != nil:
		return topicOfEvent
	}
	return topicOfVerification
}

// attempt tells one attempt and why it failed.
func (s *speaker) attempt(a *Attempt) string {
	text := s.say(topicTrigger(a.Trigger), "number", strconv.Itoa(a.Number), "at", s.time(a.StartedAt), "took", spanText(a.Duration)).what
	if !a.Acknowledged() {
		return joined(text, s.sayOf(a, s.cause(a)).what)
	}
	text = joined(text, s.sayOf(a, topicAcknowledged).what)
	for _, w := range a.Warnings {
		text = joined(text, s.say(topicWarning(w)).what)
	}
	return text
}

// cause is the topic of why an attempt failed.
func (s *speaker) cause(a *Attempt) topic {
	code := a.ErrorCode()
	if code == ErrorStatus {
		return topicStatus(a.Status)
	}
	return topicError(code)
}

// warnings are those of the attempt that was acknowledged last.
func (s *speaker) warnings() (out []topic) {
	if s.last == nil || !s.last.Acknowledged() {
		return nil
	}
	for _, w := range s.last.Warnings {
		out = append(out, topicWarning(w))
	}
	return out
}

// next says what comes next.
func (s *speaker) next() saying {
	d := s.Delivery
	switch {
	case d.InFlight:
		return s.say(topicInFlight)
	case d.RetryRequested:
		return s.say(topicRetryDue)
	case s.gone():
		return s.say(topicNextGone)
	case d.State == StateFailed && d.Test:
		return s.say(topicNextNothing)
	case d.NextAttemptAt == nil:
		return s.say(topicNextOf(d.State))
	case !d.NextAttemptAt.After(s.Now):
		return s.say(topicNextNow)
	}
	left := max(0, len(s.Schedule)-d.AutomaticCount) // after the next one
	when := []string{"at", s.time(*d.NextAttemptAt), "in", spanText(d.NextAttemptAt.Sub(s.Now)), "left", strconv.Itoa(left), "end", ""}
	if left == 0 {
		return s.say(topicNextLast, when...)
	}
	end := *d.NextAttemptAt
	for _, wait := range s.Schedule[len(s.Schedule)-left:] {
		end = end.Add(wait)
	}
	when[len(when)-1] = s.time(end)
	if left == 1 {
		return s.say(topicNextOne, when...)
	}
	return s.say(topicNextAt, when...)
}

// say fills the places of a topic's sentences. What every delivery has is
// always there; more is name and value in turn.
func (s *speaker) say(t topic, more ...string) saying {
	return s.sayOf(s.last, t, more...)
}

// sayOf is say where the sentences are about an attempt that need not be the last.
func (s *speaker) sayOf(a *Attempt, t topic, more ...string) saying {
	d := s.Delivery
	places := append([]string{
		"type", string(d.EventType), "client", string(d.ClientID), "message", string(d.MessageID),
		"tries", s.count(topicTimes, topicOnce, d.AttemptCount), "created", s.time(d.CreatedAt),
	}, more...)
	if d.RunID != nil && d.Page != nil {
		places = append(places, "run", string(*d.RunID), "page", strconv.Itoa(*d.Page))
	}
	if d.FinishedAt != nil {
		places = append(places, "finished", s.time(*d.FinishedAt))
	}
	if a != nil {
		places = append(places, "status", strconv.Itoa(a.Status))
	}
	if s.Gone != nil {
		places = append(places, "gone", s.time(s.Gone.At))
	}
	return t.in(s.lang).filled(places)
}

// count is a sentence, or a part of one, with a number in it.
func (s *speaker) count(many, one topic, n int) string {
	if n == 1 {
		many = one
	}
	return many.in(s.lang).filled([]string{"n", strconv.Itoa(n)}).what
}

func (s *speaker) time(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05 UTC") }

// spanText says a time span in its two largest units, which read alike in both
// languages: "230 ms", "4 min 30 s", "1 h 5 min".
func spanText(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatInt(max(0, d.Milliseconds()), 10) + " ms"
	}
	d = d.Round(time.Second)
	names := []string{"d", "h", "min", "s"}
	sizes := []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second}
	i := slices.IndexFunc(sizes, func(size time.Duration) bool { return d >= size })
	text := strconv.FormatInt(int64(d/sizes[i]), 10) + " " + names[i]
	if i+1 == len(sizes) {
		return text
	}
	if rest := d % sizes[i] / sizes[i+1]; rest > 0 {
		text += " " + strconv.FormatInt(int64(rest), 10) + " " + names[i+1]
	}
	return text
}
