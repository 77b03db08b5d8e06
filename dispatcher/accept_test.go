package dispatcher_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// faults returns what an intake was refused for.
func faults(t *testing.T, err error) []webhook.Fault {
	t.Helper()
	var wrong *webhook.Error
	if !errors.As(err, &wrong) || wrong.Kind != webhook.KindInvalid || wrong.Code != "invalid_request" {
		t.Fatalf("the error is %v, want faults", err)
	}
	return wrong.Faults
}

// told writes faults as "path: message".
func told(faults []webhook.Fault) []string {
	out := make([]string, len(faults))
	for i, f := range faults {
		out[i] = f.Path + ": " + f.Message
	}
	return out
}

// events is how many events are stored.
func (h *house) events() int {
	h.t.Helper()
	all, _, err := h.store.Events(context.Background(), store.EventFilter{}, store.Page{Limit: 200})
	must(h.t, err)
	return len(all)
}

func TestSchemaFaultsNameTheField(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	for _, tc := range []struct {
		name, data string
		want       []string
	}{
		{"a wrong type", `{"user":{"id":123},"exchange":{"id":"1"}}`, []string{"/data/user/id: must be a string, but is a number"}},
		{"a field is missing", `{"user":{"name":"A"},"exchange":{"id":"1"}}`, []string{"/data/user/id: is missing"}},
		{"everything is missing", `{}`, []string{"/data/exchange: is missing", "/data/user: is missing"}},
		{"an unknown field", `{"user":{"id":"1","a/b~c":1},"exchange":{"id":"1"}}`, []string{"/data/user/a~1b~0c: is not a field of this event type"}},
		{"behind a $ref", `{"user":{"id":"1"},"exchange":{"id":"1","school":{"id":null}}}`, []string{"/data/exchange/school/id: must be a string, but is null"}},
		{"not what is meant at all", `[1]`, []string{"/data: must be an object, but is an array"}},
		{"several at once", `{"user":{"id":true,"address":{"cep":1}},"exchange":{"quantity":1,"x":2},"y":3}`, []string{
			"/data/exchange/id: is missing",
			"/data/exchange/quantity: must be a string, but is a number",
			"/data/exchange/x: is not a field of this event type",
			"/data/user/address/cep: must be a string, but is a number",
			"/data/user/id: must be a string, but is a boolean",
			"/data/y: is not a field of this event type",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(tc.data)}}, nil)
			if diff := cmp.Diff(tc.want, told(faults(t, err))); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
	if n := h.events(); n != 0 {
		t.Errorf("%d events were stored", n)
	}
}

// TestOtherFaultsOfAnEvent looks at those whose text is a library's, or long.
func TestOtherFaultsOfAnEvent(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	const ok = `{"user":{"id":"1"},"exchange":{"id":"1"}}`
	for _, tc := range []struct {
		name, path, says string
		event            dispatcher.NewEvent
	}{
		{"a pattern", "/data/exchange/exchange_date", "must match the pattern ^[0-9]{4}-", dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(`{"user":{"id":"1"},"exchange":{"id":"1","exchange_date":"20/06/2023"}}`)}},
		{"an empty id", "/data/user/id", "must be at least 1 character long, but has 0", dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(`{"user":{"id":""},"exchange":{"id":"1"}}`)}},
		{"no JSON", "/data", "is not valid JSON", dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(`{"user":`)}},
		{"two values", "/data", "is not valid JSON", dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(ok + ok)}},
		{"an unknown type", "/type", `"shop.unknown" is no known event type. Known are activities.answered.activity, `, dispatcher.NewEvent{Type: "shop.unknown", ClientID: "acme", Data: []byte(ok)}},
		{"no client", "/client_id", "must not be empty", dispatcher.NewEvent{Type: "shop.product.redemption", Data: []byte(ok)}},
		{"no client's name", "/client_id", "no client id", dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "*", Data: []byte(ok)}},
		{"nobody's subscription", "/subscription_id", "has no subscription", dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(ok), SubscriptionID: "sub_x"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{tc.event}, nil)
			got := faults(t, err)
			if len(got) != 1 || got[0].Path != tc.path || !strings.Contains(got[0].Message, tc.says) {
				t.Errorf("faults %+v, want one at %s about %q", got, tc.path, tc.says)
			}
		})
	}
}

// TestFaultsOfABatch: each fault names its event, and nothing of the batch is
// stored or sent.
func TestFaultsOfABatch(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	h.subscribe("http://127.0.0.1:1/")
	var batch []dispatcher.NewEvent
	for i, data := range []string{redemption, `{"user":{"id":1},"exchange":{"id":"1"}}`, redemption, `{"exchange":{"id":"1"}}`} {
		batch = append(batch, dispatcher.NewEvent{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(data), Path: "/events/" + strconv.Itoa(i)})
	}
	_, err := h.d.Accept(context.Background(), batch, nil)
	want := []string{"/events/1/data/user/id: must be a string, but is a number", "/events/3/data/user: is missing"}
	if diff := cmp.Diff(want, told(faults(t, err))); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if n := h.events(); n != 0 {
		t.Errorf("%d events were stored", n)
	}
}

// TestFaultsAreBounded: an event with a thousand wrong fields does not get an
// answer with a thousand lines.
func TestFaultsAreBounded(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	var fields, numbers strings.Builder
	for i := range 1000 {
		fields.WriteString(`"x` + strconv.Itoa(i) + `":1,`)
		numbers.WriteString(`,"` + strconv.Itoa(i) + `":1`)
	}
	for _, data := range []string{`{` + fields.String() + `"user":{"id":"1"},"exchange":{"id":"1"}}`, `{"user":{"id":1` + numbers.String() + `}}`} {
		_, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(data)}}, nil)
		first := faults(t, err)
		if len(first) != 50 {
			t.Errorf("%d faults, want 50", len(first))
		}
		_, err = h.d.Accept(context.Background(), []dispatcher.NewEvent{{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(data)}}, nil)
		if diff := cmp.Diff(first, faults(t, err)); diff != "" {
			t.Errorf("the same event gets another answer:\n%s", diff)
		}
	}
}

// TestAnEventForOneSubscription: a subscription_id aims at one of those that
// could have got the event, and at no other.
func TestAnEventForOneSubscription(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	mine := h.subscribe("http://127.0.0.1:1/a")
	h.subscribe("http://127.0.0.1:1/b")
	everybodys := h.subscribe("http://127.0.0.1:1/c", func(s *webhook.Subscription) { s.ClientID = webhook.AllClients })
	others := h.subscribe("http://127.0.0.1:1/d", func(s *webhook.Subscription) { s.ClientID = "beta" })
	choosy := h.subscribe("http://127.0.0.1:1/e", func(s *webhook.Subscription) { s.EventTypes = []webhook.Pattern{"members.*"} })
	aim := func(sub webhook.SubscriptionID) ([]dispatcher.Accepted, error) {
		return h.d.Accept(context.Background(), []dispatcher.NewEvent{{
			Type: "shop.product.redemption", ClientID: "acme", Data: []byte(redemption), SubscriptionID: sub, Path: "/events/0",
		}}, nil)
	}
	for _, sub := range []*webhook.Subscription{mine, everybodys} {
		got, err := aim(sub.ID)
		must(t, err)
		if ds := got[0].Deliveries; len(ds) != 1 || ds[0].SubscriptionID != sub.ID {
			t.Errorf("aimed at %s: %+v", sub.ID, ds)
		}
		m, err := h.store.Message(context.Background(), got[0].Message.ID)
		must(t, err)
		if m.Target != sub.ID {
			t.Errorf("the message's target is %q", m.Target)
		}
	}
	for _, sub := range []*webhook.Subscription{others, choosy} {
		_, err := aim(sub.ID)
		if got := faults(t, err); len(got) != 1 || got[0].Path != "/events/0/subscription_id" {
			t.Errorf("aimed at %s: %+v", sub.URL, got)
		}
	}
	if got := h.post(redemption).Deliveries; len(got) != 3 {
		t.Errorf("without an aim: %+v, want the three that want it", got)
	}
}

// TestAClientWithoutSubscriptions: the event is accepted and stored; there is
// nobody to send it to.
func TestAClientWithoutSubscriptions(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	h.subscribe("http://127.0.0.1:1/")
	got := h.postFor("nobody", redemption)
	m, err := h.store.Message(context.Background(), got.Message.ID)
	must(t, err)
	if len(got.Deliveries) != 0 || string(m.Body) != string(got.Message.Body) || m.ClientID != "nobody" {
		t.Errorf("%+v, stored as %+v", got, m)
	}
}

// TestAnIntakeIsReplayed: the second request with a key gets the first one's
// answer and creates nothing, also when both come at the same time.
func TestAnIntakeIsReplayed(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		r := newReceiver(t, always(200))
		h := newHouse(t, o)
		h.subscribe(r.URL)
		ask := func(key, hash string) error {
			_, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{Type: "shop.product.redemption", ClientID: "acme", Data: []byte(redemption)}},
				func(a []dispatcher.Accepted) (*store.Idempotency, error) {
					return &store.Idempotency{Scope: "events", Key: key, RequestHash: []byte(hash), Status: 202, Response: []byte(a[0].Message.ID)}, nil
				})
			return err
		}
		const keys, askers = 5, 8
		for k := range keys {
			var mu sync.Mutex
			var firsts int
			answers := map[string]bool{}
			var all sync.WaitGroup
			for range askers {
				all.Go(func() {
					err := ask(strconv.Itoa(k), "hash")
					var replay *store.Replay
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						firsts++
					case errors.As(err, &replay) && replay.Status == 202:
						answers[string(replay.Response)] = true
					default:
						t.Error(err)
					}
				})
			}
			all.Wait()
			ob := h.next()
			if firsts != 1 || len(answers) != 1 || !answers[string(ob.MessageID)] {
				t.Errorf("%d were first, replayed %v, sent %s", firsts, answers, ob.MessageID)
			}
		}
		if err := ask("0", "another"); !webhook.IsKind(err, webhook.KindConflict) {
			t.Errorf("the key with another request: %v", err)
		}
		if n := h.events(); n != keys {
			t.Errorf("%d events are stored, want %d", n, keys)
		}
		h.stop()
		if n := len(r.requests()); n != keys {
			t.Errorf("%d requests, want %d", n, keys)
		}
	})
}
