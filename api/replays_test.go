package api

import (
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// jobWhen waits until a job is in a state.
func (h *house) jobWhen(id, state string) *answer {
	h.t.Helper()
	late := time.After(30 * time.Second)
	for {
		got := h.do("GET", "/v1/jobs/"+id, "").want(200)
		if got.text("state") == state {
			return got
		}
		select {
		case <-h.jobs:
		case <-late:
			h.t.Fatalf("after 30 s the job is %s", got.body)
		}
	}
}

// "Everything that failed for this client since Tuesday" is one call; a dry run
// counts it first.
func TestReplayInOneCall(t *testing.T) {
	target, came := newReceiver(t, 200, "")
	h := newHouse(t, 4)
	sub := h.subscribe(target)
	posted := h.do("POST", "/v1/events", event(redemption)).want(202)
	<-came
	h.next()
	since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	all := `{"filter":{"client_id":"acme","state":"succeeded","since":"` + since + `"},`
	dry := h.do("POST", "/v1/replays", all+`"dry_run":true}`).want(200)
	if dry.at("counted") != 1.0 || dry.at("dry_run") != true || dry.at("by_state", "succeeded") != 1.0 || dry.at("id") != nil ||
		dry.text("sample", 0, "id") != posted.text("deliveries", 0, "id") || dry.text("subscriptions", 0, "subscription_id") != sub {
		t.Error(dry.body)
	}
	if n := h.count("/v1/jobs"); n != 0 {
		t.Errorf("a dry run made %d jobs", n)
	}
	made := h.do("POST", "/v1/replays", all+`"rate":100}`, "Idempotency-Key: once").want(202)
	again := h.do("POST", "/v1/replays", all+`"rate":100}`, "Idempotency-Key: once").want(202)
	if made.body != again.body || again.header.Get("Idempotency-Replayed") != "true" || made.header.Get("Location") != "/v1/jobs/"+made.text("id") ||
		again.header.Get("Location") != made.header.Get("Location") {
		t.Errorf("%v %s\n%v %s", made.header, made.body, again.header, again.body)
	}
	h.do("POST", "/v1/replays", all+`"rate":1}`, "Idempotency-Key: once").problem(409, "idempotency_key_reused")
	done := h.jobWhen(made.text("id"), "completed")
	if done.at("done") != 1.0 || done.at("counted") != 1.0 || done.at("skipped") != 0.0 || done.at("progress") != 1.0 || done.at("subscriptions", 0, "finished") != true {
		t.Error(done.body)
	}
	first, second := posted.text("id"), ""
	second = (<-came).header.Get("Webhook-Id")
	if first != second {
		t.Errorf("the webhook-id was %s and is %s", first, second)
	}
	listed := h.do("GET", "/v1/jobs?state=completed", "").want(200)
	if listed.text("data", 0, "id") != made.text("id") || h.count("/v1/jobs?state=running") != 0 || h.count("/v1/jobs") != 1 {
		t.Error(listed.body)
	}
	if n := h.count("/v1/deliveries?job_id=" + made.text("id")); n != 1 {
		t.Errorf("%d deliveries of the job", n)
	}
	h.do("POST", "/v1/jobs/"+made.text("id")+"/cancel", "").problem(409, "job_finished")
	line := h.do("GET", "/v1/audit-log?resource=job", "").want(200)
	if line.text("data", 0, "action") != "start-replay" || line.text("data", 0, "resource", "id") != made.text("id") || line.text("data", 0, "resource", "client_id") != "acme" {
		t.Error(line.body)
	}
}

func TestReplayRequestsThatAreWrong(t *testing.T) {
	h := newHouse(t, 0)
	for body, want := range map[string]string{
		`{}`:                                                              "/filter",
		`{"filter":{}}`:                                                   "/filter",
		`{"filter":{"client":"acme"}}`:                                    "/filter/client",
		`{"filter":{"client_id":""}}`:                                     "/filter/client_id",
		`{"filter":{"since":"Tuesday"}}`:                                  "/filter/since",
		`{"filter":{"event_ids":[]}}`:                                     "/filter/event_ids",
		`{"filter":{"event_ids":[1]}}`:                                    "/filter/event_ids/0",
		`{"kind":"x","filter":{"since":null}}`:                            "/kind",
		`{"rate":0,"filter":{"client_id":"a"}}`:                           "/rate",
		`{"filter":{"client_id":"a","state":"canceled"}}`:                 "/filter/state",
		`{"kind":"replay","filter":{"client_id":"a","run_id":"run_x"}}`:   "/filter/run_id",
		`{"filter":{"subscription_id":"sub_00000000000000000000000000"}}`: "/filter/subscription_id",
	} {
		if got := strings.Join(h.do("POST", "/v1/replays", body).problem(422, "invalid_request").paths(), " "); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
	}
	for _, id := range []string{"nope", "job_00000000000000000000000000"} {
		h.do("GET", "/v1/jobs/"+id, "").problem(404, "not_found")
		h.do("POST", "/v1/jobs/"+id+"/cancel", "").problem(404, "not_found")
	}
}

// A key of a client makes jobs about its own, and sees those only.
func TestJobsOfAClientsKey(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		w := &world{house: h}
		_, text := h.key(`{"name":"x","role":"operator","client_id":"acme"}`)
		acme := holder{key: text}
		_, text = h.key(`{"name":"x","role":"viewer","client_id":"beta"}`)
		beta := holder{key: text}
		w.resource(ofDelivery, clientA)
		h.do("POST", "/v1/subscriptions", w.body("create-subscription", webhook.AllClients)).want(201)
		h.do("POST", "/v1/events", w.body("post-event", clientA)).want(202)
		got := w.as(acme, "POST", "/v1/replays", `{"filter":{"state":"pending"},"dry_run":true}`).want(200)
		if got.text("filter", "client_id") != "acme" || got.at("counted") != 2.0 { // not the platform's
			t.Error(got.body)
		}
		w.as(acme, "POST", "/v1/replays", `{"filter":{"client_id":"beta"}}`).problem(403, "other_client")
		own := w.as(acme, "POST", "/v1/replays", `{"filter":{"state":"pending"}}`).want(202).text("id")
		other := h.do("POST", "/v1/replays", `{"filter":{"client_id":"acme","state":"pending"}}`).want(202).text("id")
		w.as(acme, "GET", "/v1/jobs/"+own, "").want(200)
		w.as(acme, "GET", "/v1/jobs/"+other, "").problem(404, "not_found")
		w.as(beta, "GET", "/v1/jobs/"+own, "").problem(404, "not_found")
		if list := w.as(acme, "GET", "/v1/jobs", "").want(200); strings.Contains(list.body, other) || !strings.Contains(list.body, own) {
			t.Error(list.body)
		}
		if list := w.as(beta, "GET", "/v1/jobs", "").want(200); strings.Contains(list.body, "job_") {
			t.Error(list.body)
		}
		w.as(acme, "POST", "/v1/jobs/"+other+"/cancel", "").problem(404, "not_found")
		for range 2 {
			if got := w.as(acme, "POST", "/v1/jobs/"+own+"/cancel", "").want(200); got.text("state") != "canceled" {
				t.Error(got.body)
			}
		}
	})
}
