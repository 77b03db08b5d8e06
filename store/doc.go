// Package store holds every SQL statement of the program, a file per noun.
//
// An exported method is one transaction; a lower-case helper is the SQL. The
// same statements run on SQLite and PostgreSQL; dialect.go holds the few
// facts in which the two differ. Times are UTC microseconds in BIGINT columns
// and become time.Time at this edge; secrets arrive and leave sealed, as bytes.
//
// Its door is [Open], which gives a [Store]. It must not know about HTTP,
// Redis, secrets' plain text or when something ought to be sent: it is told.
//
// An accepted event goes from [Store.Accept] (messages.go) to the dispatcher,
// which claims its deliveries, sends, and records with the methods of queue.go.
package store
