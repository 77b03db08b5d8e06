package webhook

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// valuesOf reads the constants of a type out of the package's own source, so
// that a new one cannot be forgotten here.
func valuesOf(t *testing.T, typeName, namePrefix string) (out []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, namePrefix) {
				out = append(out, constant(t, spec, typeName)...)
			}
			return true
		})
	}
	if len(out) == 0 {
		t.Fatalf("no constant of %s %s* was found", typeName, namePrefix)
	}
	return out
}

// constant is the text of a constant, if it is of the type.
func constant(t *testing.T, spec *ast.ValueSpec, typeName string) []string {
	t.Helper()
	name := ""
	if typ, ok := spec.Type.(*ast.Ident); ok {
		name = typ.Name
	}
	lit, ok := spec.Values[0].(*ast.BasicLit)
	if name != typeName || !ok || lit.Kind != token.STRING {
		return nil
	}
	value, err := strconv.Unquote(lit.Value)
	if err != nil {
		t.Fatal(err)
	}
	return []string{value}
}

var place = regexp.MustCompile(`\{[a-z]+\}`)

// TestEverythingHasWords holds the table against the closed lists, and its two
// languages against each other.
func TestEverythingHasWords(t *testing.T) {
	var want []topic
	add := func(prefix string, values []string) {
		for _, v := range values {
			want = append(want, topic(prefix+v))
		}
	}
	without := func(values []string, not ...string) []string {
		return slices.DeleteFunc(values, func(v string) bool { return slices.Contains(not, v) })
	}
	add("error ", without(valuesOf(t, "ErrorCode", ""), ""))
	add("state ", without(valuesOf(t, "DeliveryState", ""), "held", "canceled")) // these by their reasons
	add("held ", without(valuesOf(t, "HoldReason", ""), ""))
	add("canceled ", append(valuesOf(t, "CancelReason", ""), ""))
	add("gone ", valuesOf(t, "GoneWhy", ""))
	add("attempt ", valuesOf(t, "Trigger", ""))
	add("warning ", valuesOf(t, "", "Warning"))
	add("next ", []string{"held", "succeeded", "failed", "canceled"}) // the others have a time
	add("", valuesOf(t, "topic", ""))
	add("status ", []string{"200", "2xx", "400", "401", "403", "404", "405", "410", "413", "429", "4xx", "502", "503", "504", "5xx"})
	add("check tls ", valuesOf(t, "TLSFault", ""))
	add("check ", []string{
		"dns ok", "dns literal", "address ok", "address some", "tcp ok", "tls ok", "tls plain", "certificate ok", "certificate soon",
		"certificate over", "protocol ok", "redirect ok", "latency ok", "latency slow", "signature ok", "signature ignored",
		"signature unknown", "repeat ok", "repeat refused", "body ok", "body free",
	})
	all := maps.Clone(words)
	maps.Copy(all, checkWords)
	if len(all) != len(words)+len(checkWords) {
		t.Error("a topic is in both parts of the table")
	}
	for _, top := range want {
		if _, there := all[top]; !there {
			t.Errorf("nothing is said of %q", top)
		}
	}
	for top, e := range all {
		if !slices.Contains(want, top) {
			t.Errorf("nobody asks for what is said of %q", top)
		}
		en, pt := []string{e.en.what, e.en.remedy, e.en.tell}, []string{e.pt.what, e.pt.remedy, e.pt.tell}
		for i := range en {
			if (en[i] == "") != (pt[i] == "") || (i == 0 && en[i] == "") || (en[i] != "" && en[i] == pt[i]) {
				t.Errorf("%q is not said in both languages: %q, %q", top, en[i], pt[i])
			}
			a, b := place.FindAllString(en[i], -1), place.FindAllString(pt[i], -1)
			slices.Sort(a)
			slices.Sort(b)
			if diff := cmp.Diff(a, b); diff != "" {
				t.Errorf("%q has other places in Portuguese:\n%s", top, diff)
			}
		}
		if strings.HasPrefix(string(top), "error ") || strings.HasPrefix(string(top), "status ") {
			if e.en.remedy == "" || e.en.tell == "" {
				t.Errorf("%q says neither what mends it nor what the client is told", top)
			}
		}
	}
}

var explained = time.Date(2026, 6, 20, 14, 53, 0, 0, time.UTC)

func eventFacts(state DeliveryState, attempts ...Attempt) Facts {
	id := MessageID("evt_1")
	d := &Delivery{
		ID: "dlv_1", MessageID: id, EventID: &id, EventType: "shop.product.redemption", ClientID: "acme", SubscriptionID: "sub_1",
		URL: "https://canary.example/?cpf=1", State: state, AttemptCount: len(attempts), CreatedAt: explained,
	}
	for i := range attempts {
		a := &attempts[i]
		a.Number, a.StartedAt, a.Duration = i+1, explained.Add(time.Duration(i)*time.Minute), 230*time.Millisecond
		a.URL, a.ResponseBody, a.RemoteAddr = d.URL, []byte("canary"), "canary"
		a.RequestHeaders = map[string]string{"X-Key": "canary"}
		if a.Trigger == "" {
			a.Trigger = TriggerAutomatic
		}
		if a.Trigger == TriggerAutomatic {
			d.AutomaticCount++
		}
		if a.Error != nil {
			a.Error.Message = "canary"
		}
	}
	return Facts{Delivery: d, Attempts: attempts, Schedule: DefaultSchedule(), Now: explained.Add(2 * time.Minute)}
}

func refusal(code ErrorCode, status int) Attempt {
	return Attempt{Status: status, Error: &AttemptError{Code: code}}
}

func TestExplainARetry(t *testing.T) {
	f := eventFacts(StateRetrying, refusal(ErrorTimeout, 0), refusal(ErrorStatus, 500))
	next := explained.Add(6*time.Minute + 30*time.Second)
	f.Delivery.NextAttemptAt = &next
	want := Explanation{
		DeliveryID: "dlv_1", Language: English, State: StateRetrying,
		Summary: "The delivery to acme was tried 2 times without success and will be tried again.",
		Steps: []string{
			"The event shop.product.redemption for acme was accepted on 2026-06-20 14:53:00 UTC.",
			"Attempt 1, by the schedule, on 2026-06-20 14:53:00 UTC, took 230 ms. The receiver did not answer in time.",
			"Attempt 2, by the schedule, on 2026-06-20 14:54:00 UTC, took 230 ms. The receiver answered 500: a fault on its own side.",
		},
		Cause:         "The receiver answered 500: a fault on its own side.",
		Remedy:        "Look at the receiver's log for the time of the attempt.",
		Next:          "The next attempt is on 2026-06-20 14:59:30 UTC, in 4 min 30 s. If it fails too, 3 more follow, the last one on 2026-06-20 16:44:30 UTC or a little later.",
		NextAttemptAt: &next,
		TellClient: "We sent you the message evt_1 (shop.product.redemption) 2 times, and it was not acknowledged. " +
			"Your server answered 500, a fault on its own side. Please look at its log for that time. " +
			"We send it again on 2026-06-20 14:59:30 UTC, and if need be 3 more times until 2026-06-20 16:44:30 UTC. " +
			"It always has the same webhook-id, so that a repeat can be dropped.",
	}
	if diff := cmp.Diff(want, Explain(f, English)); diff != "" {
		t.Error(diff)
	}
	pt := Explain(f, Portuguese)
	if want := "A entrega para acme foi tentada 2 vezes sem sucesso e será tentada de novo."; pt.Summary != want || pt.Language != Portuguese {
		t.Errorf("%s: %q", pt.Language, pt.Summary)
	}
	if want := "A próxima tentativa é em 2026-06-20 14:59:30 UTC, daqui a 4 min 30 s. Se também falhar, há mais 3, a última em 2026-06-20 16:44:30 UTC ou pouco depois."; pt.Next != want {
		t.Errorf("%q", pt.Next)
	}
}

func TestExplainStandings(t *testing.T) {
	at := explained.Add(time.Minute)
	for name, tc := range map[string]struct {
		facts  Facts
		change func(*Facts)
		want   []string // parts of the whole text
		never  string
	}{
		"failed": {
			eventFacts(StateFailed, slices.Repeat([]Attempt{refusal(ErrorStatus, 404)}, 6)...), nil,
			[]string{"the schedule is used up", "Check the URL's path", "retry the delivery", "unless an operator asks", "nothing at this path", "when the cause is mended"},
			"",
		},
		"failed, and its payload is gone": {
			eventFacts(StateFailed, slices.Repeat([]Attempt{refusal(ErrorStatus, 404)}, 6)...),
			func(f *Facts) { f.Gone = &Gone{at, GoneRetention} },
			[]string{"schedule is used up", "nothing left to send", "payload was removed", "cannot be sent again"},
			"retry the delivery",
		},
		"failed, because its payload went": {
			eventFacts(StateFailed), func(f *Facts) { f.Gone = &Gone{at, GoneErasure} },
			[]string{"removed on 2026-06-20 14:54:00 UTC, when the client's personal data were erased", "erased with the personal data"},
			"retry",
		},
		"the last attempt comes": {
			eventFacts(StateRetrying, slices.Repeat([]Attempt{refusal(ErrorDNS, 0)}, 5)...),
			func(f *Facts) { f.Delivery.NextAttemptAt = ptr(f.Now.Add(time.Hour)) },
			[]string{"could not be looked up", "in 1 h.", "last one of the schedule"},
			"more follow",
		},
		"one more behind the next": {
			eventFacts(StateRetrying, slices.Repeat([]Attempt{refusal(ErrorTLS, 0)}, 4)...),
			func(f *Facts) { f.Delivery.NextAttemptAt = ptr(f.Now.Add(50 * time.Hour)) },
			[]string{"in 2 d 2 h", "one more follows"},
			"more follow,",
		},
		"paused": {
			eventFacts(StateHeld, refusal(ErrorConnect, 0)), func(f *Facts) { f.Delivery.HoldReason = HoldPaused },
			[]string{"paused", "No connection", "Resume", "nothing is lost", "sent when it is resumed"},
			"",
		},
		"quarantine": {eventFacts(StateHeld), func(f *Facts) { f.Delivery.HoldReason = HoldQuarantine }, []string{"quarantine", "on our side"}, ""},
		"canceled":   {eventFacts(StateCanceled, refusal(ErrorStatus, 500)), nil, []string{"canceled", "answered 500", "replay", "never sent"}, "Your server"},
		"succeeded at once": {
			eventFacts(StateSucceeded, Attempt{Status: 200, Warnings: []string{WarningUnexpectedBody}}),
			func(f *Facts) { f.Delivery.FinishedAt = &at },
			[]string{"acknowledged the message on", "answered 200", "not the expected one", `{"status":"received"}`, "Nothing more"},
			"",
		},
		"succeeded, and a retry failed": {
			eventFacts(StateSucceeded, Attempt{Status: 200}, Attempt{Status: 503, Trigger: TriggerManual, Error: &AttemptError{Code: ErrorStatus}}),
			func(f *Facts) { f.Delivery.FinishedAt = &at },
			[]string{"acknowledged", "by an operator", "answered 503", "Your server acknowledged"},
			"load balancer runs and answers",
		},
		"required body": {eventFacts(StateRetrying, refusal(ErrorStatus, 200)), nil, []string{"200, but not with the body"}, ""},
		"other 2xx":     {eventFacts(StateRetrying, refusal(ErrorStatus, 204)), nil, []string{"answered 204", "exactly 200"}, ""},
		"a redirect":    {eventFacts(StateRetrying, refusal(ErrorRedirect, 302)), nil, []string{"answered 302, a redirect", "final address"}, ""},
		"teapot":        {eventFacts(StateRetrying, refusal(ErrorStatus, 418)), nil, []string{"answered 418: it did not take"}, ""},
		"under way":     {eventFacts(StatePending), func(f *Facts) { f.Delivery.InFlight = true }, []string{"first attempt is due", "under way"}, ""},
		"retry due":     {eventFacts(StateFailed, refusal(ErrorStatus, 500)), func(f *Facts) { f.Delivery.RetryRequested = true }, []string{"sent at once", "again now"}, ""},
		"due":           {eventFacts(StatePending), func(f *Facts) { f.Delivery.NextAttemptAt = &at }, []string{"due now"}, ""},
		"many": {
			eventFacts(StateFailed, slices.Repeat([]Attempt{refusal(ErrorStatus, 500)}, 27)...), nil,
			[]string{"7 earlier attempts", "Attempt 8,", "Attempt 27,"},
			"Attempt 7,",
		},
		"one removed": {eventFacts(StateFailed, refusal(ErrorStatus, 500)), func(f *Facts) { f.Delivery.AttemptCount = 2 }, []string{"1 earlier attempt is"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.change != nil {
				tc.change(&tc.facts)
			}
			whole := whole(Explain(tc.facts, English))
			for _, part := range tc.want {
				if !strings.Contains(whole, part) {
					t.Errorf("%q is missing in\n%s", part, whole)
				}
			}
			if tc.never != "" && strings.Contains(whole, tc.never) {
				t.Errorf("%q is said in\n%s", tc.never, whole)
			}
		})
	}
}

func ptr[T any](v T) *T { return &v }

// whole is all that an explanation says, one sentence a line.
func whole(e Explanation) string {
	return strings.Join(append(append([]string{e.Summary}, e.Steps...), e.Cause, e.Remedy, e.Next, e.TellClient), "\n")
}

// TestNoPlaceStaysEmpty tries every state with every cause: each place is
// filled, and nothing that is not ours is repeated.
func TestNoPlaceStaysEmpty(t *testing.T) {
	run, page := RunID("run_1"), 3
	kinds := []func(*Delivery){
		func(*Delivery) {},
		func(d *Delivery) { d.EventID, d.RunID, d.Page = nil, &run, &page },
		func(d *Delivery) { d.EventID, d.SubscriptionID = nil, "" },
		func(d *Delivery) { d.EventID, d.Test = nil, true },
	}
	for _, state := range States {
		for _, code := range append(ErrorCodes, ErrorNone) {
			for _, status := range []int{0, 200, 302, 404, 418, 503, 777} {
				for _, lang := range Languages() {
					for _, kind := range kinds {
						a := refusal(code, status)
						if code == ErrorNone {
							a.Error = nil
						}
						f := eventFacts(state, a)
						f.Delivery.HoldReason = map[bool]HoldReason{true: HoldPaused}[state == StateHeld]
						if state.Final() {
							f.Delivery.FinishedAt = &explained
						}
						kind(f.Delivery)
						text := whole(Explain(f, lang))
						if place.MatchString(text) || strings.Contains(text, "canary") || strings.Contains(text, "  ") {
							t.Fatalf("%s %s %d: %s", state, code, status, text)
						}
					}
				}
			}
		}
	}
}

func TestPreferredLanguage(t *testing.T) {
	for accept, want := range map[string]Language{
		"": English, "pt-BR": Portuguese, "pt": Portuguese, "PT-pt": Portuguese, "en-US,pt;q=0.9": English,
		"en;q=0.5, pt-BR;q=0.9": Portuguese, "fr, pt;q=0.1": Portuguese, "fr": English, "*": English,
		"pt;q=0": English, "pt;q=NaN, en": English, "pt;q=2": English, "pt;q=x": English, "ptx": English, "*;q=0.1,pt;q=0.2": Portuguese,
	} {
		if got := PreferredLanguage(accept); got != want {
			t.Errorf("%q: %s, want %s", accept, got, want)
		}
	}
}
