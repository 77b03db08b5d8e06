package guard

import "time"

// The limits of what comes in, outermost first. api refers to those of a
// request's content; the server and [Handler] keep the others.

// Of a connection.
const (
	// ReadHeaderTimeout ends a connection whose request line and headers do not
	// come: nothing is known of the caller yet, so it gets the least time.
	ReadHeaderTimeout = 10 * time.Second
	// ReadTimeout is for a whole request with its body: a slow upload does not
	// hold a connection for ever. 16 MiB in a minute are 2.2 Mbit/s.
	ReadTimeout = time.Minute
	// DrainTimeout is for the rest of a body that no face wanted, such as that of
	// a request without a key: net/http reads it to keep the connection, and
	// would wait for it until ReadTimeout.
	DrainTimeout = 2 * time.Second
	// WriteTimeout is above the longest work for a request (an upload of records
	// may take ReadTimeout) and the sending of the longest answer.
	WriteTimeout = 2 * time.Minute
	// IdleTimeout is above those of common load balancers, which would otherwise
	// use a connection at the moment in which we close it.
	IdleTimeout = 2 * time.Minute
)

// Of a request's line and headers.
const (
	// MaxHeaderBytes is for line and headers together; net/http adds 4 KiB. Our
	// longest is a URL of MaxURL and an Idempotency-Key; proxies add a few.
	MaxHeaderBytes = 64 << 10
	// MaxHeaders is how many header lines there may be: MaxHeaderBytes would let
	// thousands of one letter in, and each is an entry in a map.
	MaxHeaders = 100
	// MaxURL is the longest path with its query, in bytes: 8,000 is what RFC
	// 9110, section 4.1 asks a server to take at least.
	MaxURL = 8 << 10
)

// Of a request's content.
const (
	// MaxBody is for every route without a limit of its own. A single event
	// goes whole into one database row and one request to a client: the common
	// limits of receivers are about a mebibyte.
	MaxBody = 1 << 20
	// MaxBatch is a thousand events of the usual size with room to spare; it is
	// held in memory while it is committed.
	MaxBatch = 16 << 20
	// MaxEvents is how many events a batch may have: it is one transaction.
	MaxEvents = 1000
	// MaxRecords is how many records one upload takes: what it answers of
	// refused ones is held in memory. A record has at most webhook.MaxRecord.
	MaxRecords = 10_000
	// MaxDepth is how deeply a document may be nested. The contracts need five
	// levels; a parser of a client's that recurses must survive what we let in.
	MaxDepth = 100
	// MaxIdempotencyKey is in characters: a key is part of a primary key in SQL.
	MaxIdempotencyKey = 255
)
