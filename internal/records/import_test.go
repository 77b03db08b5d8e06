package records

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// server takes calls as the API does, and notes them.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string // "content type target: body"
	fail  []int    // statuses of the next answers, before it takes anything
}

// newServer refuses each record that holds "bad".
func newServer(t *testing.T) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer k" || r.Method != http.MethodPut {
			t.Errorf("%v %v %v", err, r.Method, r.Header)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.fail) > 0 {
			status := s.fail[0]
			s.fail = s.fail[1:]
			w.Header().Set("Retry-After", "3")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"detail":"Not now.","errors":[{"path":"client_id","message":"is missing"}]}`)
			return
		}
		s.calls = append(s.calls, r.Header.Get("Content-Type")+" "+r.URL.String()+": "+string(body))
		var refused []string
		taken := 0
		reader := NewReader(strings.NewReader(string(body)), Detect, 1<<20)
		for {
			raw, err := reader.Next()
			if err != nil {
				break
			}
			if strings.Contains(string(raw), "bad") {
				refused = append(refused, fmt.Sprintf(`{"line":%d,"key":"k","reason":"bad"}`, reader.Line()))
			} else {
				taken++
			}
		}
		fmt.Fprintf(w, `{"accepted":%d,"unchanged":0,"refused":[%s]}`, taken, strings.Join(refused, ","))
	}))
	t.Cleanup(s.Close)
	return s
}

// importer notes what is refused and how long it would wait.
func (s *server) importer(refused *[]string, waited *[]time.Duration) *Import {
	return &Import{
		Server: s.URL + "/", Key: "k", Dataset: "vendas", ClientID: "acme", HTTP: s.Client(),
		Refused: func(r Refused) { *refused = append(*refused, fmt.Sprintf("%d %s %s", r.Line, r.Key, r.Reason)) },
		wait: func(_ context.Context, d time.Duration) error {
			*waited = append(*waited, d)
			return nil
		},
	}
}

func TestImportKeepsBytesAndPlaces(t *testing.T) {
	for name, tc := range map[string]struct {
		text, call string
		refused    []string
		sum        Summary
	}{
		"lines": {
			"{\"a\" : 1}\n\n{\"bad\":2}\r\n{\"c\":1.50}", "application/x-ndjson /v1/records/vendas?client_id=acme: {\"a\" : 1}\n{\"bad\":2}\n{\"c\":1.50}",
			[]string{"3 k bad"},
			Summary{Read: 3, Accepted: 2, Refused: 1, Bytes: 28},
		},
		"array": {
			" [{\"a\"\n:1} , {\"bad\":2}]", "application/json /v1/records/vendas?client_id=acme: [{\"a\"\n:1},{\"bad\":2}]",
			[]string{"2 k bad"},
			Summary{Read: 2, Accepted: 1, Refused: 1, Bytes: 17},
		},
		"a record that is too long": {
			"{\"bad\":1}\n" + strings.Repeat("x", 400<<10) + "\n{\"a\":1}", "application/x-ndjson /v1/records/vendas?client_id=acme: {\"bad\":1}\n{\"a\":1}",
			[]string{"2  is larger than 256 KiB, the limit of one record", "1 k bad"},
			Summary{Read: 3, Accepted: 1, Refused: 2, Bytes: 16},
		},
		"nothing": {"\n", "", nil, Summary{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			var refused []string
			sum, err := s.importer(&refused, nil).Run(context.Background(), strings.NewReader(tc.text))
			if err != nil || sum != tc.sum {
				t.Errorf("%+v %v, want %+v", sum, err, tc.sum)
			}
			if got := strings.Join(s.calls, "|"); got != tc.call {
				t.Errorf("calls %q, want %q", got, tc.call)
			}
			if strings.Join(refused, "|") != strings.Join(tc.refused, "|") {
				t.Errorf("refused %q, want %q", refused, tc.refused)
			}
		})
	}
}

// TestImportCutsCalls sends more than two calls take, by number and by size.
func TestImportCutsCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		record string
		n      int
		calls  int
	}{
		"by number": {`{"a":1}`, 2*callRecords + 5, 3},
		"by size":   {`{"a":"` + strings.Repeat("x", 200_000) + `"}`, 90, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			var told []Summary
			i := s.importer(nil, nil)
			i.Progress = func(sum Summary) { told = append(told, sum) }
			sum, err := i.Run(context.Background(), repeat([]byte(tc.record+"\n"), tc.n))
			if err != nil || sum.Accepted != tc.n || len(s.calls) != tc.calls || len(told) != tc.calls || told[tc.calls-1] != sum {
				t.Errorf("%+v %v, %d calls, %d times told", sum, err, len(s.calls), len(told))
			}
			for _, c := range s.calls {
				if n := strings.Count(c, tc.record); n > callRecords || len(c) > callBytes+len(tc.record)+200 {
					t.Errorf("a call of %d records and %d bytes", n, len(c))
				}
			}
		})
	}
}

func TestImportWaitsForTheServer(t *testing.T) {
	s := newServer(t)
	s.fail = []int{503, 429, 503}
	var waited []time.Duration
	sum, err := s.importer(nil, &waited).Run(context.Background(), strings.NewReader("{}\n"))
	if err != nil || sum.Accepted != 1 || fmt.Sprint(waited) != "[3s 6s 12s]" {
		t.Errorf("%+v %v after %v", sum, err, waited)
	}
	s.fail = []int{503, 503, 503, 503, 503, 503, 503}
	waited = nil
	sum, err = s.importer(nil, &waited).Run(context.Background(), strings.NewReader("{}\n"))
	if err == nil || sum.Accepted != 0 || len(waited) != tries-1 || len(s.fail) != 1 {
		t.Errorf("%+v %v after %v", sum, err, waited)
	}
}

func TestImportTellsWhatStoppedIt(t *testing.T) {
	s := newServer(t)
	s.fail = []int{422}
	_, err := s.importer(nil, nil).Run(context.Background(), strings.NewReader("{}\n"))
	if err == nil || !strings.Contains(err.Error(), "records 1 to 1: the server answered 422") || !strings.Contains(err.Error(), "Not now. client_id: is missing.") {
		t.Errorf("%v", err)
	}
	// What came before the place where the stream breaks is sent.
	sum, err := s.importer(nil, nil).Run(context.Background(), strings.NewReader(`[{},{"a":`))
	var broken *BrokenError
	if !errors.As(err, &broken) || sum.Accepted != 1 {
		t.Errorf("%+v %v", sum, err)
	}
	i := s.importer(nil, nil)
	s.Close()
	if _, err := i.Run(context.Background(), strings.NewReader("{}\n")); err == nil {
		t.Error("nobody answered, and nothing was said")
	}
}
