package load

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// TestMain lets the test binary be its own child, as the benchmark is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == ChildArg {
		if err := Main(os.Args[2], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func children(t *testing.T) (*Receiver, *Load) {
	t.Helper()
	r, err := StartReceiver(t.Context())
	must(t, err)
	t.Cleanup(r.Kill)
	l, err := StartLoad()
	must(t, err)
	t.Cleanup(l.Kill)
	return r, l
}

const patience = time.Minute

func TestBarePostsArriveAndAreCounted(t *testing.T) {
	r, l := children(t)
	ctx := t.Context()
	for _, path := range []string{PathOK + "/a", PathOK + "/b"} {
		got, err := l.Post(ctx, Posts{URL: r.URL + path, Size: 1024, Count: 100, Conns: 8, Status: 200})
		must(t, err)
		if got.Failed != 0 || got.Last <= got.First || got.P50 <= 0 || got.P50 > got.P99 || got.P99 > got.Max {
			t.Errorf("%s: %+v", path, got)
		}
	}
	all, err := r.Await(ctx, PathOK, 200, patience)
	must(t, err)
	want := Counts{Requests: 200, Distinct: 200, Bytes: 200 * int64(len(wireBody(1024))), First: all.First, Last: all.Last}
	if all != want || all.First == 0 || all.Last < all.First {
		t.Errorf("arrived %+v, want %+v", all, want)
	}
	if one, err := r.Await(ctx, PathOK+"/b", 100, patience); err != nil || one.Distinct != 100 {
		t.Errorf("at /b arrived %+v, %v", one, err)
	}
	if none, err := r.Await(ctx, "/nobody", 1, time.Millisecond); err != nil || none != (Counts{}) {
		t.Errorf("elsewhere arrived %+v, %v", none, err)
	}
	must(t, r.Reset(ctx))
	if none, err := r.Await(ctx, "", 1, time.Millisecond); err != nil || none.Requests != 0 {
		t.Errorf("after a reset there are %+v, %v", none, err)
	}
}

// TestAwaitEndsWithTheLastArrival posts while somebody waits.
func TestAwaitEndsWithTheLastArrival(t *testing.T) {
	r, l := children(t)
	done := make(chan error, 1)
	go func() {
		_, err := l.Post(t.Context(), Posts{URL: r.URL + PathOK, Size: 1, Count: 50, Conns: 2, Rate: 500, Status: 200})
		done <- err
	}()
	began := time.Now()
	got, err := r.Await(t.Context(), PathOK, 50, patience)
	must(t, err)
	if got.Distinct != 50 || time.Since(began) > patience/2 {
		t.Errorf("after %s: %+v", time.Since(began), got)
	}
	must(t, <-done)
}

func TestPathsAnswerAsTheyAreCalled(t *testing.T) {
	r, l := children(t)
	ctx := t.Context()
	post := func(path string, status int) Posted {
		got, err := l.Post(ctx, Posts{URL: r.URL + path, Size: 10, Count: 1, Conns: 1, Status: status})
		must(t, err)
		return got
	}
	if got := post(PathWait+"30ms/x", 200); got.Failed != 0 || got.P50 < 30 {
		t.Errorf("a wait of 30 ms took %v ms (%s)", got.P50, got.Error)
	}
	if got := post(PathOnce, 500); got.Failed != 0 {
		t.Errorf("the first answer: %s", got.Error)
	}
	if got := post(PathOnce, 200); got.Failed != 0 {
		t.Errorf("the second answer: %s", got.Error)
	}
	if got := post(PathAccept, 200); got.Failed != 1 || !strings.Contains(got.Error, "answered 202: {\"id\":\"evt_") {
		t.Errorf("a wrong status is not told: %+v", got)
	}
	times, err := r.Arrivals(ctx, PathOnce)
	must(t, err)
	if len(times) != 1 || len(times["bare-0"]) != 2 {
		t.Errorf("arrivals are %v", times)
	}
}

// TestACallThatTakesTooLongEndsItsChild: a receiver that never answers must
// not hold the benchmark up.
func TestACallThatTakesTooLongEndsItsChild(t *testing.T) {
	r, l := children(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := l.Post(ctx, Posts{URL: r.URL + PathHang, Count: 1, Conns: 1, Status: 200}); err == nil || !strings.Contains(err.Error(), "deadline") {
		t.Errorf("%v", err)
	}
	select {
	case <-l.Done():
	case <-time.After(patience):
		t.Error("the child lives on")
	}
}

func TestRateIsByTheClock(t *testing.T) {
	r, l := children(t)
	got, err := l.Post(t.Context(), Posts{URL: r.URL + PathAccept, Clients: []string{"a", "b"}, Size: 400, Count: 20, Conns: 4, Rate: 100, Jitter: 5 * time.Millisecond, Keep: true, Status: 202})
	must(t, err)
	if got.Failed != 0 || len(got.Sent) != 20 {
		t.Fatalf("%+v", got)
	}
	if took := time.Duration(got.Last - got.First); took < 190*time.Millisecond {
		t.Errorf("20 events at 100 a second took %s", took)
	}
	byClient := map[int]int{}
	for _, s := range got.Sent {
		byClient[s.Client]++
		if !strings.HasPrefix(s.ID, "evt_") || s.Due < got.First {
			t.Errorf("sent %+v", s)
		}
	}
	if byClient[0] != 10 || byClient[1] != 10 {
		t.Errorf("by client %v", byClient)
	}
}

// TestBodies: what is posted must be what the program takes and sends.
func TestBodies(t *testing.T) {
	if n := len(eventData(1024)); n != 1024 {
		t.Errorf("an event of 1 KB has %d bytes", n)
	}
	var in struct {
		Type     string
		ClientID string `json:"client_id"`
		Data     json.RawMessage
	}
	must(t, json.Unmarshal(eventBody("acme", 1024), &in))
	if in.Type != EventType || in.ClientID != "acme" || string(in.Data) != eventData(1024) {
		t.Errorf("posted %+v", in)
	}
	if !json.Valid(wireBody(0)) || !json.Valid([]byte(acceptAnswer)) {
		t.Error("a body is not JSON")
	}
}

func TestQueue(t *testing.T) {
	server := testserver.Redis(t)
	r, l := children(t)
	ctx := t.Context()
	for _, url := range []string{"", r.URL + PathOK} {
		got, err := l.Queue(ctx, Queue{Redis: server.Addr(), Tasks: 200, Enqueuers: 4, Concurrency: 8, URL: url, Size: 1024})
		must(t, err)
		if got.Failed != 0 || got.Took <= 0 {
			t.Errorf("%+v", got)
		}
	}
	if n, err := r.Await(ctx, PathOK, 200, patience); err != nil || n.Requests != 200 {
		t.Errorf("%d tasks were posted, %v", n.Requests, err)
	}
	got, err := l.Queue(ctx, Queue{Redis: server.Addr(), Tasks: 3, Enqueuers: 1, Concurrency: 1, URL: r.URL + PathAccept})
	must(t, err)
	if got.Failed != 3 || got.Error == "" {
		t.Errorf("wrong answers are not told: %+v", got)
	}
}

func TestCountRecords(t *testing.T) {
	n, sum := countRecords([]byte(`{"event":"x","data":[{"_id":"a","total":1},{"_id":"b"}]}`))
	again, other := countRecords([]byte(`{"data":[{"_id":"b"},{"_id":"a"}]}`))
	if n != 2 || again != 2 || sum != other || sum == 0 {
		t.Errorf("%d records with sum %d, %d with %d", n, sum, again, other)
	}
	if _, third := countRecords([]byte(`{"_id":"a"},{"_id":"c"}`)); third == sum {
		t.Error("other records have the same sum")
	}
	if n, _ := countRecords([]byte(`{"_id":"a`)); n != 1 {
		t.Errorf("%d", n)
	}
}

func TestMainRefusesWhatItDoesNotKnow(t *testing.T) {
	if err := Main("cook", strings.NewReader(""), nil); err == nil {
		t.Error("there is a role cook")
	}
	var out strings.Builder
	must(t, Main(RoleLoad, strings.NewReader(`{"Op":"dance","Args":{}}`), &out))
	if !strings.Contains(out.String(), `knows no operation \"dance\"`) {
		t.Errorf("answered %s", out.String())
	}
}
