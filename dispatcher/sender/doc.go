// Package sender makes one HTTP exchange, safely: it signs the message, checks
// the address that is really dialled, keeps one deadline over everything from
// the first name lookup to the last byte of the answer, and reads a bounded
// answer.
//
// Its door is [Sender.Send]: a [Request] goes in, a [webhook.Attempt] comes
// out, and whatever went wrong is in the attempt. [Policy] says which targets
// may be dialled; registration asks it through [Policy.CheckURL], and every
// dial asks it again, because names change.
//
// It must not know what a delivery's state is, when the next attempt is due,
// or that there is a database, a queue or a log. It sends a request at most
// once: repeating is the schedule's business.
//
// From here the attempt goes back up to the dispatcher, which records it and
// decides with [webhook.Schedule] what it means.
package sender
