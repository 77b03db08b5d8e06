package api

import (
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	h := newHouse(t, 0)
	for path, begin := range map[string]string{
		"heap": "\x1f\x8b", "profile?seconds=1": "\x1f\x8b", "trace?seconds=1": "go 1.", "goroutine?debug=1": "goroutine profile: total ",
	} { // gzip, or the magic of a trace
		got := h.do("GET", "/debug/pprof/"+path, "").want(200)
		if !strings.HasPrefix(got.body, begin) || got.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %q… as %q", path, got.body[:min(len(got.body), 20)], got.header.Get("Content-Type"))
		}
	}
	h.do("GET", "/debug/pprof/cmdline", "").problem(422, "invalid_request")
	h.do("GET", "/debug/pprof/profile?seconds=11", "").problem(422, "invalid_request")
	h.do("GET", "/debug/pprof/", "").problem(404, "not_found")
}

// Whoever asks while somebody else looks is told so.
func TestOneLooksAtATime(t *testing.T) {
	h := newHouse(t, 0)
	done := make(chan *answer)
	for range 2 {
		go func() { done <- h.do("GET", "/debug/pprof/profile?seconds=1", "") }()
	}
	first, second := <-done, <-done
	first.problem(409, "profile_under_way") // the other one is still looking
	second.want(200)
}
