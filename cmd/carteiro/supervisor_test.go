package main

import (
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestTheSupervisorIsTold: systemd learns when the server is ready and when it
// begins to stop, over a socket as systemd has it.
func TestTheSupervisorIsTold(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	hear := func() string {
		t.Helper()
		if err := socket.SetReadDeadline(time.Now().Add(limit)); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 1000)
		n, err := socket.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
	p := start(t, t.TempDir(), []string{"NOTIFY_SOCKET=" + name}, "serve")
	if got := hear(); got != "READY=1" {
		t.Errorf("at the start: %q", got)
	}
	if status, _ := p.ready(); status != 200 {
		t.Errorf("it said that it is ready, and /readyz answers %d", status)
	}
	if code := terminate(p); code != exitOK {
		t.Errorf("exit code %d", code)
	}
	if got := hear(); got != "STOPPING=1" {
		t.Errorf("at the stop: %q", got)
	}
	p = start(t, t.TempDir(), []string{"NOTIFY_SOCKET=" + name + ".none"}, "serve") // it runs all the same
	if code := terminate(p); code != exitOK {
		t.Errorf("without a listener: exit code %d", code)
	}
}
