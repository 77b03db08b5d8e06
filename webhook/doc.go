// Package webhook holds the nouns of Carteiro and the rules that belong to a
// noun alone: what a valid subscription is, which state a delivery may go to,
// what counts as an acknowledgement.
//
// It is the leaf of the house: it imports the standard library and a uuid
// library, and everybody may import it. It must not know about SQL, Redis,
// HTTP servers or settings.
//
// The words are the field's. A client (the customer company) has
// subscriptions (a callback URL with the event types that it wants). An event
// is an immutable fact; what is sent for it is a [Message]: one id, one body.
// A [Delivery] is one message to one URL; an [Attempt] is one HTTP request of
// a delivery.
package webhook
