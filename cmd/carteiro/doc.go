// Command carteiro sends webhooks: nightly exports, events as they happen and
// the results of verifications, signed, logged, and again on schedule when a
// subscriber does not answer.
//
// This package is the wiring: it reads the settings, builds the house from
// the ground up, runs it and stops it in order. It decides nothing else, and
// nobody imports it. The commands that operate a running server are below it,
// in cli: they know the API, and nothing of the house.
package main
