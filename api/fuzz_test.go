package api

import (
	"encoding/json"
	"net/url"
	"testing"
)

// FuzzIntake posts anything: the answer is never a fault of ours, and always
// JSON.
func FuzzIntake(f *testing.F) {
	h := newHouse(f, 0)
	h.subscribe("http://127.0.0.1:9")
	h.do("PUT", "/v1/event-types/any", `{"name":"Any","envelope":"none"}`).want(201)
	for _, c := range problemCases {
		if c.method == "POST" {
			f.Add([]byte(c.body), "", "application/json")
		}
	}
	for _, data := range oddData {
		f.Add([]byte(`{"type":"any","client_id":"acme","data":`+data+`}`), "key", "")
	}
	f.Add([]byte(event(redemption)), "k\x00", "text/plain;charset=\"")
	f.Add([]byte(`{"events":[`+event(redemption)+`]}`), "", "application/json")
	f.Fuzz(func(t *testing.T, body []byte, key, contentType string) {
		h.t = t
		for _, target := range []string{"/v1/events", "/v1/events/batch", "/v1/subscriptions"} {
			headers := []string{"Content-Type: " + contentType}
			if key != "" {
				headers = append(headers, "Idempotency-Key: "+key)
			}
			a := h.do("POST", target, string(body), headers...)
			if a.status >= 500 || !json.Valid([]byte(a.body)) {
				t.Fatalf("%s: %d %s", target, a.status, a.body)
			}
		}
	})
}

// FuzzCursor lists with anything in the query.
func FuzzCursor(f *testing.F) {
	h := newHouse(f, 0)
	f.Add(cursor(listEvents, "evt_00000000000000000000000000"), "")
	f.Add(cursor(listDeliveries, "dlv_06gzz86b01r89ddw1pq3zs30z4"), "limit=3")
	f.Add(cursor(listEvents, "a\x00b"), "client_id=%00")
	f.Add("", "since=9999-12-31T23:59:59Z&until=0000-01-01T00:00:00Z")
	f.Add("AAAA", "limit=99999999999999999999")
	f.Add("=", "state=pending&event_type=a.b&;=%")
	f.Fuzz(func(t *testing.T, c, query string) {
		h.t = t
		for _, list := range []string{"events", "deliveries", "clients", "event-types", "subscriptions"} {
			u := url.URL{Path: "/v1/" + list, RawQuery: "cursor=" + url.QueryEscape(c) + "&" + url.PathEscape(query)}
			if u2, err := url.Parse("/v1/" + list + "?cursor=" + url.QueryEscape(c) + "&" + query); err == nil && u2.Fragment == "" {
				u = *u2
			}
			a := askURL(t, h.handler, &u)
			if a.status >= 500 || !json.Valid([]byte(a.body)) {
				t.Fatalf("%s: %d %s", u.String(), a.status, a.body)
			}
		}
	})
}

// FuzzCursorForm: a cursor has one spelling, belongs to one list, and leads
// where it was made.
func FuzzCursorForm(f *testing.F) {
	for _, key := range []string{"evt_00000000000000000000000000", "acme", "a|b", "", "a\x00b", "é"} {
		f.Add(cursor(listEvents, key), key)
	}
	f.Add("AAAA", "x")
	f.Add(cursor(listDeliveries, "x")+"=", "~")
	f.Fuzz(func(t *testing.T, c, key string) {
		if got, err := parseCursor(listEvents, c); err == nil && got != "" {
			if again := cursor(listEvents, got); again != c {
				t.Fatalf("%q and %q lead to %q", c, again, got)
			}
			if _, err := parseCursor(listDeliveries, c); err == nil {
				t.Fatalf("%q leads through two lists", c)
			}
		}
		made := cursor(listEvents, key)
		got, err := parseCursor(listEvents, made)
		if takes := printable(key) && len(made) <= maxCursor; (err == nil) != takes || (takes && got != key) {
			t.Fatalf("the key %q came back as %q: %v", key, got, err)
		}
	})
}
