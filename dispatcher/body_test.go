package dispatcher_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// golden reads what a body is made of, or what it has to be.
func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "bodies", name))
	must(t, err)
	return string(b)
}

// sendAt is the moment of the seed's example, 14:53 in GMT-3.
func sendAt() time.Time { return time.Date(2023, 6, 20, 17, 53, 0, 987654321, time.UTC) }

// TestBodiesAreGolden: what arrives is the contract's envelope around the
// bytes that were posted, byte for byte. The first is the seed's own example.
func TestBodiesAreGolden(t *testing.T) {
	odd := webhook.EventType{Slug: "members.created", Name: `Curso "Avançado" <1> & mais \ fim`, Envelope: webhook.EnvelopeEventData}
	bare := webhook.EventType{Slug: "members.bare", Name: "Bare", Envelope: webhook.EnvelopeNone}
	for _, tc := range []struct {
		name       string
		slug       webhook.Slug
		data, body string
	}{
		{"the contract's example", "shop.product.redemption", "redemption.data.json", "redemption.body.json"},
		{"large numbers, order, escapes, white space", odd.Slug, "odd.data.json", "odd.body.json"},
		{"no envelope", bare.Slug, "odd.data.json", "odd.data.json"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ctx := context.Background()
			r := newReceiver(t, always(200))
			h := newHouse(t, houseOptions{now: sendAt})
			h.subscribe(r.URL)
			for _, et := range []webhook.EventType{odd, bare} {
				_, _, err := h.d.PutEventType(ctx, et)
				must(t, err)
			}
			data := golden(t, tc.data)
			accepted, err := h.d.Accept(ctx, []dispatcher.NewEvent{{Type: tc.slug, ClientID: "acme", Data: []byte(data)}}, nil)
			must(t, err)
			got := r.take(t)
			want := golden(t, tc.body)
			if diff := cmp.Diff(want, got.body); diff != "" {
				t.Errorf("the body on the wire (-want +got):\n%s", diff)
			}
			m, err := h.store.Message(ctx, accepted[0].Message.ID)
			must(t, err)
			if string(m.Data()) != data {
				t.Errorf("the stored data is %q, want what was posted", m.Data())
			}
			if got.header.Get("Content-Type") != "application/json" || got.method != "POST" {
				t.Errorf("%s with content type %q", got.method, got.header.Get("Content-Type"))
			}
		})
	}
}

// TestSendAtIsInGMT3: a fixed offset, also where Brazil had daylight saving
// time, and over the edges of days and years.
func TestSendAtIsInGMT3(t *testing.T) {
	var now time.Time
	h := newHouse(t, houseOptions{stopped: true, now: func() time.Time { return now }})
	for at, want := range map[string]string{
		"2023-06-20T17:53:00Z":           "2023-06-20 14:53:00",
		"2019-01-15T12:00:00Z":           "2019-01-15 09:00:00", // summer time until February 2019
		"2026-01-01T02:59:59.999999999Z": "2025-12-31 23:59:59",
		"2026-01-01T03:00:00Z":           "2026-01-01 00:00:00",
		"2028-03-01T01:00:00+09:00":      "2028-02-29 13:00:00",
	} {
		var err error
		now, err = time.Parse(time.RFC3339Nano, at)
		must(t, err)
		body := string(h.post(redemption).Message.Body)
		if !strings.Contains(body, `"send_at":"`+want+`"},"data":`) {
			t.Errorf("accepted at %s: %s, want send_at %s", at, body, want)
		}
	}
}
