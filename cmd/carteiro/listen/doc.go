// Package listen is a receiver of webhooks for a developer's machine: it
// verifies each message, tells it, and answers as a good receiver does, or
// misbehaves on demand, so that retries can be seen.
//
// Its door is [Receiver], an http.Handler that hands what came to a function.
// It verifies as the client's side does, with what a client knows (the secret,
// or the public key), and shares no code with the sender that it judges.
package listen
