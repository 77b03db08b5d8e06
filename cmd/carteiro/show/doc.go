// Package show prints for people: tables that fit the terminal, times,
// durations, sizes, colours where they help, and how far long work is.
//
// Its door is [Printer]. It knows no noun of the house and calls nobody. What
// it prints came from elsewhere, so no control character of it reaches a
// terminal.
package show
