// Package redact takes personal data out of what people look at: stored
// payloads, answers and headers. It works on bytes, in one pass, and changes
// nothing but what it takes out: the order of fields, the forms of numbers and
// the space between them stay, and what was JSON is JSON afterwards.
//
// Its door is [Rules] and the [Sight] that a face shows things with. It must never see what is stored or sent on its way
// there: only what is shown is redacted.
package redact
