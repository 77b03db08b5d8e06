package listen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Options of New. Told is needed.
type Options struct {
	Keys      []Key     // verify messages; none: they are not checked
	Behaviour Behaviour //
	Answer    []byte    // body of a good answer; nil: {"status":"received"}
	Forward   string    // URL to which each request goes on, and which answers; "": none
	// Told gets each request once it was answered, one after the other.
	Told func(Message)
	Now  func() time.Time // nil: time.Now
}

// Message is one request and how it was answered.
type Message struct {
	At         time.Time       `json:"at"`
	Method     string          `json:"method"`
	Path       string          `json:"path"`
	From       string          `json:"from"`
	ID         string          `json:"webhook_id"`
	EventType  string          `json:"event_type"`
	DeliveryID string          `json:"delivery_id"`
	Attempt    int             `json:"attempt"`
	RunID      string          `json:"run_id,omitempty"`
	Page       int             `json:"page,omitempty"`
	Pages      int             `json:"pages,omitempty"`
	Test       bool            `json:"test,omitempty"`
	Signature  Verdict         `json:"signature"`
	Why        string          `json:"signature_note,omitempty"`
	Seen       int             `json:"seen"`              // how often this webhook-id has come, this time included
	Changed    bool            `json:"changed,omitempty"` // with another body than the first time
	Body       json.RawMessage `json:"body,omitempty"`    // when it is JSON
	Text       string          `json:"text,omitempty"`    // when it is not
	Bytes      int             `json:"bytes"`             // of the body
	Outcome    string          `json:"outcome"`           // answered, refused, failed, closed or hung
	Status     int             `json:"status,omitempty"`  // of the answer; 0: there was none
	TookMS     float64         `json:"took_ms"`           // until the answer
	Error      string          `json:"error,omitempty"`   // what went wrong with reading or forwarding
	Header     http.Header     `json:"-"`
}

// Receiver answers webhooks.
type Receiver struct {
	o    Options
	dice *dice
	http *http.Client

	mu   sync.Mutex
	seen map[string]message
	sum  Summary
	one  sync.Mutex // Told is called by one request at a time
}

// message is what is known of a webhook-id.
type message struct {
	times int
	body  [sha256.Size]byte // the first one's
}

// Received is the answer that the contract of exports expects.
const Received = `{"status":"received"}`

// maxBody is how much of a body is read, in bytes: above the largest page.
const maxBody = 64 << 20

// New makes a receiver.
func New(o Options) *Receiver {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Answer == nil {
		o.Answer = []byte(Received)
	}
	return &Receiver{
		o: o, dice: newDice(o.Behaviour), seen: map[string]message{},
		http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// ServeHTTP verifies a request, answers it, and tells it.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	m := r.read(req)
	what, wait := r.dice.throw(m.Seen)
	if what == answers && len(r.o.Keys) > 0 && m.Signature != Valid {
		what = refuses
	}
	if err := sleep(req.Context(), wait); err != nil {
		what = hangs // the sender has given up
	}
	m.Outcome = string(what)
	switch what {
	case hangs:
		<-req.Context().Done()
	case closes:
		reset(w)
	case fails:
		m.Status = r.o.Behaviour.BadStatus
		if m.Status == 0 {
			m.Status = http.StatusServiceUnavailable
		}
		write(w, m.Status, []byte(`{"status":"failed","reason":"carteiro listen was asked to fail"}`))
	case refuses:
		m.Status = http.StatusUnauthorized
		write(w, m.Status, []byte(`{"status":"refused","reason":"the signature is not valid"}`))
	case answers:
		r.answer(w, req, &m)
	}
	m.TookMS = float64(r.o.Now().Sub(m.At).Microseconds()) / 1000
	r.tell(m)
}

// read takes a request in.
func (r *Receiver) read(req *http.Request) Message {
	h := req.Header
	m := Message{
		At: r.o.Now(), Method: req.Method, Path: req.URL.RequestURI(), From: req.RemoteAddr, ID: h.Get(headerID), Header: h,
		EventType: h.Get("Carteiro-Event-Type"), DeliveryID: h.Get("Carteiro-Delivery-Id"), Attempt: number(h.Get("Carteiro-Attempt")),
		RunID: h.Get("Carteiro-Run-Id"), Page: number(h.Get("Carteiro-Page")), Pages: number(h.Get("Carteiro-Pages")), Test: h.Get("Carteiro-Test") == "true",
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody))
	if err != nil {
		m.Error = "the body broke off: " + err.Error()
	}
	m.Bytes = len(body)
	if json.Valid(body) {
		m.Body = body
	} else {
		m.Text = string(body)
	}
	m.Signature, m.Why = Verify(r.o.Keys, h, body, m.At)
	r.mu.Lock()
	defer r.mu.Unlock()
	m.Seen = 1
	if m.ID == "" {
		return m
	}
	known, sum := r.seen[m.ID], sha256.Sum256(body)
	if known.times == 0 {
		known.body = sum
	}
	known.times++
	m.Seen, m.Changed = known.times, known.body != sum
	r.seen[m.ID] = known
	return m
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0 // it is not there, or is no number of ours
	}
	return n
}

func (r *Receiver) answer(w http.ResponseWriter, req *http.Request, m *Message) {
	if r.o.Forward != "" {
		r.forward(w, req, m)
		return
	}
	m.Status = r.o.Behaviour.Status
	if m.Status == 0 {
		m.Status = http.StatusOK
	}
	if m.Status/100 == 3 {
		w.Header().Set("Location", "/elsewhere")
	}
	write(w, m.Status, r.o.Answer)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if status != http.StatusNoContent && status != http.StatusNotModified {
		_, _ = w.Write(body) // the sender may have gone
	}
}

// forward sends a request on as it came, and its answer back.
func (r *Receiver) forward(w http.ResponseWriter, req *http.Request, m *Message) {
	body := []byte(m.Body)
	if body == nil {
		body = []byte(m.Text)
	}
	on, err := http.NewRequestWithContext(req.Context(), req.Method, r.o.Forward, bytes.NewReader(body))
	if err == nil {
		on.Header = req.Header.Clone()
		var res *http.Response
		if res, err = r.http.Do(on); err == nil {
			m.Status = res.StatusCode
			w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
			w.WriteHeader(res.StatusCode)
			_, _ = io.Copy(w, res.Body)
			err = res.Body.Close()
		}
	}
	if err == nil {
		return
	}
	m.Error = "it could not be sent on: " + err.Error()
	if m.Status == 0 {
		m.Status = http.StatusBadGateway
		write(w, m.Status, []byte(`{"status":"failed","reason":"carteiro listen could not send it on"}`))
	}
}

// reset ends a connection as a crashed server's kernel does.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: the stream is reset
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Receiver) tell(m Message) {
	r.mu.Lock()
	r.sum.add(&m)
	r.mu.Unlock()
	r.one.Lock()
	defer r.one.Unlock()
	r.o.Told(m)
}

// Summary is what has come so far.
func (r *Receiver) Summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.sum
	s.Messages = len(r.seen)
	return s
}
