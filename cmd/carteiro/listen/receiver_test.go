package listen

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// receive starts a receiver; what it tells comes through the channel.
func receive(t *testing.T, o Options) (url string, told chan Message, r *Receiver) {
	t.Helper()
	told = make(chan Message, 1000)
	o.Told = func(m Message) { told <- m }
	r = New(o)
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	return server.URL, told, r
}

// send posts one message and returns the status and the answer; 0 when there was none.
func send(t *testing.T, url, id, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("webhook-id", id)
	req.Header.Set("carteiro-attempt", "3")
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

func TestAGoodReceiver(t *testing.T) {
	url, told, r := receive(t, Options{})
	for n, body := range []string{`{"a":1}`, `{"a":1}`, `{"a":2}`, `no JSON`} {
		id := "msg_1"
		if n == 3 {
			id = "msg_2"
		}
		if status, answer := send(t, url+"/hooks?x=1", id, body); status != 200 || answer != Received {
			t.Fatalf("%d %s", status, answer)
		}
		m := <-told
		if m.Path != "/hooks?x=1" || m.Attempt != 3 || m.ID != id || m.Status != 200 || m.Signature != Unsigned || m.Bytes != len(body) {
			t.Errorf("%+v", m)
		}
		if want := map[int]int{0: 1, 1: 2, 2: 3, 3: 1}[n]; m.Seen != want || m.Changed != (n == 2) {
			t.Errorf("request %d: seen %d times, changed %v", n, m.Seen, m.Changed)
		}
		if (n == 3) != (m.Body == nil) || (n == 3) != (m.Text == body) {
			t.Errorf("request %d: body %s, text %q", n, m.Body, m.Text)
		}
	}
	if got, want := r.Summary(), (Summary{Requests: 4, Messages: 2, Repeats: 2, OK: 4, Unsigned: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestWithAKeyWhatIsNotSignedWithItIsRefused, as a good receiver does.
func TestWithAKeyWhatIsNotSignedWithItIsRefused(t *testing.T) {
	url, told, _ := receive(t, Options{Keys: []Key{parse(t, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")}})
	if status, answer := send(t, url, "msg_1", "{}"); status != http.StatusUnauthorized || !strings.Contains(answer, "refused") {
		t.Errorf("%d %s", status, answer)
	}
	if m := <-told; m.Outcome != string(refuses) || m.Signature != Unsigned {
		t.Errorf("%+v", m)
	}
}

func TestMisbehaviour(t *testing.T) {
	for name, tc := range map[string]struct {
		b        Behaviour
		statuses [3]int // of three requests of one message
		outcome  manner
	}{
		"always another status": {Behaviour{Status: 404}, [3]int{404, 404, 404}, answers},
		"first":                 {Behaviour{FailFirst: 2}, [3]int{503, 503, 200}, answers},
		"all fail":              {Behaviour{Fail: 1, BadStatus: 429}, [3]int{429, 429, 429}, fails},
		"all close":             {Behaviour{Close: 1}, [3]int{}, closes},
		"a redirect":            {Behaviour{Status: 302}, [3]int{302, 302, 302}, answers},
		"slow":                  {Behaviour{SlowFrom: time.Millisecond, SlowTo: 2 * time.Millisecond}, [3]int{200, 200, 200}, answers},
	} {
		t.Run(name, func(t *testing.T) {
			url, told, _ := receive(t, Options{Behaviour: tc.b})
			var last Message
			for i, want := range tc.statuses {
				if status, _ := send(t, url, "msg_1", "{}"); status != want {
					t.Errorf("request %d was answered %d, want %d", i+1, status, want)
				}
				last = <-told
			}
			if last.Outcome != string(tc.outcome) || last.Status != tc.statuses[2] || last.TookMS < float64(tc.b.SlowFrom.Milliseconds()) {
				t.Errorf("%+v", last)
			}
		})
	}
}

// TestAHungRequestEndsWithItsSender, and with the receiver.
func TestAHungRequestEndsWithItsSender(t *testing.T) {
	url, told, r := receive(t, Options{Behaviour: Behaviour{Hang: 1}})
	client := &http.Client{Timeout: 20 * time.Millisecond}
	if res, err := client.Post(url, "application/json", strings.NewReader("{}")); err == nil {
		t.Errorf("it was answered %s", res.Status)
	}
	if m := <-told; m.Outcome != string(hangs) || m.Status != 0 {
		t.Errorf("%+v", m)
	}
	if s := r.Summary(); s.Cut != 1 {
		t.Errorf("%+v", s)
	}
}

// TestTheSameSeedMakesTheSameChoices, and about as many as were asked for.
func TestTheSameSeedMakesTheSameChoices(t *testing.T) {
	b := Behaviour{Fail: 0.3, Close: 0.1, Seed: 42, SlowFrom: time.Second, SlowTo: 5 * time.Second}
	one, two := newDice(b), newDice(b)
	b.Seed = 43
	other := newDice(b)
	counts, differ := map[manner]int{}, 0
	for range 2000 {
		m, wait := one.throw(1)
		again, waitAgain := two.throw(1)
		if m != again || wait != waitAgain || wait < time.Second || wait > 5*time.Second {
			t.Fatalf("%s after %s, then %s after %s", m, wait, again, waitAgain)
		}
		if o, _ := other.throw(1); o != m {
			differ++
		}
		counts[m]++
	}
	if f, c := counts[fails], counts[closes]; f < 500 || f > 700 || c < 130 || c > 270 || differ == 0 {
		t.Errorf("%d failed, %d closed of 2000; another seed differs %d times", f, c, differ)
	}
}

func TestForward(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, r.URL.Path+" "+r.Header.Get("webhook-id")+" "+string(body))
	}))
	defer app.Close()
	url, told, _ := receive(t, Options{Forward: app.URL + "/app"})
	if status, answer := send(t, url, "msg_1", `{ "a":1 }`); status != http.StatusTeapot || answer != `/app msg_1 { "a":1 }` {
		t.Errorf("%d %s", status, answer)
	}
	if m := <-told; m.Status != http.StatusTeapot || m.Error != "" {
		t.Errorf("%+v", m)
	}
	app.Close()
	if status, _ := send(t, url, "msg_1", "{}"); status != http.StatusBadGateway {
		t.Errorf("nobody behind it: %d", status)
	}
	if m := <-told; m.Status != http.StatusBadGateway || !strings.Contains(m.Error, "could not be sent on") {
		t.Errorf("%+v", m)
	}
}

func TestParseSharesAndTimes(t *testing.T) {
	for text, want := range map[string]float64{"30%": 0.3, "0.3": 0.3, "100%": 1, "0": 0, "101%": -1, "-1%": -1, "x": -1, "": -1, "NaN": -1} {
		got, err := ParseShare(text)
		if (err == nil) != (want >= 0) || (err == nil && got != want) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	for text, want := range map[string][2]time.Duration{"2s": {2 * time.Second, 2 * time.Second}, "1s-5s": {time.Second, 5 * time.Second}} {
		if from, to, err := ParseSlow(text); err != nil || from != want[0] || to != want[1] {
			t.Errorf("%q is %v to %v, %v", text, from, to, err)
		}
	}
	for _, text := range []string{"", "5s-1s", "soon", "-1s", "2"} {
		if _, _, err := ParseSlow(text); err == nil {
			t.Errorf("%q is taken for a time", text)
		}
	}
}
