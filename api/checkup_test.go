package api

import (
	"strings"
	"testing"
)

func TestCheckASubscription(t *testing.T) {
	target, came := newReceiver(t, 200, "canary")
	h := newHouse(t, 0)
	id := h.subscribe(target + "/canary?token=canary")
	for accept, want := range map[string]string{"": "anybody who knows the URL can forge messages", "pt-BR": "quem souber a URL pode forjar mensagens"} {
		got := h.do("POST", "/v1/subscriptions/"+id+"/check", "", "Accept-Language: "+accept).want(200)
		if len(came) != 3 {
			t.Fatalf("%d requests came", len(came))
		}
		for range 3 {
			<-came
		}
		if got.text("result") != "warn" || !strings.Contains(got.body, want) || strings.Contains(got.body, "canary") || got.header.Get("Content-Language") != got.text("language") {
			t.Errorf("%q: %s", accept, got.body)
		}
		if findings, ok := got.at("findings").([]any); !ok || len(findings) != 12 || got.text("findings", 0, "check") != "dns" {
			t.Error(got.body)
		}
		recorded := h.do("GET", "/v1/deliveries/"+got.text("delivery_id"), "").want(200)
		if recorded.at("test") != true || recorded.at("attempts", 2, "trigger") != "test" {
			t.Error(recorded.body)
		}
	}
	closed := h.subscribe("http://127.0.0.1:1/")
	got := h.do("POST", "/v1/subscriptions/"+closed+"/check", "{}").want(200)
	if got.text("result") != "fail" || got.at("delivery_id") != nil {
		t.Error(got.body)
	}
	lines := h.do("GET", "/v1/audit-log?action=check-subscription", "").want(200)
	if n := len(lines.at("data").([]any)); n != 3 {
		t.Errorf("%d lines for 3 checks: %s", n, lines.body)
	}
	h.do("POST", "/v1/subscriptions/nope/check", "").problem(404, "not_found")
	h.do("POST", "/v1/subscriptions/"+id+"/check", `{"a":1}`).problem(422, "invalid_request")
}
