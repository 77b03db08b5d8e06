package api

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const ndjson = "Content-Type: application/x-ndjson"

// stored reads what is kept of a dataset and a client as "key=body".
func (h *house) stored(d webhook.Dataset, client webhook.ClientID) []string {
	h.t.Helper()
	rows, err := h.store.ReadRecords(context.Background(), store.RecordQuery{
		Dataset: d, ClientID: client, Window: webhook.Window{From: time.Unix(0, 0), To: time.Unix(1<<33, 0)}, Limit: 1 << 20,
	})
	must(h.t, err)
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = string(r.Body)
	}
	return out
}

func sale(id, more string) string {
	return `{"_id":"` + id + `","updatedAt":"2025-06-15T18:00:00Z"` + more + `}`
}

func TestPutRecords(t *testing.T) {
	h := newHouse(t, 0)
	odd := sale("b", `, "total" : 2990,"z":1.50e+3,"u":"\u00e9\/é","n":123456789012345678901234567890 `)
	a := h.do("PUT", "/v1/records/vendas?client_id=acme", sale("a", "")+"\n\n"+odd+"\r\n"+
		sale("c", `,"total":29.9`)+"\n"+`{"updatedAt":1}`+"\nnonsense\n"+sale("d", `,"payment_method_id":"pix"`)+"\n"+sale("e", ""), ndjson).want(200)
	want := `{"accepted":3,"unchanged":0,"refused":[` +
		`{"line":4,"key":"c","reason":"\"total\" has a fraction or an exponent; money is an integer in centavos, such as 2990"},` +
		`{"line":5,"key":"","reason":"\"updatedAt\" must be text; \"_id\" is missing"},` +
		`{"line":6,"key":"","reason":"is not valid: byte 1: a record is a JSON object"},` +
		`{"line":7,"key":"d","reason":"\"payment_method_id\" is none of Cartão de Crédito, Boleto, Pix, Cortesia, Gratuito"}]}`
	if a.body != want {
		t.Errorf("got  %s\nwant %s", a.body, want)
	}
	if got := h.stored(webhook.Vendas, "acme"); len(got) != 3 || got[1] != odd {
		t.Errorf("stored: %q", got)
	}
	// Again: nothing changes.
	if a := h.do("PUT", "/v1/records/vendas?client_id=acme", "["+sale("a", "")+", \n"+odd+"]").want(200); a.body != `{"accepted":0,"unchanged":2,"refused":[]}` {
		t.Error(a.body)
	}
}

func TestPutRecordsFormats(t *testing.T) {
	h := newHouse(t, 0)
	lines, array := sale("a", "")+"\n"+sale("b", ""), "["+sale("a", "")+","+sale("b", "")+"]"
	for i, tc := range []struct{ contentType, body string }{
		{"", lines},
		{"", array},
		{ndjson, lines},
		{"Content-Type: application/x-ndjson; charset=utf-8", lines},
		{"Content-Type: application/ndjson", lines},
		{"Content-Type: application/json", array},
		{"Content-Type: application/json; charset=UTF-8", "\ufeff" + array},
	} {
		headers := []string{tc.contentType}
		if tc.contentType == "" {
			headers = nil
		}
		client := fmt.Sprintf("c%d", i)
		h.do("PUT", "/v1/records/vendas?client_id="+client, tc.body, headers...).want(200)
		if got := h.stored(webhook.Vendas, webhook.ClientID(client)); len(got) != 2 {
			t.Errorf("%q: stored %q", tc.contentType, got)
		}
	}
	h.do("PUT", "/v1/records/vendas?client_id=acme", lines, "Content-Type: text/plain").problem(415, "unsupported_media_type")
	h.do("PUT", "/v1/records/vendas?client_id=acme", lines, "Content-Type: application/x-ndjson; charset=latin1").problem(415, "unsupported_media_type")
	h.do("PUT", "/v1/records/vendas?client_id=acme", lines, ndjson, "Content-Encoding: gzip").problem(415, "unsupported_content_encoding")
	h.do("PUT", "/v1/records/vendas?client_id=acme", "", ndjson).want(200)
	h.do("PUT", "/v1/records/vendas?client_id=acme", "", "Content-Type: application/json").problem(400, "malformed_json")
}

func TestPutRecordsClients(t *testing.T) {
	h := newHouse(t, 0)
	body := sale("a", `,"project_id":"acme"`) + "\n" + sale("a", `,"project_id":"globex"`) + "\n" + sale("b", "") + "\n" + sale("c", `,"project_id":"a b"`)
	a := h.do("PUT", "/v1/records/vendas?client_field=project_id", body, ndjson).want(200)
	if a.at("accepted") != 2.0 || a.at("refused", 0, "line") != 3.0 || a.at("refused", 1, "line") != 4.0 {
		t.Error(a.body)
	}
	if len(h.stored(webhook.Vendas, "acme")) != 1 || len(h.stored(webhook.Vendas, "globex")) != 1 {
		t.Error("a record went to another client than its field says")
	}
	for _, query := range []string{"", "?client_id=acme&client_field=project_id", "?client_id=a+b", "?client_id=*", "?client=acme", "?client_field=" + strings.Repeat("x", 201)} {
		h.do("PUT", "/v1/records/vendas"+query, body, ndjson).problem(422, "invalid_request")
	}
	h.do("PUT", "/v1/records/clientes?client_id=acme", body, ndjson).problem(404, "not_found")
}

func TestPutRecordsStopsWhereTheBodyBreaks(t *testing.T) {
	h := newHouse(t, 0)
	a := h.do("PUT", "/v1/records/vendas?client_id=acme", "["+sale("a", "")+","+sale("", "")+","+sale("b", "")+",", "Content-Type: application/json").
		problem(400, "malformed_json")
	for place, want := range map[string]any{"accepted": 2.0, "unchanged": 0.0, "next_line": 4.0} {
		if got := a.at("partial", place); got != want {
			t.Errorf("%s: %v, want %v in %s", place, got, want, a.body)
		}
	}
	if a.at("partial", "refused", 0, "line") != 2.0 || !strings.Contains(a.text("detail"), "At record 4,") {
		t.Error(a.body)
	}
	if got := h.stored(webhook.Vendas, "acme"); len(got) != 2 {
		t.Errorf("stored %q", got)
	}
}

// The connection ends in the middle of a record: what came whole is kept.
func TestPutRecordsOfACallerThatGoesAway(t *testing.T) {
	h := newHouse(t, 0)
	served := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		h.handler.ServeHTTP(w, r)
	}))
	defer s.Close()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	must(t, err)
	body := sale("a", "") + "\n" + sale("b", "")[:20]
	_, err = fmt.Fprintf(conn, "PUT /v1/records/vendas?client_id=acme HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
		testKey, ndjson, len(body)+1000, body)
	must(t, err)
	must(t, conn.Close())
	<-served
	if got := h.stored(webhook.Vendas, "acme"); len(got) != 1 {
		t.Errorf("stored %q", got)
	}
}

func TestPutRecordsTakesTenThousand(t *testing.T) {
	h := newHouse(t, 0)
	g := sample.New(1, sample.Window())
	body := string(g.Lines(nil, webhook.Cadastros, 0, maxRecords))
	h.do("PUT", "/v1/records/cadastros?client_id=acme", body, ndjson).want(200)
	more := body + string(g.Lines(nil, webhook.Cadastros, maxRecords, maxRecords+5))
	a := h.do("PUT", "/v1/records/cadastros?client_id=acme", more, ndjson).problem(413, "too_many_records")
	if a.at("partial", "unchanged") != float64(maxRecords) || a.at("partial", "next_line") != float64(maxRecords+1) {
		t.Error(a.body)
	}
	if got := h.stored(webhook.Cadastros, "acme"); len(got) != maxRecords {
		t.Errorf("%d records are stored", len(got))
	}
}

// The database goes away midway: the answer says what is stored.
func TestPutRecordsWithoutDatabase(t *testing.T) {
	h := newHouse(t, 0)
	g := sample.New(1, sample.Window())
	in, out := io.Pipe()
	r := httptest.NewRequest("PUT", "/v1/records/cadastros?client_id=acme", in)
	r.Header.Set("Authorization", "Bearer "+testKey)
	w := httptest.NewRecorder()
	served := make(chan struct{})
	go func() {
		defer close(served)
		h.handler.ServeHTTP(w, r)
		must(t, in.Close())
	}()
	begin := append(g.Lines(nil, webhook.Cadastros, 0, 1200), "nonsense\n"...)
	_, err := out.Write(g.Lines(begin, webhook.Cadastros, 1200, 1400)) // returns when it was read: 1000 are stored
	must(t, err)
	must(t, h.store.Close())
	_, _ = out.Write(g.Lines(nil, webhook.Cadastros, 1400, 2500)) // the other end closes when the answer is there
	must(t, out.Close())
	<-served
	a := &answer{t: t, status: w.Code, header: w.Result().Header, body: w.Body.String()}
	a.problem(503, "database_unavailable")
	if a.at("partial", "accepted") != 1000.0 || a.at("partial", "next_line") != 1001.0 || a.header.Get("Retry-After") == "" {
		t.Error(a.body)
	}
	if got := fmt.Sprint(a.at("partial", "refused")); got != "[]" {
		t.Errorf("refused: %s, but who goes on at line 1001 is told of it again", got)
	}
	if strings.Contains(a.body, "nothing was stored") {
		t.Error("the answer denies what is stored: " + a.body)
	}
}

// lineStream writes records as they are read, so that no one holds them all.
type lineStream struct {
	g       *sample.Generator
	next, n int
	rest    []byte
	peak    *atomic.Uint64 // the largest heap that was seen on the way
}

func (s *lineStream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.next == s.n {
			return 0, io.EOF
		}
		end := min(s.next+50, s.n)
		s.rest = s.g.Lines(s.rest[:0], webhook.Vendas, s.next, end)
		s.next = end
		if s.next%10_000 == 0 {
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			s.peak.Store(max(s.peak.Load(), m.HeapAlloc))
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// TestRecordsStreamInFlatMemory streams far more than memory would be allowed
// to grow. CARTEIRO_TEST_RECORDS=1000000 makes it the million.
func TestRecordsStreamInFlatMemory(t *testing.T) {
	n := 50_000
	if v := os.Getenv("CARTEIRO_TEST_RECORDS"); v != "" {
		var err error
		n, err = strconv.Atoi(v)
		must(t, err)
	}
	h := newHouse(t, 0)
	a, err := newAPI(h.options())
	must(t, err)
	unlimited := func(ctx context.Context, in *putRecords) (*reply[scheduler.Loaded], error) {
		return a.load(ctx, in, loadLimits{timeout: time.Hour})
	}
	engine, err := a.engine([]route{{put, "/v1/records/{dataset}", producer, ofInput, "put-records", handle(unlimited, 200)}})
	must(t, err)
	var peak atomic.Uint64
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	r := httptest.NewRequest("PUT", "/v1/records/vendas?client_id=acme", bufio.NewReader(&lineStream{g: sample.New(1, sample.Window()), n: n, peak: &peak}))
	r.Header.Set("Authorization", "Bearer "+testKey)
	r.Header.Set("Content-Type", contentLines)
	w := httptest.NewRecorder()
	began := time.Now()
	engine.ServeHTTP(w, r)
	took := time.Since(began)
	if want := fmt.Sprintf(`{"accepted":%d,"unchanged":0,"refused":[]}`, n); w.Code != 200 || w.Body.String() != want {
		t.Fatalf("%d %.500s", w.Code, w.Body.String())
	}
	grown := int64(peak.Load()) - int64(before.HeapAlloc)
	t.Logf("%d records in %s, %.0f/s; the heap grew by %d KiB", n, took.Round(time.Millisecond), float64(n)/took.Seconds(), grown>>10)
	if grown > 32<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}
