// Package cli is the part of the command line that talks to a running server:
// a file for each noun, as on every other floor, and [Commands] with all of
// them.
//
// A command makes its request through a [Session], which knows where the
// server is, prints tables for people and JSON for pipes, and turns what went
// wrong into an exit code ([ExitCode]). It decides nothing that the API
// decides, and knows nothing of stores and queues.
package cli
