package faultlab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// load is what the platform does all the while: it posts events with known
// numbers, has verifications end, and puts records for a fast export.
type load struct {
	w      *world
	client *http.Client
	stop   chan struct{}
	wg     sync.WaitGroup
	moved  chan struct{} // something was accepted

	mu       sync.Mutex
	events   []*event
	tries    []try
	records  map[string]bool // keys of stored records
	lastPut  time.Time       // when the last records were stored
	callback map[string]bool // deliveries of verifications that ended
	begun    int             // verifications that were begun
}

// event is an event that the platform wants accepted.
type event struct {
	number     int
	client     string
	keyed      bool // it has an Idempotency-Key and is sent until it is accepted
	accepted   bool
	refused    bool // answered with 503: not accepted
	id         string
	deliveries []string
}

// try is one request to the intake and its answer.
type try struct {
	what       string
	from       time.Time
	took       time.Duration
	status     int // 0: no answer
	retryAfter bool
	err        error
	body       string // of an answer that refuses
}

// The pace of the load.
const (
	posters     = 4
	eventEvery  = 130 * time.Millisecond // of each poster
	eventBusy   = 12 * time.Millisecond  // of each poster, where the load is to meet every moment
	recordEvery = 400 * time.Millisecond
	recordsEach = 3
	verifyEvery = 500 * time.Millisecond
	tryAgain    = 150 * time.Millisecond
)

func newLoad(w *world) *load {
	return &load{
		w: w, stop: make(chan struct{}), moved: make(chan struct{}, 1), records: map[string]bool{}, callback: map[string]bool{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * posters}},
	}
}

// begin starts the load.
func (l *load) begin() {
	every := eventEvery
	if l.w.s.busy {
		every = eventBusy
	}
	for range posters {
		choose := rand.New(rand.NewPCG(l.w.random.Uint64(), 1))
		l.each(every, func() { l.postEvent(choose) })
	}
	l.each(recordEvery, l.putRecords)
	l.each(verifyEvery, l.verify)
}

func (l *load) each(every time.Duration, do func()) {
	l.wg.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				do()
			case <-l.stop:
				return
			}
		}
	})
}

// end stops the load. What is tried again is tried until it is accepted.
func (l *load) end() {
	close(l.stop)
	l.wg.Wait()
	l.client.CloseIdleConnections()
}

// postEvent posts one event: of four, one without an Idempotency-Key, and only
// once.
func (l *load) postEvent(choose *rand.Rand) {
	e := &event{client: calm, keyed: choose.IntN(4) > 0}
	switch n := choose.IntN(10); {
	case n < 2:
		e.client = fails
	case n < 3:
		e.client = slow
	case n < 4:
		e.client = never
	}
	l.mu.Lock()
	e.number = len(l.events)
	l.events = append(l.events, e)
	l.mu.Unlock()
	body := fmt.Sprintf(`{"type":"shop.product.redemption","client_id":%q,"data":{"user":{"id":"%d"},"exchange":{"id":"1"}}}`, e.client, e.number)
	ask := call{what: "event", path: "/v1/events", body: body}
	if e.keyed {
		ask.key = "event-" + strconv.Itoa(e.number)
	}
	var answer struct {
		ID         string
		Deliveries []struct{ ID string }
	}
	status := l.ask(ask, &answer, func(status int) bool { return e.keyed && status != http.StatusAccepted })
	l.mu.Lock()
	defer l.mu.Unlock()
	e.refused = status == http.StatusServiceUnavailable
	if status != http.StatusAccepted {
		return
	}
	e.accepted, e.id = true, answer.ID
	for _, d := range answer.Deliveries {
		e.deliveries = append(e.deliveries, d.ID)
	}
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

// putRecords stores records of this moment, which is in the next fire's window.
func (l *load) putRecords() {
	l.mu.Lock()
	from := len(l.records)
	l.mu.Unlock()
	var body strings.Builder
	var keys []string
	for i := range recordsEach {
		keys = append(keys, fmt.Sprintf("%024x", from+i))
		fmt.Fprintf(&body, `{"_id":%q,"total":2990,"payment_method_id":"Pix","updatedAt":%q}`+"\n", keys[i], time.Now().UTC().Format(time.RFC3339Nano))
	}
	var answer struct{ Accepted, Unchanged int }
	status := l.ask(call{what: "records", method: http.MethodPut, path: "/v1/records/vendas?client_id=" + exporter, body: body.String()},
		&answer, func(status int) bool { return status != http.StatusOK })
	if status != http.StatusOK {
		return
	}
	if answer.Accepted+answer.Unchanged != recordsEach {
		l.w.t.Errorf("of %d records, %d were accepted and %d known", recordsEach, answer.Accepted, answer.Unchanged)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range keys {
		l.records[key] = true
	}
	l.lastPut = time.Now()
}

// verify begins a verification and has it end.
func (l *load) verify() {
	l.mu.Lock()
	l.begun++
	n := l.begun
	l.mu.Unlock()
	var begun struct{ ID string }
	body := fmt.Sprintf(`{"nationalId":"12345678909","verifications":{"type":"x"},"client_id":%q,"callback":{"url":%q,"method":"POST"},"metadata":{"n":%d}}`,
		verified, l.w.receiver.URL+"/"+verified, n)
	status := l.ask(call{what: "verification", path: "/v1/verifications", body: body, key: "verification-" + strconv.Itoa(n)}, &begun,
		func(status int) bool { return status != http.StatusCreated })
	if status != http.StatusCreated {
		return
	}
	var ended struct {
		DeliveryID string `json:"delivery_id"`
	}
	status = l.ask(call{what: "verification's end", path: "/v1/verifications/" + begun.ID + "/status", body: `{"status":"COMPLETED"}`}, &ended,
		func(status int) bool { return status != http.StatusOK })
	if status == http.StatusOK {
		l.mu.Lock()
		l.callback[ended.DeliveryID] = true
		l.mu.Unlock()
	}
}

// call is a request to the API.
type call struct {
	what, method, path, body, key string
}

// ask makes a request, again while again says so, to one process after the
// other. It gives up when the program refuses for longer than any fault lasts.
func (l *load) ask(c call, answer any, again func(status int) bool) int {
	giveUp := time.Now().Add(patience)
	for n := 0; ; n++ {
		t := l.once(l.w.intake(n), c, answer)
		l.mu.Lock()
		l.tries = append(l.tries, t)
		l.mu.Unlock()
		if !again(t.status) {
			return t.status
		}
		if time.Now().After(giveUp) || (t.status >= 400 && t.status < 500) {
			l.w.t.Errorf("the %s was not taken: %d %s %v", c.what, t.status, t.body, t.err)
			return t.status
		}
		time.Sleep(tryAgain) // as a platform waits
	}
}

func (l *load) once(base string, c call, answer any) try {
	t := try{what: c.what, from: time.Now()}
	res, text, err := l.request(base, c)
	t.took, t.err = time.Since(t.from), err
	if err != nil {
		return t
	}
	t.status, t.retryAfter = res.StatusCode, res.Header.Get("Retry-After") != ""
	if res.StatusCode >= 300 {
		t.body = string(text)
		return t
	}
	if err := json.Unmarshal(text, answer); err != nil {
		l.w.t.Errorf("%s answered %d %s: %v", c.path, res.StatusCode, text, err)
	}
	return t
}

func (l *load) request(base string, c call) (*http.Response, []byte, error) {
	if base == "" {
		return nil, nil, errors.New("no process takes requests")
	}
	if c.method == "" {
		c.method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(context.Background(), c.method, base+c.path, bytes.NewReader([]byte(c.body)))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	if c.method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.what == "records" {
		req.Header.Set("Content-Type", "application/x-ndjson")
	}
	if c.key != "" {
		req.Header.Set("Idempotency-Key", c.key)
	}
	res, err := l.client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	return res, text, err
}

// more waits until n more events were accepted.
func (l *load) more(n int) {
	l.w.t.Helper()
	late := time.After(patience)
	for want := l.count() + n; l.count() < want; {
		select {
		case <-l.moved:
		case <-late:
			l.w.t.Fatalf("the intake stands still\n%s", l.w.logs())
		}
	}
}

// count is how many events were accepted.
func (l *load) count() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.accepted {
			n++
		}
	}
	return n
}
