package webhook

import (
	"strconv"
	"strings"
	"time"
)

// Inspection is what was found on the way to a URL without sending a request.
type Inspection struct {
	Host      string        // of the URL
	Literal   bool          // the host is an address
	Plain     bool          // the URL is http
	Addresses []string      // that the name resolves to
	Refused   []string      // those of them that the address policy refuses
	Lookup    time.Duration // how long the name took
	Remote    string        // the address that took the connection; "": none did
	Connect   time.Duration // how long the connection took
	TLS       string        // the version of the session, such as "TLS 1.3"; "": there is none
	TLSFault  TLSFault      // what is wrong with the session
	NotAfter  time.Time     // when the certificate ends; zero: none was seen
	Error     *AttemptError // why the way ended; nil: it is open
}

// TLSFault is what is wrong with a TLS session. From a closed list.
type TLSFault string

// What can be wrong with a TLS session.
const (
	TLSAuthority TLSFault = "authority" // nobody whom we trust signed the certificate
	TLSName      TLSFault = "name"      // the certificate is for another name
	TLSExpired   TLSFault = "expired"   // or not valid yet
	TLSNone      TLSFault = "none"      // the server does not speak TLS
	TLSOther     TLSFault = "other"
)

// CheckName is one thing that the doctor looks at.
type CheckName string

// What the doctor looks at, in this order.
const (
	CheckDNS         CheckName = "dns"
	CheckAddress     CheckName = "address"     // the address policy
	CheckTCP         CheckName = "tcp"         //
	CheckTLS         CheckName = "tls"         // version and chain
	CheckCertificate CheckName = "certificate" // how long it is valid
	CheckProtocol    CheckName = "protocol"    // does it speak HTTP?
	CheckRedirect    CheckName = "redirect"    //
	CheckStatus      CheckName = "status"      //
	CheckLatency     CheckName = "latency"     //
	CheckSignature   CheckName = "signature"   // does it refuse a wrong one?
	CheckRepeat      CheckName = "repeat"      // does it take the same message twice?
	CheckBody        CheckName = "body"        // of the answer to an export
)

// CheckResult is what came of one check.
type CheckResult string

// The results of a check.
const (
	CheckOK      CheckResult = "ok"
	CheckWarn    CheckResult = "warn" // it works, and may stop working or be abused
	CheckFail    CheckResult = "fail" // deliveries fail for it
	CheckSkipped CheckResult = "skipped"
)

// Finding is the result of one check.
type Finding struct {
	Check   CheckName   `json:"check"`
	Result  CheckResult `json:"result"`
	Message string      `json:"message"` // what was found
	Remedy  string      `json:"remedy"`  // what mends it; "" when nothing is to be mended
}

// CheckFacts are what the doctor judges.
type CheckFacts struct {
	Inspection Inspection
	Forged     *Attempt      // of a message with a wrong signature; nil: not sent
	Good       *Attempt      // of the same message, rightly signed; nil: not sent
	Repeat     *Attempt      // of the same message again; nil: not sent
	NoSample   bool          // the subscription wants no event type that has an example
	Export     bool          // the message is an export's page
	Timeout    time.Duration // of an attempt of this subscription
	Now        time.Time
}

const (
	// certificateSoon is when a certificate's end is near: who renews by itself
	// has done it by then.
	certificateSoon = 21 * 24 * time.Hour
	// slowAnswer is what a receiver should stay below; the reason for most
	// time-outs is work that is done before the answer.
	slowAnswer = 2 * time.Second
)

// Diagnose says what was found at a subscription's URL and how to mend it, in
// plain words: one finding for each check, in their order.
func Diagnose(f CheckFacts, lang Language) []Finding {
	d := doctor{CheckFacts: f, lang: lang}
	return []Finding{
		d.dns(), d.address(), d.tcp(), d.tls(), d.certificate(), d.protocol(), d.redirect(), d.status(), d.latency(),
		d.signature(), d.repeat(), d.body(),
	}
}

// Worst is the result of all findings together.
func Worst(all []Finding) CheckResult {
	worst := CheckOK
	for _, f := range all {
		if f.Result == CheckFail || f.Result == CheckWarn && worst == CheckOK {
			worst = f.Result
		}
	}
	return worst
}

type doctor struct {
	CheckFacts
	lang Language
}

// find is a finding in the words of a topic.
func (d *doctor) find(check CheckName, result CheckResult, t topic, places ...string) Finding {
	s := t.in(d.lang).filled(places)
	if result == CheckOK || result == CheckSkipped {
		s.remedy = ""
	}
	return Finding{check, result, s.what, s.remedy}
}

func (d *doctor) skipped(check CheckName) Finding {
	return d.find(check, CheckSkipped, topicNotReached)
}

// blocked tells whether the way ended with one of some codes.
func (d *doctor) blocked(codes ...ErrorCode) bool {
	if d.Inspection.Error == nil {
		return false
	}
	for _, c := range codes {
		if d.Inspection.Error.Code == c {
			return true
		}
	}
	return false
}

func (d *doctor) dns() Finding {
	i := &d.Inspection
	switch {
	case i.Literal:
		return d.find(CheckDNS, CheckSkipped, topicCheck(CheckDNS, "literal"))
	case len(i.Addresses) > 0:
		return d.find(CheckDNS, CheckOK, topicCheck(CheckDNS, "ok"), "host", i.Host, "addresses", strings.Join(i.Addresses, ", "), "took", spanText(i.Lookup))
	case d.blocked(ErrorRefusedAddress):
		return d.skipped(CheckDNS) // the URL's form
	}
	return d.find(CheckDNS, CheckFail, topicError(ErrorDNS))
}

func (d *doctor) address() Finding {
	i := &d.Inspection
	switch {
	case d.blocked(ErrorRefusedAddress):
		return d.find(CheckAddress, CheckFail, topicError(ErrorRefusedAddress))
	case len(i.Refused) > 0:
		return d.find(CheckAddress, CheckWarn, topicCheck(CheckAddress, "some"), "addresses", strings.Join(i.Refused, ", "))
	case len(i.Addresses) == 0:
		return d.skipped(CheckAddress)
	}
	return d.find(CheckAddress, CheckOK, topicCheck(CheckAddress, "ok"))
}

func (d *doctor) tcp() Finding {
	i := &d.Inspection
	switch {
	case i.Remote != "":
		return d.find(CheckTCP, CheckOK, topicCheck(CheckTCP, "ok"), "address", i.Remote, "took", spanText(i.Connect))
	case d.blocked(ErrorConnect, ErrorTimeout) && len(i.Addresses) > 0:
		return d.find(CheckTCP, CheckFail, topicError(ErrorConnect))
	}
	return d.skipped(CheckTCP)
}

func (d *doctor) tls() Finding {
	i := &d.Inspection
	switch {
	case i.Plain:
		return d.find(CheckTLS, CheckWarn, topicCheck(CheckTLS, "plain"))
	case i.TLSFault != "":
		return d.find(CheckTLS, CheckFail, topicCheck(CheckTLS, string(i.TLSFault)), "host", i.Host)
	case i.TLS != "":
		return d.find(CheckTLS, CheckOK, topicCheck(CheckTLS, "ok"), "version", i.TLS)
	case i.Remote != "" && i.Error != nil:
		return d.find(CheckTLS, CheckFail, topicCheck(CheckTLS, string(TLSOther)), "host", i.Host)
	}
	return d.skipped(CheckTLS)
}

func (d *doctor) certificate() Finding {
	end := d.Inspection.NotAfter
	if end.IsZero() {
		return d.skipped(CheckCertificate)
	}
	left := end.Sub(d.Now)
	places := []string{"date", end.UTC().Format(time.DateOnly), "days", strconv.Itoa(max(0, int(left/(24*time.Hour))))}
	switch {
	case left <= 0:
		return d.find(CheckCertificate, CheckFail, topicCheck(CheckCertificate, "over"), places...)
	case left < certificateSoon:
		return d.find(CheckCertificate, CheckWarn, topicCheck(CheckCertificate, "soon"), places...)
	}
	return d.find(CheckCertificate, CheckOK, topicCheck(CheckCertificate, "ok"), places...)
}

// unsent is the finding of a check that needs the good message.
func (d *doctor) unsent(check CheckName) Finding {
	if d.NoSample {
		return d.find(check, CheckSkipped, topicNoSample)
	}
	return d.skipped(check)
}

func (d *doctor) protocol() Finding {
	a := d.Good
	switch {
	case a == nil:
		return d.unsent(CheckProtocol)
	case a.Status == 0 || a.ErrorCode() == ErrorProtocol:
		return d.find(CheckProtocol, CheckFail, topicError(a.ErrorCode()))
	}
	return d.find(CheckProtocol, CheckOK, topicCheck(CheckProtocol, "ok"))
}

func (d *doctor) redirect() Finding {
	a := d.Good
	switch {
	case a == nil || a.Status == 0:
		return d.unsent(CheckRedirect)
	case a.ErrorCode() == ErrorRedirect:
		return d.find(CheckRedirect, CheckFail, topicError(ErrorRedirect), "status", strconv.Itoa(a.Status))
	}
	return d.find(CheckRedirect, CheckOK, topicCheck(CheckRedirect, "ok"))
}

func (d *doctor) status() Finding {
	a := d.Good
	switch {
	case a == nil || a.Status == 0 || a.ErrorCode() == ErrorRedirect:
		return d.unsent(CheckStatus)
	case a.Acknowledged():
		return d.find(CheckStatus, CheckOK, topicAcknowledged, "status", strconv.Itoa(a.Status))
	case a.ErrorCode() == ErrorStatus:
		return d.find(CheckStatus, CheckFail, topicStatus(a.Status), "status", strconv.Itoa(a.Status))
	}
	return d.find(CheckStatus, CheckFail, topicError(a.ErrorCode()))
}

func (d *doctor) latency() Finding {
	a := d.Good
	if a == nil || a.Status == 0 {
		return d.unsent(CheckLatency)
	}
	places := []string{"took", spanText(a.Duration), "limit", spanText(d.Timeout)}
	if a.Duration >= min(slowAnswer, d.Timeout/2) {
		return d.find(CheckLatency, CheckWarn, topicCheck(CheckLatency, "slow"), places...)
	}
	return d.find(CheckLatency, CheckOK, topicCheck(CheckLatency, "ok"), places...)
}

// signature judges what the receiver made of a wrong one. What it refuses all
// the same tells nothing.
func (d *doctor) signature() Finding {
	bad, good := d.Forged, d.Good
	switch {
	case bad == nil || good == nil:
		return d.unsent(CheckSignature)
	case bad.Acknowledged():
		return d.find(CheckSignature, CheckWarn, topicCheck(CheckSignature, "ignored"), "status", strconv.Itoa(bad.Status))
	case !good.Acknowledged() || bad.Status/100 != 4:
		return d.find(CheckSignature, CheckSkipped, topicCheck(CheckSignature, "unknown"))
	}
	return d.find(CheckSignature, CheckOK, topicCheck(CheckSignature, "ok"), "status", strconv.Itoa(bad.Status))
}

func (d *doctor) repeat() Finding {
	again := d.Repeat
	switch {
	case again == nil:
		return d.unsent(CheckRepeat)
	case again.Acknowledged():
		return d.find(CheckRepeat, CheckOK, topicCheck(CheckRepeat, "ok"), "status", strconv.Itoa(again.Status))
	}
	return d.find(CheckRepeat, CheckFail, topicCheck(CheckRepeat, "refused"))
}

func (d *doctor) body() Finding {
	a := d.Good
	if a == nil || !a.Acknowledged() {
		return d.unsent(CheckBody)
	}
	for _, w := range a.Warnings {
		if w == WarningUnexpectedBody || w == WarningBodyIncomplete {
			return d.find(CheckBody, CheckWarn, topicWarning(w))
		}
	}
	if !d.Export {
		return d.find(CheckBody, CheckSkipped, topicCheck(CheckBody, "free"))
	}
	return d.find(CheckBody, CheckOK, topicCheck(CheckBody, "ok"))
}
