package api

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestAFailedDeliveryShowsItsAttempt(t *testing.T) {
	target, came := newReceiver(t, 500, "a\xffb")
	h := newHouse(t, 4)
	h.subscribe(target)
	posted := h.do("POST", "/v1/events", event(redemption)).want(202)
	<-came
	h.next()
	path := "/v1/deliveries/" + posted.text("deliveries", 0, "id")
	got := h.do("GET", path, "").want(200)
	for want, value := range map[string]any{
		"retrying": got.at("state"), "status": got.at("attempts", 0, "error", "code"), "automatic": got.at("attempts", 0, "trigger"),
		"a\uFFFDb": got.at("attempts", 0, "response_body"), base64.StdEncoding.EncodeToString([]byte("a\xffb")): got.at("attempts", 0, "response_body_base64"),
		"127.0.0.1:": got.text("attempts", 0, "remote_addr")[:10], posted.text("id"): got.at("event_id"),
	} {
		if value != want {
			t.Errorf("%v, want %q in %s", value, want, got.body)
		}
	}
	next, err := time.Parse(time.RFC3339Nano, got.text("next_attempt_at"))
	must(t, err)
	began, err := time.Parse(time.RFC3339Nano, got.text("attempts", 0, "started_at"))
	must(t, err)
	took := time.Duration(got.at("attempts", 0, "duration_ms").(float64) * float64(time.Millisecond))
	if wait := next.Sub(began.Add(took)); (wait - time.Minute).Abs() > 2*time.Millisecond { // both are rounded
		t.Errorf("the next attempt is %s after the end of the first one", wait)
	}
	if ms, ok := got.at("attempts", 0, "duration_ms").(float64); !ok || ms <= 0 || got.at("attempts", 0, "timing", "tls_ms") != nil {
		t.Errorf("times in %s", got.body)
	}
	// A manual retry goes out at once, and the schedule stays.
	retried := h.do("POST", path+"/retry", "").want(202)
	if retried.at("manual_retry_requested") != true {
		t.Error(retried.body)
	}
	<-came
	h.next()
	again := h.do("GET", path, "").want(200)
	if again.at("attempts", 1, "trigger") != "manual" || again.text("next_attempt_at") != got.text("next_attempt_at") || again.at("automatic_count") != 1.0 {
		t.Error(again.body)
	}
	if state := h.do("POST", path+"/cancel", "").want(200).text("state"); state != "canceled" {
		t.Errorf("state %q", state)
	}
	h.do("POST", path+"/cancel", "{}").want(200)
	h.do("POST", path+"/retry", "").problem(409, "delivery_canceled")
}

func TestASucceededDeliveryCannotBeCanceled(t *testing.T) {
	target, _ := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	sub := h.subscribe(target)
	id := h.do("POST", "/v1/events", event(redemption)).want(202).text("deliveries", 0, "id")
	h.next()
	h.do("POST", "/v1/deliveries/"+id+"/cancel", "").problem(409, "delivery_finished")
	for _, action := range []string{"retry", "cancel"} {
		h.do("POST", "/v1/deliveries/nope/"+action, "").problem(404, "not_found")
		h.do("POST", "/v1/deliveries/dlv_00000000000000000000000000/"+action, "").problem(404, "not_found")
		h.do("POST", "/v1/deliveries/"+id+"/"+action, `{"a":1}`).problem(422, "invalid_request")
	}
	h.do("DELETE", "/v1/subscriptions/"+sub, "").want(204)
	h.do("POST", "/v1/deliveries/"+id+"/retry", "").problem(409, "subscription_gone")
}

func TestDeliveryFilters(t *testing.T) {
	h := newHouse(t, 0)
	sub := h.subscribe("http://127.0.0.1:9")
	before := time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
	posted := h.do("POST", "/v1/events", event(redemption)).want(202)
	h.do("POST", "/v1/events", event(redemption)).want(202)
	after := time.Now().Add(2 * time.Second).Format(time.RFC3339Nano)
	q := url.QueryEscape
	for query, want := range map[string]int{
		"": 2, "state=pending": 2, "state=failed": 0, "client_id=acme": 2, "client_id=other": 0, "subscription_id=" + sub: 2,
		"subscription_id=sub_00000000000000000000000000": 0, "event_type=shop.product.redemption": 2, "event_type=other": 0,
		"event_id=" + posted.text("id"): 1, "run_id=run_00000000000000000000000000": 0,
		"since=" + q(before): 2, "until=" + q(before): 0, "since=" + q(after): 0, "until=" + q(after): 2,
		"state=pending&client_id=acme&limit=1": 1,
	} {
		if n := h.count("/v1/deliveries?" + query); n != want {
			t.Errorf("%s: %d, want %d", query, n, want)
		}
	}
	for query, want := range map[string]int{
		"type=shop.product.redemption": 2, "type=x": 0, "client_id=acme": 2, "client_id=x": 0, "since=" + q(before) + "&until=" + q(after): 2,
	} {
		if n := h.count("/v1/events?" + query); n != want {
			t.Errorf("events %s: %d, want %d", query, n, want)
		}
	}
}

func TestPagesCoverEachEntryOnce(t *testing.T) {
	h := newHouse(t, 0)
	h.subscribe("http://127.0.0.1:9")
	h.do("POST", "/v1/events/batch", `{"events":[`+strings.Repeat(event(redemption)+",", 22)+event(redemption)+`]}`).want(202)
	shipped := len(webhook.BuiltinEventTypes())
	for i := range 23 {
		h.do("PUT", "/v1/clients/c"+strconv.Itoa(i), "{}").want(201)
		if shipped+i < 23 {
			h.do("PUT", "/v1/event-types/t"+strconv.Itoa(i), `{"name":"x"}`).want(201)
		}
		h.subscribe("http://127.0.0.1:9/" + strconv.Itoa(i))
	}
	for list, key := range map[string]string{"events": "id", "deliveries": "id", "clients": "id", "subscriptions": "id", "event-types": "slug"} {
		var seen []string
		target, pages := "/v1/"+list+"?limit=5", 0
		for next := target; next != ""; pages++ {
			got := h.do("GET", next, "").want(200)
			for _, entry := range got.at("data").([]any) {
				seen = append(seen, entry.(map[string]any)[key].(string))
			}
			next = ""
			if cursor, ok := got.at("next_cursor").(string); ok {
				next = target + "&cursor=" + cursor
			}
		}
		unique := map[string]bool{}
		for i, id := range seen {
			unique[id] = true
			if i > 0 && id >= seen[i-1] {
				t.Errorf("%s: %s after %s", list, id, seen[i-1])
			}
		}
		if len(seen) != h.count("/v1/"+list) || len(unique) != len(seen) || pages != 5 {
			t.Errorf("%s: %d entries, %d different, in %d pages", list, len(seen), len(unique), pages)
		}
	}
}

func TestCursorsBelongToTheirList(t *testing.T) {
	h := newHouse(t, 0)
	good := cursor(listEvents, "evt_00000000000000000000000000")
	h.do("GET", "/v1/events?cursor="+good, "").want(200)
	for _, c := range []string{
		cursor(listDeliveries, "evt_00000000000000000000000000"), cursor(listEvents, ""), cursor(listEvents, "a\x00"), cursor(listEvents, "é"),
		good[:len(good)-1], good + "A", good + "=", "A" + good[1:], strings.Repeat("A", 1000), "%20", "é", "AAAAAAAA",
	} {
		h.do("GET", "/v1/events?cursor="+url.QueryEscape(c), "").problem(400, "invalid_cursor")
	}
}

func TestThingsThatDoNotExist(t *testing.T) {
	h := newHouse(t, 0)
	for _, id := range []string{"x", "msg_00000000000000000000000000", "evt_00000000000000000000000000"} {
		h.do("GET", "/v1/events/"+id, "").problem(404, "not_found")
	}
	for _, what := range []string{"payload", "curl"} {
		h.do("GET", "/v1/deliveries/dlv_00000000000000000000000000/"+what, "").problem(404, "not_found")
		h.do("GET", "/v1/deliveries/nope/"+what, "").problem(404, "not_found")
	}
}
