// Package apiclient calls the API of a running Carteiro.
//
// Its door is [Client.Do]: one request, its answer, and an [Error] that says
// what happened, what is wrong where, and what to do next. It knows the API's
// conventions (keys, problem+json, Retry-After, Idempotency-Key) and no noun:
// what an answer means is told by whoever asked.
package apiclient
