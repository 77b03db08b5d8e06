//go:build !linux

package testserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// endWithUs does nothing: only Linux ends a child together with its parent.
func endWithUs(*exec.Cmd, os.Signal) {}

// asServant only knows whether a servant is needed.
func asServant(*exec.Cmd, string) error {
	if os.Geteuid() == 0 {
		return fmt.Errorf("%w: PostgreSQL refuses to run as root", ErrMissing)
	}
	return nil
}

func pause(*os.Process) error  { return errors.ErrUnsupported }
func resume(*os.Process) error { return errors.ErrUnsupported }
