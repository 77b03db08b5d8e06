package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestIDs(t *testing.T) {
	var made []string
	for range 1000 {
		id := webhook.NewID(webhook.PrefixDelivery)
		if !webhook.ValidID(webhook.PrefixDelivery, id) || webhook.ValidID(webhook.PrefixEvent, id) {
			t.Fatalf("%q is not a delivery's id, or is an event's", id)
		}
		made = append(made, id)
	}
	if !slices.IsSorted(made) {
		t.Error("ids do not sort by the time they were made")
	}
	before, after := webhook.FirstIDAt(webhook.PrefixDelivery, time.Now().Add(-time.Minute)), webhook.FirstIDAt(webhook.PrefixDelivery, time.Now().Add(time.Minute))
	if made[0] < before || made[999] >= after {
		t.Errorf("%s … %s is not between %s and %s", made[0], made[999], before, after)
	}
	for _, bad := range []string{"", "dlv_", "dlv_123", "evt_" + strings.Repeat("0", 26), "dlv_" + strings.Repeat("u", 26), "dlv_" + strings.Repeat("0", 27), "DLV_" + strings.Repeat("0", 26)} {
		if webhook.ValidID(webhook.PrefixDelivery, bad) {
			t.Errorf("%q passes for a delivery's id", bad)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern webhook.Pattern
		slug    webhook.Slug
		want    bool
	}{
		{"*", "shop.product.redemption", true},
		{"shop.*", "shop.product.redemption", true},
		{"shop.product.*", "shop.product.redemption", true},
		{"shop.product.redemption", "shop.product.redemption", true},
		{"shop.*", "shopping.cart", false},
		{"shop.*", "shop", false},
		{"shop.product", "shop.product.redemption", false},
		{"ingresso_export", "ingresso_export", true},
	} {
		if msg := c.pattern.Fault(); msg != "" {
			t.Errorf("%s %s", c.pattern, msg)
		}
		if got := c.pattern.Matches(c.slug); got != c.want {
			t.Errorf("%s matches %s: %v", c.pattern, c.slug, got)
		}
	}
	for _, bad := range []webhook.Pattern{"", ".*", "shop*", "shop.*.x", "Shop", "shop..x", "a b", "*.*", "shop.", webhook.Pattern(strings.Repeat("a", 200))} {
		if bad.Fault() == "" {
			t.Errorf("%q passes for a pattern", bad)
		}
	}
}

func TestSubscriptionFaults(t *testing.T) {
	good := func() *webhook.Subscription {
		s := &webhook.Subscription{ClientID: "acme", URL: "https://example.com", EventTypes: []webhook.Pattern{"*"}}
		s.SetDefaults()
		return s
	}
	for _, c := range []struct {
		change func(*webhook.Subscription)
		paths  []string
	}{
		{func(*webhook.Subscription) {}, nil},
		{func(s *webhook.Subscription) { s.ClientID = "*" }, nil},
		{func(s *webhook.Subscription) { s.ClientID = "a/b" }, []string{"/client_id"}},
		{func(s *webhook.Subscription) { s.ClientID = "" }, []string{"/client_id"}},
		{func(s *webhook.Subscription) { s.EventTypes = nil }, []string{"/event_types"}},
		{func(s *webhook.Subscription) { s.EventTypes = []webhook.Pattern{"ok", "No"} }, []string{"/event_types/1"}},
		{func(s *webhook.Subscription) { s.Method = "GET" }, []string{"/method"}},
		{func(s *webhook.Subscription) { s.Timeout = webhook.Duration(time.Minute) }, []string{"/timeout"}},
		{func(s *webhook.Subscription) { s.RateLimit, s.MaxInFlight = -1, 0 }, []string{"/rate_limit", "/max_in_flight"}},
		{func(s *webhook.Subscription) { s.Ack = webhook.Ack{Status: "3xx", RequireBody: true} }, []string{"/ack/status", "/ack/require_body"}},
		{func(s *webhook.Subscription) {
			s.Headers = map[string]string{"Host": "x", "webhook-id": "1", "Bad Name": "x", "X-A": "a\r\nb", "X/Y": "1"}
		}, []string{"/headers/Bad Name", "/headers/Host", "/headers/X-A", "/headers/X~1Y", "/headers/webhook-id"}},
		{func(s *webhook.Subscription) { s.Headers = map[string]string{"X-A": "1", "x-a": "2"} }, []string{"/headers/x-a"}},
		{func(s *webhook.Subscription) { s.Description = "a\x00b" }, []string{"/description"}},
		{func(s *webhook.Subscription) { s.Headers = map[string]string{"Idempotency-Key": "1"} }, []string{"/headers/Idempotency-Key"}},
	} {
		s := good()
		c.change(s)
		var f webhook.Faults
		s.Validate(&f)
		var paths []string
		for _, fault := range f {
			paths = append(paths, fault.Path)
		}
		if diff := cmp.Diff(c.paths, paths); diff != "" {
			t.Errorf("%+v: %s\n%v", s, diff, f)
		}
	}
}

// TestSecretsHide: a secret shows itself only where it is asked to.
func TestSecretsHide(t *testing.T) {
	s := webhook.NewSecret()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "pair", webhook.SigningSecrets{Current: s})
	asJSON, err := json.Marshal(map[string]any{"s": s, "sub": webhook.Subscription{Secrets: webhook.SigningSecrets{Current: s}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %q", s, s, s), fmt.Sprintf("%+v", webhook.SigningSecrets{Current: s}), log.String(), string(asJSON)} {
		if strings.Contains(shown, s.Reveal()) || strings.Contains(shown, s.Reveal()[10:20]) {
			t.Errorf("the secret is shown: %s", shown)
		}
	}
	again, err := webhook.ParseSecret(s.Reveal())
	if err != nil || again != s || len(s.Key()) != 32 {
		t.Errorf("a fresh secret does not parse back: %v", err)
	}
	for _, bad := range []string{"", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_***"} {
		if _, err := webhook.ParseSecret(bad); err == nil {
			t.Errorf("%q passes for a secret", bad)
		} else if bad != "" && bad != "whsec_" && strings.Contains(err.Error(), bad) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
}

func TestRotationOverlap(t *testing.T) {
	end := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	s := webhook.SigningSecrets{Current: webhook.NewSecret(), Previous: webhook.NewSecret(), PreviousUntil: end}
	if got := s.At(end.Add(-time.Microsecond)); len(got) != 2 || got[0] != s.Current || got[1] != s.Previous {
		t.Errorf("within the overlap %d secrets sign", len(got))
	}
	if got := s.At(end); len(got) != 1 || got[0] != s.Current {
		t.Errorf("after the overlap %d secrets sign", len(got))
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]string{"15s": "15s", "90s": "1m30s", "1h": "1h", "5m": "5m", "500ms": "500ms", "3600s": "1h", "1h5m": "1h5m", "0s": "0s"} {
		var d webhook.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.String() != want {
			t.Errorf("%s → %s, %v; want %s", text, d, err, want)
		}
	}
	var d webhook.Duration
	if err := d.UnmarshalText([]byte("15")); err == nil || !strings.Contains(err.Error(), "unit") {
		t.Errorf("a number without a unit: %v", err)
	}
}

func TestErrorTellsEveryFault(t *testing.T) {
	var f webhook.Faults
	if f.Err() != nil {
		t.Fatal("no fault is an error")
	}
	f.Add("/a", "is %d", 1)
	f.Add("/b", "is missing")
	err := f.Err()
	if !webhook.IsKind(err, webhook.KindInvalid) || !strings.Contains(err.Error(), "/a: is 1") || !strings.Contains(err.Error(), "/b: is missing") {
		t.Error(err)
	}
	if webhook.IsKind(fmt.Errorf("wrapped: %w", webhook.NotFound("client", "x")), webhook.KindInvalid) {
		t.Error("not found passes for invalid")
	}
}
