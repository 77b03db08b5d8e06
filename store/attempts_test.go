package store

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func attemptChecks() []check {
	return []check{
		{"attempts come back as they were stored", checkAttempts},
		{"attempts of nothing are none", checkNoAttempts},
	}
}

func checkNoAttempts(t *testing.T, e *env) {
	if as := e.attempts(t, e.accept(t, "").ID); as == nil || len(as) != 0 {
		t.Errorf("got %#v, want an empty list", as)
	}
}

func checkAttempts(t *testing.T, e *env) {
	took := func(d time.Duration) *time.Duration { return &d }
	body := bytes.Repeat([]byte{0, 255, '\n', 'x'}, webhook.MaxStoredBody/4)
	want := []webhook.Attempt{
		{
			Trigger: webhook.TriggerAutomatic, Duration: 1234567 * time.Microsecond,
			Timing: webhook.Timing{DNS: took(1), Connect: took(2 * time.Microsecond), TLS: took(3 * time.Millisecond), FirstByte: took(time.Second)},
			URL:    "https://example.com/ção?a=b%20c&d=<e>", RemoteAddr: "[2001:db8::1]:443", Status: 503,
			Error:           &webhook.AttemptError{Code: webhook.ErrorStatus, Message: "503 is no acknowledgement: \"ção\"\x00"},
			RequestHeaders:  map[string]string{"Authorization": webhook.Redacted, "X-Utf8": "日本"},
			ResponseHeaders: map[string][]string{"Set-Cookie": {webhook.Redacted, webhook.Redacted}, "X-Empty": {""}},
			ResponseBody:    body, ResponseTruncated: true, Warnings: []string{},
		},
		{
			Trigger: webhook.TriggerAutomatic, Timing: webhook.Timing{DNS: took(0)}, URL: someURL, Warnings: []string{},
			Error: &webhook.AttemptError{Code: webhook.ErrorDNS, Message: "no such host"}, Late: took(4 * time.Microsecond), Waited: true,
		},
		{
			Trigger: webhook.TriggerTest, Duration: time.Microsecond, URL: someURL, RemoteAddr: "192.0.2.1:80", Status: 200,
			ResponseBody: []byte("ok"), Warnings: []string{webhook.WarningUnexpectedBody, webhook.WarningBodyIncomplete},
		},
	}
	ref := e.accept(t, "")
	for i := range want {
		c := e.claim(t, ref)
		want[i].Number, want[i].StartedAt = i+1, e.now()
		r := e.result(c, want[i].Status)
		r.Attempt = &want[i]
		rec := e.record(t, r)
		ref.Generation = rec.Generation
		if !rec.NextAttemptAt.IsZero() {
			e.clock.Advance(rec.NextAttemptAt.Sub(e.now()))
		}
	}
	if diff := cmp.Diff(want, e.attempts(t, ref.ID)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if last := e.get(t, ref.ID); last.LastError != webhook.ErrorNone || last.LastStatus == nil || *last.LastStatus != 200 {
		t.Errorf("the delivery says %v and %q of its last attempt", last.LastStatus, last.LastError)
	}
}
