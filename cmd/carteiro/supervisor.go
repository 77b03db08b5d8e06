package main

import (
	"fmt"
	"net"
	"strings"
)

// What a supervisor is told.
const (
	supervisorReady    = "READY=1"
	supervisorStopping = "STOPPING=1"
)

// tellSupervisor tells systemd (Type=notify), or whoever else gave a
// NOTIFY_SOCKET, that the server is ready or stops: one datagram, as sd_notify
// sends it. Without such a socket nobody wants to know.
func tellSupervisor(environ []string, state string) error {
	address := ""
	for _, pair := range environ {
		if value, ok := strings.CutPrefix(pair, "NOTIFY_SOCKET="); ok {
			address = value
		}
	}
	if address == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Net: "unixgram", Name: address})
	if err != nil {
		return fmt.Errorf("tell the supervisor %s: %w", state, err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the supervisor %s: %w", state, err)
	}
	return nil
}

// tell is tellSupervisor for a server: a supervisor that does not listen is no
// reason to end.
func (h *house) tell(r runContext, state string) {
	if err := tellSupervisor(r.environ, state); err != nil {
		h.log.Warn("the supervisor does not listen", "error", err)
	}
}
