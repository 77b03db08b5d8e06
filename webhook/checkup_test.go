package webhook

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// open is a way without a fault.
func open() Inspection {
	return Inspection{
		Host: "hooks.test", Addresses: []string{"203.0.113.7"}, Lookup: 2 * time.Millisecond, Remote: "203.0.113.7:443", Connect: 30 * time.Millisecond,
		TLS: "TLS 1.3", NotAfter: explained.Add(90 * 24 * time.Hour),
	}
}

func answer(code ErrorCode, status int) *Attempt {
	a := refusal(code, status)
	if code == ErrorNone {
		a.Error = nil
	}
	a.Duration = 40 * time.Millisecond
	return &a
}

// results writes findings as "check=result", those that are ok left out.
func results(all []Finding) string {
	var out []string
	for _, f := range all {
		if f.Result != CheckOK {
			out = append(out, fmt.Sprintf("%s=%s", f.Check, f.Result))
		}
	}
	return strings.Join(out, " ")
}

func TestDiagnose(t *testing.T) {
	good := CheckFacts{
		Inspection: open(), Forged: answer(ErrorStatus, 401), Good: answer(ErrorNone, 200), Repeat: answer(ErrorNone, 200),
		Export: true, Timeout: 15 * time.Second, Now: explained,
	}
	const unsent = " protocol=skipped redirect=skipped status=skipped latency=skipped signature=skipped repeat=skipped body=skipped"
	blocked := func(f *CheckFacts, code ErrorCode) {
		f.Inspection.Error = &AttemptError{Code: code}
		f.Forged, f.Good, f.Repeat = nil, nil, nil
	}
	for name, tc := range map[string]struct {
		change func(*CheckFacts)
		want   string
		says   string
	}{
		"all is well": {func(*CheckFacts) {}, "", "90 days left"},
		"no export":   {func(f *CheckFacts) { f.Export = false }, "body=skipped", "may be anything"},
		"no such name": {func(f *CheckFacts) {
			f.Inspection = Inspection{Host: "hooks.test"}
			blocked(f, ErrorDNS)
		}, "dns=fail address=skipped tcp=skipped tls=skipped certificate=skipped" + unsent, "could not be looked up"},
		"the URL is not allowed": {func(f *CheckFacts) {
			f.Inspection = Inspection{}
			blocked(f, ErrorRefusedAddress)
		}, "dns=skipped address=fail tcp=skipped tls=skipped certificate=skipped" + unsent, "CARTEIRO_ALLOW_NETWORKS"},
		"an address is refused": {func(f *CheckFacts) {
			f.Inspection.Remote, f.Inspection.TLS, f.Inspection.NotAfter = "", "", time.Time{}
			f.Inspection.Refused = f.Inspection.Addresses
			blocked(f, ErrorRefusedAddress)
		}, "address=fail tcp=skipped tls=skipped certificate=skipped" + unsent, "address policy refuses"},
		"one of two is refused": {func(f *CheckFacts) { f.Inspection.Refused = []string{"10.0.0.1"} }, "address=warn", "10.0.0.1"},
		"nothing listens": {func(f *CheckFacts) {
			f.Inspection.Remote, f.Inspection.TLS, f.Inspection.NotAfter = "", "", time.Time{}
			blocked(f, ErrorConnect)
		}, "tcp=fail tls=skipped certificate=skipped" + unsent, "firewall"},
		"an expired certificate": {func(f *CheckFacts) {
			f.Inspection.TLS, f.Inspection.TLSFault, f.Inspection.NotAfter = "", TLSExpired, explained.Add(-time.Hour)
			blocked(f, ErrorTLS)
		}, "tls=fail certificate=fail" + unsent, "ended on 2026-06-20"},
		"a certificate of 20 days": {func(f *CheckFacts) { f.Inspection.NotAfter = explained.Add(20*24*time.Hour + time.Hour) }, "certificate=warn", "20 days left"},
		"a handshake that hangs": {func(f *CheckFacts) {
			f.Inspection.TLS, f.Inspection.NotAfter = "", time.Time{}
			blocked(f, ErrorTimeout)
		}, "tls=fail certificate=skipped" + unsent, "handshake with hooks.test failed"},
		"plain http": {func(f *CheckFacts) {
			f.Inspection.Plain, f.Inspection.TLS, f.Inspection.NotAfter = true, "", time.Time{}
		}, "tls=warn certificate=skipped", "plain http"},
		"an address in the URL": {func(f *CheckFacts) { f.Inspection.Literal = true }, "dns=skipped", "no name to look up"},
		"no example": {
			func(f *CheckFacts) { f.NoSample, f.Forged, f.Good, f.Repeat = true, nil, nil, nil },
			strings.TrimSpace(unsent), "has an example",
		},
		"a fault of the server": {
			func(f *CheckFacts) {
				f.Forged, f.Good, f.Repeat = answer(ErrorStatus, 500), answer(ErrorStatus, 500), nil
			},
			"status=fail signature=skipped repeat=skipped body=skipped", "answered 500",
		},
		"a redirect": {
			func(f *CheckFacts) {
				f.Forged, f.Good, f.Repeat = answer(ErrorRedirect, 301), answer(ErrorRedirect, 301), nil
			},
			"redirect=fail status=skipped signature=skipped repeat=skipped body=skipped", "answered 301",
		},
		"no answer": {
			func(f *CheckFacts) {
				f.Forged, f.Good, f.Repeat = answer(ErrorTimeout, 0), answer(ErrorTimeout, 0), nil
			},
			"protocol=fail redirect=skipped status=skipped latency=skipped signature=skipped repeat=skipped body=skipped", "in time",
		},
		"slow":                {func(f *CheckFacts) { f.Good.Duration = 3 * time.Second }, "latency=warn", "took 3 s, and the limit is 15 s"},
		"no verification":     {func(f *CheckFacts) { f.Forged = answer(ErrorNone, 200) }, "signature=warn", "forge"},
		"a crash over it":     {func(f *CheckFacts) { f.Forged = answer(ErrorStatus, 500) }, "signature=skipped", "cannot be told"},
		"refuses everything":  {func(f *CheckFacts) { f.Good, f.Repeat = answer(ErrorStatus, 401), nil }, "status=fail signature=skipped repeat=skipped body=skipped", "current signing secret"},
		"a repeat is refused": {func(f *CheckFacts) { f.Repeat = answer(ErrorStatus, 409) }, "repeat=fail", "webhook-id that it knows"},
		"another body":        {func(f *CheckFacts) { f.Good.Warnings = []string{WarningUnexpectedBody} }, "body=warn", `{"status":"received"}`},
	} {
		t.Run(name, func(t *testing.T) {
			f := good
			f.Good, f.Forged, f.Repeat = answer(ErrorNone, 200), answer(ErrorStatus, 401), answer(ErrorNone, 200)
			tc.change(&f)
			for _, lang := range Languages() {
				all := Diagnose(f, lang)
				if got := results(all); got != tc.want {
					t.Errorf("%s: %s\nwant %s", lang, got, tc.want)
				}
				text := ""
				for _, x := range all {
					text += x.Message + "\n" + x.Remedy + "\n"
					if (x.Remedy != "") != (x.Result == CheckFail || x.Result == CheckWarn) || x.Message == "" {
						t.Errorf("%s: %+v", lang, x)
					}
				}
				if place.MatchString(text) {
					t.Errorf("a place is empty in\n%s", text)
				}
				if lang == English && !strings.Contains(text, tc.says) {
					t.Errorf("%q is missing in\n%s", tc.says, text)
				}
			}
		})
	}
}

func TestWorst(t *testing.T) {
	for want, all := range map[CheckResult][]CheckResult{
		CheckOK: {CheckOK, CheckSkipped}, CheckWarn: {CheckWarn, CheckOK}, CheckFail: {CheckWarn, CheckFail, CheckWarn},
	} {
		var findings []Finding
		for _, r := range all {
			findings = append(findings, Finding{Result: r})
		}
		if got := Worst(findings); got != want {
			t.Errorf("%v: %s", all, got)
		}
	}
}
