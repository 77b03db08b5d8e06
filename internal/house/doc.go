// Package house holds the tests of the house rules: who may import whom, how
// long a file may be, what every package has. Each rule tells its reason when
// it is broken.
//
// It has no code of its own, only tests: `go test ./internal/house`. The table
// of the floors is in rules_test.go; the linter's configuration repeats it, and
// a test compares the two. It must not import anything of the house, so that
// it can speak while the house does not build.
package house
