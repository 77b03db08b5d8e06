package main

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// What several processes share in these tests.
const (
	sharedSecret = "CARTEIRO_SECRET_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	sharedKey    = "an-admin-key-of-these-tests-0123456789"
)

// startShared starts a process on a database and a Redis that others may use too.
func startShared(t *testing.T, database, redis string, env ...string) *process {
	t.Helper()
	p := start(t, t.TempDir(), append([]string{
		"CARTEIRO_DATABASE_URL=" + database, "CARTEIRO_REDIS_URL=" + redis, sharedSecret, "CARTEIRO_ADMIN_KEY=" + sharedKey,
	}, env...), "serve")
	p.key = sharedKey
	return p
}

// ids is a set of event ids for many goroutines.
type ids struct {
	mu  sync.Mutex
	all map[string]int
}

func (s *ids) add(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]int{}
	}
	s.all[id]++
}

func (s *ids) copy() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.all)
}

// newAgreeing is a client that takes everything, after thinking about it.
func newAgreeing(t *testing.T, thinks time.Duration) (url string, got *ids) {
	got = &ids{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil {
			got.add(r.Header.Get("webhook-id"))
			time.Sleep(thinks)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

// outcome is the answer to one event.
type outcome struct {
	status     int
	id, code   string
	retryAfter string
	took       time.Duration
}

// putRecords puts one record and returns the answer, whatever it is.
func (p *process) putRecords() outcome {
	p.t.Helper()
	o, err := p.send("PUT", "/v1/records/vendas?client_id=acme", `[{"_id":"1","updatedAt":"2025-06-15T18:00:00Z"}]`)
	if err != nil {
		p.t.Fatal(err)
	}
	return o
}

// try posts one event with some padding and returns the answer, whatever it is.
func (p *process) try(padding int) (outcome, error) {
	body := `{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"1"},"exchange":{"id":"x` + strings.Repeat("x", padding) + `"}}}`
	return p.send("POST", "/v1/events", body)
}

// send makes one request.
func (p *process) send(method, path, body string) (outcome, error) {
	req, err := http.NewRequest(method, p.base+path, strings.NewReader(body))
	if err != nil {
		return outcome{}, err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	req.Header.Set("Content-Type", "application/json")
	began := time.Now()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{}, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	o := outcome{status: res.StatusCode, retryAfter: res.Header.Get("Retry-After"), took: time.Since(began)}
	if err != nil {
		return o, err
	}
	var answer struct{ ID, Code string }
	err = json.Unmarshal(text, &answer)
	o.id, o.code = answer.ID, answer.Code
	return o, err
}

// poster posts from many sides and keeps what was accepted.
type poster struct {
	t        *testing.T
	p        *process
	padding  int
	hasty    bool // a connection may break: the machine is too busy for the bodies
	accepted ids
}

// at posts from n sides at once, each a number of events, and returns every
// answer.
func (s *poster) at(n, each int) []outcome {
	s.t.Helper()
	var mu sync.Mutex
	var all []outcome
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for range each {
				o, err := s.p.try(s.padding)
				if err != nil {
					if !s.hasty {
						s.t.Errorf("no answer: %v", err)
					}
					continue
				}
				if o.status == http.StatusAccepted {
					s.accepted.add(o.id)
				}
				mu.Lock()
				all = append(all, o)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return all
}

// wantRefused checks that answers are 503 with Retry-After, in time (P6).
func (s *poster) wantRefused(all []outcome) {
	s.t.Helper()
	if slowest := s.wantRefusedOrLate(all); slowest > 2*time.Second {
		s.t.Errorf("an answer took %s, want at most 2 s", slowest)
	}
}

// wantRefusedOrLate does not look at the time: of a machine that is busy with
// the bodies, it tells nothing about the database.
func (s *poster) wantRefusedOrLate(all []outcome) time.Duration {
	s.t.Helper()
	slowest := time.Duration(0)
	for _, o := range all {
		slowest = max(slowest, o.took)
		if o.status != http.StatusServiceUnavailable || o.retryAfter == "" {
			s.t.Fatalf("answered %+v", o)
		}
	}
	s.t.Logf("%d refused, the slowest after %s", len(all), slowest)
	return slowest
}

// ready asks for readiness.
func (p *process) ready() (status int, parts map[string]string) {
	p.t.Helper()
	var answer struct{ Parts map[string]string }
	status = p.call("GET", "/readyz", "", &answer)
	return status, answer.Parts
}

// waitReady waits until every part is green.
func (p *process) waitReady() {
	p.t.Helper()
	var parts map[string]string
	defer func() {
		if p.t.Failed() {
			p.t.Logf("parts %v; it logged\n%s", parts, p.logged())
		}
	}()
	waitFor(p.t, "it is ready again", func() bool {
		var status int
		status, parts = p.ready()
		return status == 200
	})
}

// waitFor looks until something is so.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(limit)
	for !is() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not in time: %s", what)
		}
	}
}

// wantDelivered waits until all that was accepted has arrived.
func (s *poster) wantDelivered(got *ids) {
	s.t.Helper()
	waitFor(s.t, "all that was accepted arrives", func() bool {
		there := got.copy()
		for id := range s.accepted.copy() {
			if there[id] == 0 {
				return false
			}
		}
		return true
	})
}
