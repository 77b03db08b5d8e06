// Package docs holds the pages under docs/ to the program: its tests run the
// snippets that a client's developers copy, and compare the pages with the
// files that they show. The commands of the pages are run by a test of
// cmd/carteiro, which has the program.
package docs
