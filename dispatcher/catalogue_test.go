package dispatcher_test

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestAnotherProcessChangesTheCatalogue: what one process has committed counts
// for the very next event in another, which was told nothing.
func TestAnotherProcessChangesTheCatalogue(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		o.stopped = true
		h := newHouse(t, o)
		other := h.another()
		want := 0
		check := func(after string) {
			t.Helper()
			if n := len(h.post(redemption).Deliveries); n != want {
				t.Errorf("after %s: %d deliveries, want %d", after, n, want)
			}
		}
		var sub *webhook.Subscription
		for range 10 {
			sub = other.subscribe("http://127.0.0.1:1/")
			want++
			check("a creation")
		}
		_, err := h.d.Accept(ctx, []dispatcher.NewEvent{{
			Type: "shop.product.redemption", ClientID: "acme", Data: []byte(redemption),
			SubscriptionID: other.subscribe("http://127.0.0.1:1/").ID,
		}}, nil)
		if err != nil {
			t.Errorf("aimed at a subscription that was created just now: %v", err)
		}
		want++
		_, err = other.subs.Pause(ctx, sub.ID)
		must(t, err)
		check("a pause")
		held := h.post(redemption).Deliveries
		if d := h.delivery(held[9].ID); held[9].SubscriptionID != sub.ID || d.State != webhook.StateHeld {
			t.Errorf("of a paused subscription: %+v", d)
		}
		must(t, other.subs.Delete(ctx, sub.ID))
		want--
		check("a deletion")
		_, err = other.subs.Update(ctx, held[0].SubscriptionID, func(s *webhook.Subscription) error {
			s.EventTypes = []webhook.Pattern{"members.*"}
			return nil
		})
		must(t, err)
		want--
		check("another choice of event types")
	})
}

// TestAnotherProcessChangesAnEventType: a new type is known, a stricter schema
// refuses, a looser one accepts, at once.
func TestAnotherProcessChangesAnEventType(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		o.stopped = true
		h := newHouse(t, o)
		other := h.another()
		h.subscribe("http://127.0.0.1:1/")
		post := func(data string) error {
			_, err := h.d.Accept(ctx, []dispatcher.NewEvent{{Type: "members.invited", ClientID: "acme", Data: []byte(data)}}, nil)
			return err
		}
		put := func(schema string) {
			t.Helper()
			_, _, err := other.d.PutEventType(ctx, webhook.EventType{
				Slug: "members.invited", Name: "Membro", Envelope: webhook.EnvelopeEventData, Schema: json.RawMessage(schema),
			})
			must(t, err)
		}
		faults(t, post(`{"id":1}`)) // not known yet
		put("")
		must(t, post(`{"id":1}`))
		put(`{"properties":{"id":{"type":"string"}}}`)
		if got := faults(t, post(`{"id":1}`)); got[0].Path != "/data/id" {
			t.Errorf("faults %+v", got)
		}
		put(`{"properties":{"id":{"type":"integer"}}}`)
		must(t, post(`{"id":1}`))
	})
}

// TestEventsDuringChanges: while subscriptions come and go, each event gets
// exactly those that were there at its commit; none is refused or lost.
func TestEventsDuringChanges(t *testing.T) {
	eachBackend(t, func(t *testing.T, o houseOptions) {
		ctx := context.Background()
		o.stopped = true
		h := newHouse(t, o)
		other := h.another()
		h.subscribe("http://127.0.0.1:1/always")
		var all sync.WaitGroup
		stop := make(chan struct{})
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				sub := other.subscribe("http://127.0.0.1:1/sometimes")
				must(t, other.subs.Delete(ctx, sub.ID))
			}
		})
		for range 100 {
			a := h.post(redemption)
			if n := len(a.Deliveries); n != 1 && n != 2 {
				t.Errorf("%d deliveries", n)
			}
			for _, d := range a.Deliveries {
				if got := h.delivery(d.ID); got.MessageID != a.Message.ID {
					t.Errorf("stored as %+v", got)
				}
			}
		}
		close(stop)
		all.Wait()
	})
}

func TestPutEventType(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	deep := `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"type":"string"}},"properties":{"x":{"$ref":"#/$defs/a"}}}`
	for _, tc := range []struct {
		name            string
		slug            webhook.Slug
		schema, example string
		path, says      string // of the only fault; "": none
	}{
		{"good", "a.b", deep, `{"x":"y"}`, "", ""},
		{"any JSON", "a.c", "", `[1]`, "", ""},
		{"the example does not meet the schema", "a.b", deep, `{"x":1}`, "/example/x", "must be a string"},
		{"the example is no JSON", "a.b", "", `{`, "/example", "is not valid JSON"},
		{"no schema", "a.b", `{"type":"strin"}`, "", "/schema/type", `must be one of "array", "boolean"`},
		{"no JSON", "a.b", `{`, "", "/schema", "is no JSON Schema"},
		{"a reference to a host", "a.b", `{"$ref":"https://example.com/s.json"}`, "", "/schema", "cannot refer to another document"},
		{"a reference to a file", "a.b", `{"$ref":"file:///etc/passwd"}`, "", "/schema", "cannot refer to another document"},
		{"an export's name", "cadastro_export", "", "", "/slug", "export"},
		{"a verification's name", "verification.failed", "", "", "/slug", "callback"},
		{"no slug", "A B", "", "", "/slug", "lower-case"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := h.d.PutEventType(context.Background(), webhook.EventType{
				Slug: tc.slug, Name: "x", Envelope: webhook.EnvelopeNone, Schema: json.RawMessage(tc.schema), Example: json.RawMessage(tc.example),
			})
			if tc.path == "" {
				must(t, err)
				return
			}
			if got := faults(t, err); len(got) != 1 || got[0].Path != tc.path || !strings.Contains(got[0].Message, tc.says) {
				t.Errorf("faults %+v, want one at %s about %q", got, tc.path, tc.says)
			}
		})
	}
}

// TestUnknownTypesNameTheKnown, but not all of a long catalogue.
func TestUnknownTypesNameTheKnown(t *testing.T) {
	h := newHouse(t, houseOptions{stopped: true})
	for i := range 20 {
		_, _, err := h.d.PutEventType(context.Background(), webhook.EventType{
			Slug: webhook.Slug("a." + strconv.Itoa(10+i)), Name: "x", Envelope: webhook.EnvelopeNone,
		})
		must(t, err)
	}
	_, err := h.d.Accept(context.Background(), []dispatcher.NewEvent{{Type: "b", ClientID: "acme", Data: []byte("1")}}, nil)
	if got := faults(t, err)[0].Message; !strings.Contains(got, "a.10, a.11") || !strings.Contains(got, "and 19 more") {
		t.Error(got)
	}
}
