package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
)

const smallEvent = `{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"1"},"exchange":{"id":"2"}}}`

// TestBodiesAreBounded: uploads that hang fill the room for bodies. The next
// one is refused at once, unread, and the room is there again when they end.
func TestBodiesAreBounded(t *testing.T) {
	h := newHouse(t, 0)
	o := h.options()
	o.Ready = func(context.Context) map[string]error { return map[string]error{"intake": nil} }
	handler := h.holding(o)
	for _, tc := range []struct {
		name   string
		length int64 // announced; -1: chunked
		send   int   // bytes that come of each
		n      int
	}{
		{"announced", maxBatch, maxBatch - leastHeld, maxHeld / maxBatch},
		{"chunked", -1, maxBatch - leastHeld, maxHeld / maxBatch},
		{"short", 100, 0, maxHeld / leastHeld},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var all sync.WaitGroup
			end := make(chan struct{})
			arrived := make(chan struct{}, tc.n)
			for range tc.n {
				body := io.MultiReader(strings.NewReader(strings.Repeat(" ", tc.send)), &hanging{arrived: arrived, end: end})
				r := httptest.NewRequest("POST", "/v1/events/batch", body)
				r.ContentLength = tc.length
				r.Header.Set("Authorization", "Bearer "+testKey)
				all.Go(func() {
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, r)
					if w.Code != 400 {
						t.Errorf("an upload that breaks off answers %d: %s", w.Code, w.Body)
					}
				})
			}
			for range tc.n {
				<-arrived
			}
			post := func() *answer {
				return ask(t, handler, "POST", "/v1/events", smallEvent, "Authorization: Bearer "+testKey)
			}
			got := post().want(503)
			if got.text("code") != "overloaded" || got.header.Get("Retry-After") != "1" {
				t.Errorf("%s, Retry-After %q", got.body, got.header.Get("Retry-After"))
			}
			if got := ask(t, handler, "GET", "/readyz", "").want(503); got.text("parts", "intake") != "failing" {
				t.Error(got.body)
			}
			ask(t, handler, "GET", "/healthz", "").want(200)
			close(end)
			all.Wait()
			post().want(202)
		})
	}
}

// hanging is an upload of which nothing more comes, until it breaks off.
type hanging struct {
	once    sync.Once
	arrived chan<- struct{}
	end     <-chan struct{}
}

func (b *hanging) Read([]byte) (int, error) {
	b.once.Do(func() { b.arrived <- struct{}{} })
	<-b.end
	return 0, errors.New("broken off")
}

// TestReadinessNamesWhatIsWrong, and lets who asks choose the parts that count.
func TestReadinessNamesWhatIsWrong(t *testing.T) {
	h := newHouse(t, 0)
	parts := map[string]error{}
	o := h.options()
	o.Ready = func(context.Context) map[string]error { return parts }
	handler := h.holding(o)
	for _, tc := range []struct {
		err  error
		part string
		want string
	}{
		{nil, "database", "ok"},
		{errors.New("refused"), "database", "failing"},
		{fmt.Errorf("disk: %w", store.ErrFull), "database", "full"},
		{fmt.Errorf("standby: %w", store.ErrReadOnly), "database", "read_only"},
		{fmt.Errorf("memory: %w", dispatcher.ErrRedisFull), "redis", "full"},
		{fmt.Errorf("policy: %w", dispatcher.ErrEvicts), "redis", "evicts"},
	} {
		clear(parts)
		parts["database"], parts["redis"], parts["intake"] = nil, nil, nil
		parts[tc.part] = tc.err
		status := map[bool]int{true: 200, false: 503}[tc.err == nil]
		if got := ask(t, handler, "GET", "/readyz", "").want(status); got.text("parts", tc.part) != tc.want {
			t.Errorf("%v: %s", tc.err, got.body)
		}
		if tc.part == "redis" { // without it, intake goes on
			got := ask(t, handler, "GET", "/readyz?parts=database,intake", "").want(200).body
			if got != `{"status":"ready","parts":{"database":"ok","intake":"ok"}}` {
				t.Error(got)
			}
			ask(t, handler, "GET", "/readyz?parts=intake,redis", "").want(503)
		}
	}
	got := ask(t, handler, "GET", "/readyz?parts=database,workers", "").want(422)
	if got.text("errors", 0, "path") != "parts" || !strings.Contains(got.text("errors", 0, "message"), "database, intake, redis") {
		t.Error(got.body)
	}
	if n := strings.Count(h.log.String(), "msg=\"not ready\""); n != 5 {
		t.Errorf("%d lines for five troubles: a look at some parts must not count as a change", n)
	}
}
