package scheduler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// wantFault fails the test unless err is a refusal with a fault at path.
func wantFault(t testing.TB, err error, path string) {
	t.Helper()
	var refused *webhook.Error
	if !errors.As(err, &refused) || refused.Kind != webhook.KindInvalid {
		t.Errorf("got the error %v, want a fault at %s", err, path)
		return
	}
	for _, f := range refused.Faults {
		if f.Path == path {
			return
		}
	}
	t.Errorf("got %v, want a fault at %s", refused, path)
}

// cutAll cuts records into bodies as a run does.
func cutAll(e envelope, l limits, records []Record) (bodies [][]byte) {
	b := newBuilder(e, l)
	c := &webhook.RunClient{ClientID: "acme"}
	end := func() {
		_, m := b.page(&webhook.Run{ID: "run_x"}, c, time.Unix(0, 0))
		bodies = append(bodies, bytes.Clone(m.Body)) // the next page takes its place
		b.reset()
	}
	for i := range records {
		if !b.cut.fits(len(records[i].Body)) {
			end()
		}
		b.add(&records[i])
	}
	if !b.empty() {
		end()
	}
	return bodies
}

// Paging covers each record once, in order, byte for byte; no page is over its
// limits unless a single record is; and no page could have held the next record.
func TestPagesCoverEachRecordOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := envelopeOf("venda_export", webhook.Vendas, webhook.Window{}, time.UTC)
		l := limits{records: rapid.IntRange(1, 20).Draw(t, "records"), bytes: rapid.IntRange(60, 400).Draw(t, "bytes")}
		var records []Record
		for i := range rapid.IntRange(0, 80).Draw(t, "n") {
			fill := strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "fill"))
			records = append(records, Record{Body: fmt.Appendf(nil, `{"_id":%d,"f":"%s"}`, i, fill)})
		}
		next := 0
		bodies := cutAll(e, l, records)
		for i, body := range bodies {
			var page struct {
				Event string
				Data  []json.RawMessage
			}
			if err := json.Unmarshal(body, &page); err != nil || page.Event != "venda_export" {
				t.Fatalf("page %d: %v: %s", i, err, body)
			}
			if n := len(page.Data); n == 0 || n > l.records || (n > 1 && len(body) > l.bytes) {
				t.Fatalf("page %d has %d records and %d bytes; the limits are %+v", i, n, len(body), l)
			}
			for _, got := range page.Data {
				if next >= len(records) || !bytes.Equal(got, records[next].Body) {
					t.Fatalf("page %d holds %s as record %d", i, got, next)
				}
				next++
			}
			if i < len(bodies)-1 && len(page.Data) < l.records && len(body)+1+len(records[next].Body) <= l.bytes {
				t.Fatalf("page %d ends with room for the next record", i)
			}
		}
		if next != len(records) {
			t.Fatalf("%d of %d records are in pages", next, len(records))
		}
	})
}

// The size that the cutter counts is the length of the body, to the byte: a
// preview counts with it.
func TestCutterCountsTheBody(t *testing.T) {
	e := envelopeOf("ingresso_export", webhook.Ingressos, webhook.Window{}, time.UTC)
	b := newBuilder(e, limits{10, 1 << 20})
	for i := range 5 {
		body := append([]byte(nil), b.body...)
		if got, want := b.cut.size(), len(body)+len(b.suffix); got != want {
			t.Errorf("with %d records the cutter counts %d bytes; they are %d", i, got, want)
		}
		b.add(&Record{Body: []byte(`{"_id":"é"}`)})
	}
}

// The bodies of the four exports are the contract's, byte for byte.
func TestBodies(t *testing.T) {
	zone, err := parseZone(webhook.WireZone)
	if err != nil {
		t.Fatal(err)
	}
	day := windowOf(webhook.PreviousDay, gmt3(t, "2025-06-16 03:00"), zone, time.Time{})
	week := windowOf(webhook.PreviousWeek, gmt3(t, "2025-06-19 03:00"), zone, time.Time{})
	for _, c := range []struct {
		golden  string
		event   webhook.Slug
		dataset webhook.Dataset
		window  webhook.Window
		records []string
	}{
		{"cadastros", "cadastro_export", webhook.Cadastros, day, []string{
			`{"_id":"60d21b4667d0d8992e610c85", "name":"José & <Ana>", "extra": 1.0e2}`, `{"_id":"60d21b4667d0d8992e610c86"}`,
		}},
		{"vendas", "venda_export", webhook.Vendas, day, []string{`{"_id":"60d21b4667d0d8992e610c85","total":15000}`}},
		{"ingressos", "ingresso_export", webhook.Ingressos, day, []string{`{"_id":"60d21b4667d0d8992e610c85","checkin":true}`}},
		{"financeiro", "financeiro_export", webhook.Financeiro, week, []string{
			`{"reference_number":"REF123","project":"projeto123","date":"2025-06-15"}`,
		}},
		{"empty", "ingresso_export", webhook.Ingressos, day, nil},
	} {
		t.Run(c.golden, func(t *testing.T) {
			b := newBuilder(envelopeOf(c.event, c.dataset, c.window, zone), limits{500, 1 << 20})
			for _, r := range c.records {
				b.add(&Record{Body: []byte(r)})
			}
			_, m := b.page(&webhook.Run{}, &webhook.RunClient{}, time.Time{})
			want, err := os.ReadFile(filepath.Join("testdata", "body_"+c.golden+".json"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Body, want) {
				t.Errorf("got  %s\nwant %s", m.Body, want)
			}
			if data := m.Data(); len(data) < 2 || data[0] != '[' || data[len(data)-1] != ']' || !json.Valid(data) {
				t.Errorf("the platform's own data is %s", data)
			}
		})
	}
}
