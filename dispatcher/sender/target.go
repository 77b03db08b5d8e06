package sender

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// target is a URL that may be dialled as far as its form goes.
type target struct {
	url     *url.URL   // shared by exchanges: never changed
	host    string     // a name, or an address without brackets
	literal netip.Addr // the host when it is an address, else invalid
	port    uint16
}

// parseTarget judges the form of a URL, without a name lookup. It returns the
// target, or a sentence on what is wrong and what is allowed; no sentence
// repeats the URL, which may hold a secret.
//
// The rule behind it: a host has one spelling. What resolvers, proxies and
// libraries read differently (octal numbers, full-width dots, a final dot) is refused.
func parseTarget(raw string, allowHTTP bool) (*target, string) {
	if fault := textFault(raw); fault != "" {
		return nil, fault
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, "This is not a URL. Write it like https://hooks.example.com/path."
	}
	t := &target{url: u}
	switch {
	case u.Scheme == "http" && !allowHTTP:
		return nil, "The URL is plain http; only https is allowed. For tests, CARTEIRO_ALLOW_HTTP=true opens http."
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, "The URL must begin with https://."
	case u.Opaque != "" || u.Host == "":
		return nil, "The URL names no host. Write it like https://hooks.example.com/path."
	case u.User != nil:
		return nil, "The URL carries a user name or password. Use the subscription's auth instead."
	case strings.Contains(raw, "#"):
		return nil, "The URL has a fragment (#…), which is never sent. Leave it out."
	}
	if fault := t.setPort(); fault != "" {
		return nil, fault
	}
	return t, t.setHost()
}

// textFault judges the URL as text.
func textFault(raw string) string {
	switch {
	case raw == "":
		return "The URL must not be empty."
	case len(raw) > webhook.MaxURL:
		return "The URL is " + strconv.Itoa(len(raw)) + " bytes long; at most " + strconv.Itoa(webhook.MaxURL) + " are allowed."
	case isVisibleASCII(raw):
		// By far the most: nothing else to look at but the backslash.
	case !utf8.ValidString(raw):
		return "The URL is not valid UTF-8."
	case strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }):
		return "The URL contains a space, a line break or an invisible character. Write it as %20 and the like, or leave it out."
	}
	if strings.Contains(raw, `\`) {
		return `The URL contains a backslash (\). Use a slash (/).`
	}
	return ""
}

func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func (t *target) setPort() string {
	// Hostname and Port of net/url go by the last colon or bracket.
	t.host = t.url.Hostname()
	port := t.url.Port()
	rest := strings.TrimPrefix(t.url.Host, "[")
	rest = strings.TrimPrefix(rest[len(t.host):], "]")
	if rest == "" {
		t.port = 443
		if t.url.Scheme == "http" {
			t.port = 80
		}
		return ""
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return "The port is not allowed: a number from 1 to 65535, without zeros before it, or none."
	}
	t.port = uint16(n)
	return ""
}

func (t *target) setHost() string {
	bracketed := strings.HasPrefix(t.url.Host, "[")
	literal, err := netip.ParseAddr(t.host)
	switch {
	case bracketed && err != nil, bracketed && literal.Is4():
		return "What is between the brackets is not an IPv6 address."
	case bracketed && literal.Zone() != "":
		return "The IPv6 address has a zone (%…), which means a network card of this machine. Leave it out."
	case !bracketed && err == nil && !literal.Is4():
		return "An IPv6 address goes between brackets, like https://[2606:4700::1]/path."
	case err == nil && literal.Is4In6(): // a socket would take it for the IPv4 address
		return "The address is refused: it is an IPv4 address written as IPv6. Write the IPv4 address."
	case err == nil:
		t.literal = literal
		return ""
	}
	return nameFault(t.host)
}

// nameFault judges a host that is not an address.
func nameFault(host string) string {
	switch {
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }):
		return "The host has characters outside ASCII. Write an international name in its ASCII form (xn--…)."
	case strings.HasSuffix(host, "."):
		return "The host ends with a dot. Leave it out: names are always taken as absolute."
	case len(host) > 253:
		return "The host is longer than 253 characters."
	}
	last := ""
	for label := range strings.SplitSeq(host, ".") {
		if !isLabel(label) {
			return "The host is not a name: words of letters, digits, '-' or '_' of at most 63 characters, joined by single dots."
		}
		last = label
	}
	if isNumeric(last) {
		return "The host looks like an IP address, but is not written as four decimal numbers, like 203.0.113.7."
	}
	return ""
}

func isLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alnum && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

// isNumeric tells whether some resolver takes a host with this last label for
// an address: decimal, octal or hexadecimal. No top-level domain looks so.
func isNumeric(label string) bool {
	if hex, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

// targetCache keeps the targets that were judged well: most exchanges go to a
// URL that was parsed a moment ago. The policy never changes, so neither do they.
type targetCache struct {
	mu   sync.RWMutex
	good map[string]*target
}

func (c *targetCache) get(raw string, allowHTTP bool) (*target, string) {
	c.mu.RLock()
	t := c.good[raw]
	c.mu.RUnlock()
	if t != nil {
		return t, ""
	}
	t, fault := parseTarget(raw, allowHTTP)
	if fault != "" {
		return nil, fault
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil || len(c.good) >= maxTargets {
		c.good = map[string]*target{}
	}
	c.good[raw] = t
	return t, ""
}
