// Package verify is what the developers of a client copy: how a receiver tells
// that a message is genuine, in Go, and beside it in Python, JavaScript and
// PHP. docs/receiving.md has the same texts; tests in internal/docs run them
// against Carteiro's own signer. It needs nothing but a standard library.
package verify
