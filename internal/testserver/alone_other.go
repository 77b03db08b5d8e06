//go:build !linux

package testserver

import "errors"

// runAlone does nothing: only Linux gives a process a network of its own.
func runAlone([]string) (int, error) { return 0, errors.ErrUnsupported }

func loopbackUp() error { return nil }
