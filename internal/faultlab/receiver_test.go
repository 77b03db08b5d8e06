package faultlab

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// The clients of a run. Each behaves by the number of the attempt that the
// request names, so that a repeat gets the same answer.
const (
	calm     = "calm"     // acknowledges at once
	fails    = "fails"    // fails the first attempt
	slow     = "slow"     // acknowledges after a while
	never    = "never"    // never acknowledges
	exporter = "exporter" // gets the export's pages
	verified = "verified" // gets callbacks of verifications
)

const slowness = 300 * time.Millisecond

// expected are the answers that a client's delivery gets, attempt by attempt,
// and the state in which it ends.
func expected(client webhook.ClientID) ([]int, webhook.DeliveryState) {
	switch client {
	case fails:
		return []int{500, 200}, webhook.StateSucceeded
	case never:
		return []int{500, 500, 500}, webhook.StateFailed
	}
	return []int{200}, webhook.StateSucceeded
}

// request is one request as the receiver saw it.
type request struct {
	message  webhook.MessageID
	attempt  int
	arrived  time.Time // its body was read
	answered time.Time // just before the answer; zero: the sender was gone
	status   int
	body     [sha256.Size]byte
	keys     []string // of the records in a page
}

// receiver is the clients' servers. It belongs to the test's own process: no
// fault reaches it.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	secrets  map[string]*standardwebhooks.Webhook // by client
	requests map[webhook.DeliveryID][]*request
	faults   []string // what no sender may do
}

func newReceiver() *receiver {
	r := &receiver{
		secrets: map[string]*standardwebhooks.Webhook{}, requests: map[webhook.DeliveryID][]*request{},
	}
	r.Server = httptest.NewServer(r)
	return r
}

// trust makes the receiver verify a client's requests with its secret.
func (r *receiver) trust(client, secret string) error {
	wh, err := standardwebhooks.NewWebhook(secret)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[client] = wh
	return err
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender died while it wrote
	}
	client := strings.TrimPrefix(req.URL.Path, "/")
	seen, err := r.note(client, req.Header, body)
	if err != nil {
		r.fault(client + ": " + err.Error())
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if client == slow {
		select {
		case <-time.After(slowness):
		case <-req.Context().Done():
			return
		}
	}
	r.mu.Lock()
	seen.answered = time.Now()
	r.mu.Unlock()
	w.WriteHeader(seen.status)
	if client == exporter {
		_, _ = io.WriteString(w, `{"status":"received"}`) // a sender that is gone is no fault of ours
	}
}

// note judges a request by itself and keeps it.
func (r *receiver) note(client string, h http.Header, body []byte) (*request, error) {
	seen := &request{message: webhook.MessageID(h.Get(sender.HeaderID)), arrived: time.Now(), body: sha256.Sum256(body)}
	var err error
	if seen.attempt, err = strconv.Atoi(h.Get(sender.HeaderAttempt)); err != nil || seen.attempt < 1 {
		return nil, errors.New("a request without the number of its attempt")
	}
	if seen.keys, err = keysOf(client, body); err != nil {
		return nil, err
	}
	answers, _ := expected(webhook.ClientID(client))
	seen.status = http.StatusGone // a request more than the schedule has
	if seen.attempt <= len(answers) {
		seen.status = answers[seen.attempt-1]
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	secret := r.secrets[client]
	if secret == nil {
		return nil, errors.New("a request to nobody")
	}
	if err := secret.Verify(body, h); err != nil {
		return nil, err
	}
	id := webhook.DeliveryID(h.Get(sender.HeaderDeliveryID))
	r.requests[id] = append(r.requests[id], seen)
	return seen, nil
}

// keysOf reads the keys of the records of a page.
func keysOf(client string, body []byte) (keys []string, err error) {
	if client != exporter {
		return nil, nil
	}
	var page struct {
		Data []struct {
			ID string `json:"_id"`
		}
	}
	err = json.Unmarshal(body, &page)
	for _, record := range page.Data {
		keys = append(keys, record.ID)
	}
	return keys, err
}

func (r *receiver) fault(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, what)
}
