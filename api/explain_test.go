package api

import (
	"strings"
	"testing"
)

func TestExplainSpeaksTwoLanguages(t *testing.T) {
	target, came := newReceiver(t, 500, "canary")
	h := newHouse(t, 4)
	h.subscribe(target + "/canary")
	id := h.do("POST", "/v1/events", event(redemption)).want(202).text("deliveries", 0, "id")
	<-came
	h.next()
	for accept, want := range map[string][3]string{
		"":                 {"en", "tried once without success", "Your server answered 500"},
		"fr-FR, de;q=0.5":  {"en", "tried once without success", "Your server answered 500"},
		"pt-BR,pt;q=0.9":   {"pt-BR", "foi tentada uma vez sem sucesso", "Seu servidor respondeu 500"},
		"en;q=0.1, pt;q=1": {"pt-BR", "foi tentada uma vez sem sucesso", "Seu servidor respondeu 500"},
	} {
		got := h.do("GET", "/v1/deliveries/"+id+"/explain", "", "Accept-Language: "+accept).want(200)
		if got.header.Get("Content-Language") != want[0] || got.header.Get("Vary") != "Accept-Language" || got.text("language") != want[0] {
			t.Errorf("%q: %v %s", accept, got.header, got.body)
		}
		if !strings.Contains(got.text("summary"), want[1]) || !strings.Contains(got.text("tell_client"), want[2]) || strings.Contains(got.body, "canary") {
			t.Errorf("%q: %s", accept, got.body)
		}
		if steps, ok := got.at("steps").([]any); !ok || len(steps) != 2 || got.text("next_attempt_at") == "" {
			t.Errorf("%q: %s", accept, got.body)
		}
	}
	h.do("GET", "/v1/deliveries/nope/explain", "").problem(404, "not_found")
	h.do("GET", "/v1/deliveries/dlv_00000000000000000000000000/explain", "").problem(404, "not_found")
	if plain := h.do("GET", "/v1/deliveries/"+id, "").want(200); plain.header.Get("Vary") != "" || plain.header.Get("Content-Language") != "" {
		t.Errorf("what has no language says one: %v", plain.header)
	}
}
