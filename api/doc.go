// Package api is the JSON face of Carteiro: what operators and the platform
// call.
//
// Its door is [New]. api.go holds the one table of routes; whoever opens it
// sees each route with its method, path, who may use it, whose data it is
// about, and its handler. A file per noun holds the handlers (clients.go,
// subscriptions.go, events.go, …). errors.go is the one place where an error
// becomes an HTTP answer.
//
// The way of a request, which internal/guard has let in (its framing, headers
// and origin are in order), file by file:
//
//	remote.go      where it comes from
//	middleware.go  gets an id, a time limit and a line in the log; must have a key of the right role
//	whose.go       a key of one client is kept to what is of that client
//	query.go       unknown and doubled query parameters are faults
//	body.go        size, content type, bytes
//	scan.go        is it JSON at all, and is each name there once
//	decode.go      which fields, of which types
//	<noun>.go      the handler: reads go to the store, writes to their owner
//	reply.go       the answer
//	errors.go      or the problem
//
// What /openapi.json says comes from the types of the handlers, and from
// texts.go, texts_fields.go and codes.go where a type does not tell; every
// test of this package is held to it. internal/docpage makes /docs of it.
//
// An event goes from events.go to dispatcher.Accept, and is in SQL when that
// returns. This package must not know SQL, Redis, how a request to a client
// is sent, HTML or settings.
package api
