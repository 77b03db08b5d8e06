package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/config"
)

// Exit codes. They are stable: scripts decide by them.
const (
	ExitOK          = 0
	ExitFailed      = 1   // it was done, and came out badly; or something unforeseen happened
	ExitUsage       = 2   // the command line or a setting is wrong; nothing was done
	ExitNotFound    = 3   // there is no such thing
	ExitRefused     = 4   // no API key, an unknown one, or one that may not do this
	ExitUnavailable = 5   // the server does not answer, or has no time
	ExitInvalid     = 6   // the server says that the request is wrong, or does not go with the state of things
	ExitInterrupted = 130 // Ctrl-C
)

// usageError is a command line that cannot be carried out.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// ExitCode is the code with which a program ends after an error.
func ExitCode(err error) int {
	var wrong *config.Error
	var command *usageError
	var call *apiclient.Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &wrong), errors.As(err, &command):
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case !errors.As(err, &call):
		return ExitFailed
	}
	switch call.Kind {
	case apiclient.NotFound:
		return ExitNotFound
	case apiclient.Refused:
		return ExitRefused
	case apiclient.Invalid:
		return ExitInvalid
	case apiclient.Unavailable:
		return ExitUnavailable
	}
	return ExitFailed
}
