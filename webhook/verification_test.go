package webhook_test

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestAVerificationEndsOnce is the state table, in full.
func TestAVerificationEndsOnce(t *testing.T) {
	const (
		pending, completed = webhook.VerificationPending, webhook.VerificationCompleted
		failed, expired    = webhook.VerificationFailed, webhook.VerificationExpired
		moves, repeats, no = "moves", "repeats", "conflict"
	)
	for _, row := range []struct {
		from webhook.VerificationStatus
		to   map[webhook.VerificationStatus]string // what a report of each status does
	}{
		{pending, map[webhook.VerificationStatus]string{pending: repeats, completed: moves, failed: moves, expired: moves}},
		{completed, map[webhook.VerificationStatus]string{pending: no, completed: repeats, failed: no, expired: no}},
		{failed, map[webhook.VerificationStatus]string{pending: no, completed: no, failed: repeats, expired: no}},
		{expired, map[webhook.VerificationStatus]string{pending: no, completed: no, failed: no, expired: repeats}},
	} {
		if !row.from.Valid() || len(row.to) != len(webhook.VerificationStatuses) {
			t.Fatalf("%s: valid %v, %d columns", row.from, row.from.Valid(), len(row.to))
		}
		for _, to := range webhook.VerificationStatuses {
			v := webhook.Verification{ID: "ver_1", Status: row.from, UpdatedAt: time.Unix(0, 0).UTC()}
			repeat, err := v.Report(to)
			got := moves
			switch {
			case webhook.IsKind(err, webhook.KindConflict):
				got = no
			case err != nil:
				t.Fatal(err)
			case repeat:
				got = repeats
			}
			if got != row.to[to] {
				t.Errorf("%s → %s %s, want %s", row.from, to, got, row.to[to])
			}
			if row.from.CanBecome(to) != (row.to[to] == moves) {
				t.Errorf("%s can become %s: %v", row.from, to, row.from.CanBecome(to))
			}
		}
	}
	if webhook.VerificationStatus("DONE").Valid() {
		t.Error(`"DONE" passes for a status`)
	}
}

// TestOnlyTwoStatusesAreSent: the contract names COMPLETED and FAILED.
func TestOnlyTwoStatusesAreSent(t *testing.T) {
	for _, s := range webhook.VerificationStatuses {
		sent := s == webhook.VerificationCompleted || s == webhook.VerificationFailed
		if s.Reportable() != sent || (s.EventType() != "") != sent {
			t.Errorf("%s: reportable %v, event type %q", s, s.Reportable(), s.EventType())
		}
		if slug := s.EventType(); sent && slug.Reserved() == "" {
			t.Errorf("%s can be posted as an event", slug)
		}
	}
}

// TestCallbackBodyIsTheContracts compares with the seed's payload, byte for
// byte but for the space that makes it readable.
func TestCallbackBodyIsTheContracts(t *testing.T) {
	text, err := os.ReadFile("testdata/verification-callback.json")
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := json.Compact(&want, text); err != nil {
		t.Fatal(err)
	}
	v := webhook.Verification{ID: "verification-id", Metadata: []byte(`{"key":"value"}`)}
	body, start := v.CallbackBody(webhook.VerificationCompleted)
	if string(body) != want.String() {
		t.Errorf("body %s\nwant %s", body, want.String())
	}
	if got := string(body[start : start+len(v.Metadata)]); got != string(v.Metadata) {
		t.Errorf("the metadata is said to be %s", got)
	}
	v.Metadata = nil
	if body, _ := v.CallbackBody(webhook.VerificationFailed); string(body) != `{"id":"verification-id","status":"FAILED"}` {
		t.Errorf("without metadata: %s", body)
	}
}

func TestMaskNationalID(t *testing.T) {
	for id, want := range map[string]string{
		"012345678900": "***00", "01234567890": "***90", "123.456.789-09": "***09", "123456": "***56",
		"12345": "***", "1": "***", "": "***", "ação-ção": "***ão",
	} {
		if got := webhook.MaskNationalID(id); got != want {
			t.Errorf("%q is masked as %q, want %q", id, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[0-9]{3,32}`).Draw(t, "id")
		if got := webhook.MaskNationalID(id); strings.Contains(got, id[:3]) || strings.Count(got, "*") != 3 || len(got) > 5 {
			t.Fatalf("%q is masked as %q", id, got)
		}
	})
}

func TestCheckNationalID(t *testing.T) {
	for id, ok := range map[string]bool{
		"012345678900": true, "1": true, "ç" + strings.Repeat("é", 31): true,
		"": false, strings.Repeat("1", 33): false, "a\x00b": false, "\xff": false,
	} {
		msg := webhook.CheckNationalID(id)
		if (msg == "") != ok {
			t.Errorf("%q: %q", id, msg)
		}
		if id != "" && strings.Contains(msg, id) && len(id) > 2 {
			t.Errorf("the fault repeats the id: %q", msg)
		}
	}
}

func TestKeptVerificationType(t *testing.T) {
	for in, want := range map[string]string{
		"full": "full", "": "", strings.Repeat("x", 64): strings.Repeat("x", 64),
		strings.Repeat("x", 65): "", "a\x00": "", "\xff": "",
	} {
		if got := webhook.KeptVerificationType(in); got != want {
			t.Errorf("%q is kept as %q", in, got)
		}
	}
}

// TestBuiltinEventTypes holds the shipped catalogue to the slugs that the
// contracts name.
func TestBuiltinEventTypes(t *testing.T) {
	want := map[webhook.Slug]bool{ // and whether it is reserved
		"shop.product.redemption": false, "members.created": false, "members.updated": false, "members.disabled": false,
		"course.enrollment.created": false, "activities.course.enrollment": false, "activities.course.completed": false,
		"activities.content.completed": false, "activities.answered.activity": false,
		"activities.certificate.issued": false, "activities.trail.completed": false,
		"cadastro_export": true, "venda_export": true, "ingresso_export": true, "financeiro_export": true,
		"verification.completed": true, "verification.failed": true,
	}
	for _, et := range webhook.BuiltinEventTypes() {
		reserved, known := want[et.Slug]
		delete(want, et.Slug)
		if !known || reserved != (et.Slug.Reserved() != "") {
			t.Errorf("%s: known %v, reserved: %q", et.Slug, known, et.Slug.Reserved())
		}
		if envelope := map[bool]webhook.Envelope{true: webhook.EnvelopeNone, false: webhook.EnvelopeEventData}[reserved]; et.Envelope != envelope {
			t.Errorf("%s has the envelope %s", et.Slug, et.Envelope)
		}
		var f webhook.Faults
		et.Validate(&f)
		if len(f) > 0 || len(et.Schema) == 0 || len(et.Example) == 0 || et.Description == "" {
			t.Errorf("%s: %v, %d bytes of schema, %d of example", et.Slug, f, len(et.Schema), len(et.Example))
		}
	}
	for slug := range want {
		t.Errorf("%s is missing", slug)
	}
}
