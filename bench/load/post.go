package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/report"
)

// Posts asks for a number of requests, one event in each.
type Posts struct {
	URL     string        // of the intake
	Key     string        // API key
	Clients []string      // whose events, by turns; none: the bodies are those that Carteiro sends, each with an id
	Size    int           // bytes of each event's data
	Count   int           // requests
	Conns   int           // connections
	Rate    float64       // requests a second, by the clock and not by the answers; 0: as fast as it goes
	Jitter  time.Duration // each is put off by up to so much, to keep out of step with what beats in the program
	Keep    bool          // tell each event's id and time
	Status  int           // the answer that is right
}

// Posted is what became of them.
type Posted struct {
	First, Last   int64 // start of the first and end of the last, Unix nanoseconds
	Failed        int   // without the right answer
	Error         string
	P50, P99, Max float64 // until the answer, in ms; with a rate, from when it was due
	Sent          []Sent
}

// Sent is an event that was accepted.
type Sent struct {
	ID     string
	Client int   // index into Clients
	Due    int64 // when it was to be posted, Unix nanoseconds
}

// poster posts.
type poster struct {
	Posts
	client *http.Client
	bodies [][]byte // by client
	start  time.Time
	next   atomic.Int64

	mu      sync.Mutex
	posted  Posted
	answers []float64
}

func newClient(conns int) *http.Client {
	return &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConns: conns, MaxIdleConnsPerHost: conns, MaxConnsPerHost: conns, DisableCompression: true},
	}
}

func post(ctx context.Context, in Posts) (Posted, error) {
	p := &poster{Posts: in, client: newClient(in.Conns)}
	defer p.client.CloseIdleConnections()
	if len(in.Clients) == 0 {
		p.bodies = [][]byte{wireBody(in.Size)}
	}
	for _, c := range in.Clients {
		p.bodies = append(p.bodies, eventBody(c, in.Size))
	}
	p.start = time.Now()
	var wg sync.WaitGroup
	for range in.Conns {
		wg.Go(func() { p.work(ctx) })
	}
	wg.Wait()
	p.posted.First, p.posted.Last = p.start.UnixNano(), time.Now().UnixNano()
	if len(p.answers) > 0 {
		p.posted.P50, p.posted.P99, p.posted.Max = report.Percentile(p.answers, 50), report.Percentile(p.answers, 99), report.Percentile(p.answers, 100)
	}
	return p.posted, nil
}

// due is when request i is to go out.
func (p *poster) due(i int) time.Time {
	if p.Rate == 0 {
		return time.Now()
	}
	at := p.start.Add(time.Duration(float64(i) / p.Rate * float64(time.Second)))
	const odd = 0.618034 // the multiples of the golden ratio fall evenly
	_, part := split(float64(i) * odd)
	return at.Add(time.Duration(part * float64(p.Jitter)))
}

func split(f float64) (whole int, part float64) {
	whole = int(f)
	return whole, f - float64(whole)
}

func (p *poster) work(ctx context.Context) {
	var answers []float64
	var sent []Sent
	for ctx.Err() == nil {
		i := int(p.next.Add(1) - 1)
		if i >= p.Count {
			break
		}
		due := p.due(i)
		if p.Rate > 0 {
			time.Sleep(time.Until(due))
		}
		id, err := p.one(ctx, i)
		if err != nil {
			p.fail(err)
			continue
		}
		answers = append(answers, report.Milliseconds(time.Since(due)))
		if p.Keep {
			sent = append(sent, Sent{id, i % len(p.bodies), due.UnixNano()})
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = append(p.answers, answers...)
	p.posted.Sent = append(p.posted.Sent, sent...)
}

func (p *poster) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.posted.Failed++; p.posted.Error == "" {
		p.posted.Error = err.Error()
	}
}

// one makes one request and returns the event's id.
func (p *poster) one(ctx context.Context, i int) (id string, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, bytes.NewReader(p.bodies[i%len(p.bodies)]))
	if err != nil {
		return "", err
	}
	q.Header.Set("Content-Type", "application/json")
	if p.Key != "" {
		q.Header.Set("Authorization", "Bearer "+p.Key)
	}
	if len(p.Clients) == 0 {
		id = "bare-" + strconv.Itoa(i)
		q.Header.Set("Webhook-Id", id)
	}
	text, err := exchange(p.client, q, p.Status)
	if err != nil || !p.Keep || id != "" {
		return id, err
	}
	var answer struct{ ID string }
	err = json.Unmarshal(text, &answer)
	return answer.ID, err
}

// exchange sends a request and reads the whole answer, which must have the
// status.
func exchange(client *http.Client, q *http.Request, status int) ([]byte, error) {
	res, err := client.Do(q)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != status {
		return nil, fmt.Errorf("%s %s answered %d: %.300s", q.Method, q.URL.Path, res.StatusCode, text)
	}
	return text, nil
}
