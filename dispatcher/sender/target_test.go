package sender

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestURLFormsRefused(t *testing.T) {
	for raw, says := range map[string]string{
		"":                         "empty",
		"hooks.example.com/x":      "https://",
		"ftp://example.com/":       "https://",
		"file:///etc/passwd":       "https://",
		"https:example.com":        "no host",
		"https:///x":               "no host",
		"https://":                 "no host",
		"http://example.com/":      "CARTEIRO_ALLOW_HTTP",
		"HTTP://example.com/":      "CARTEIRO_ALLOW_HTTP",
		"https://u@example.com/":   "user name",
		"https://u:p@example.com/": "user name",
		"https://@example.com/":    "user name",
		"https://example.com/#a":   "fragment",
		"https://example.com/#":    "fragment",

		"https://exa mple.com/":      "space",
		"https://example.com/a b":    "space",
		" https://example.com/":      "space",
		"https://example.com/\n":     "space",
		"https://example.com/\x00":   "invisible",
		"https://example.com/\u200b": "invisible",
		"https://example.com/\u2028": "space",
		"https://example.com/\xff":   "UTF-8",
		`https://example.com\@evil/`: "backslash",
		`https:\\example.com/`:       "backslash",
		"https://example.com/%zz":    "not a URL",
		"https://example.com:x/":     "not a URL",
		"https://[::1/":              "not a URL",
		"https://exa%41mple.com/":    "not a URL",

		"https://example.com:0/":     "port",
		"https://example.com:/":      "port",
		"https://example.com:65536/": "port",
		"https://example.com:0443/":  "port",
		"https://example.com:+443/":  "not a URL",

		"https://2130706433/":                        "four decimal numbers",
		"https://0177.0.0.1/":                        "four decimal numbers",
		"https://0x7f.1/":                            "four decimal numbers",
		"https://0x7f000001/":                        "four decimal numbers",
		"https://127.1/":                             "four decimal numbers",
		"https://127.0.0.01/":                        "four decimal numbers",
		"https://127.0.0.256/":                       "four decimal numbers",
		"https://1.2.3.4.5/":                         "four decimal numbers",
		"https://example.0x/":                        "four decimal numbers",
		"https://127.0.0.1./":                        "dot",
		"https://example.com./":                      "dot",
		"https://example..com/":                      "not a name",
		"https://.example.com/":                      "not a name",
		"https://-a.example.com/":                    "not a name",
		"https://a_b!.com/":                          "not a name",
		"https://１２７.0.0.1/":                         "ASCII",
		"https://127。0。0。1/":                         "ASCII",
		"https://ⓛocalhost/":                         "ASCII",
		"https://exämple.com/":                       "ASCII",
		"https://127%E3%80%820.0.1/":                 "ASCII",
		"https://[fe80::1%25eth0]/":                  "zone",
		"https://[fe80::1%eth0]/":                    "not a URL",
		"https://[127.0.0.1]/":                       "not a URL",
		"https://[::g]/":                             "not a URL",
		"https://::1/":                               "not a URL",
		"https://[::1]x/":                            "not a URL",
		"https://[::1]:/":                            "port",
		"https://" + long("a", 64):                   "not a name",
		"https://" + long("a.", 255):                 "253",
		"https://e.com/" + long("a", 9):              "",
		"https://e.com/" + long("a", webhook.MaxURL): "2048",
	} {
		_, fault := parseTarget(raw, false)
		if says == "" {
			if fault != "" {
				t.Errorf("%q: %q", raw, fault)
			}
			continue
		}
		if !strings.Contains(fault, says) {
			t.Errorf("%.60q: %q does not say %q", raw, fault, says)
		}
	}
}

func long(s string, n int) string { return strings.Repeat(s, n)[:n] }

func TestURLFormsTaken(t *testing.T) {
	for raw, want := range map[string]struct {
		host string
		port uint16
	}{
		"https://hooks.acme.com.br/encontro?token=a%20b":  {"hooks.acme.com.br", 443},
		"HTTPS://Hooks.Acme.com:8443":                     {"Hooks.Acme.com", 8443},
		"http://receiver:9000/x":                          {"receiver", 9000},
		"http://receiver/x":                               {"receiver", 80},
		"https://xn--exmple-cua.com/":                     {"xn--exmple-cua.com", 443},
		"https://my_service.internal/":                    {"my_service.internal", 443},
		"https://8.8.8.8/":                                {"8.8.8.8", 443},
		"https://[2606:4700::1111]:444/":                  {"2606:4700::1111", 444},
		"https://[2606:4700::1111]/":                      {"2606:4700::1111", 443},
		"https://1e100.net/":                              {"1e100.net", 443},
		"https://0x.example/":                             {"0x.example", 443},
		"https://e.com/caminho/ação":                      {"e.com", 443},
		"https://" + long("a", 63) + ".com/":              {long("a", 63) + ".com", 443},
		"https://e.com/a@b:c":                             {"e.com", 443},
		"https://hooks.example.com/?x=https://10.0.0.1/y": {"hooks.example.com", 443},
	} {
		got, fault := parseTarget(raw, true)
		if fault != "" {
			t.Errorf("%q: %s", raw, fault)
			continue
		}
		if got.host != want.host || got.port != want.port {
			t.Errorf("%q: host %q port %d, want %+v", raw, got.host, got.port, want)
		}
		if got.literal.IsValid() != (net.ParseIP(want.host) != nil) {
			t.Errorf("%q: literal = %v", raw, got.literal)
		}
	}
}

// CheckURL judges literals by address, and says which setting opens them.
func TestCheckURLLiterals(t *testing.T) {
	strict := policy(t, PolicyOptions{})
	for _, raw := range []string{
		"https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1:8443/x", "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/",
		"https://[::127.0.0.1]/", "https://[64:ff9b::7f00:1]/", "https://169.254.169.254/latest/meta-data/", "https://0.0.0.0/",
	} {
		if msg := strict.CheckURL(context.Background(), raw); !strings.Contains(msg, "refused") {
			t.Errorf("%s: %q", raw, msg)
		}
	}
	if msg := strict.CheckURL(context.Background(), "https://10.0.0.1/"); !strings.Contains(msg, "CARTEIRO_ALLOW_NETWORKS") {
		t.Errorf("%q does not name the setting", msg)
	}
	if msg := strict.CheckURL(context.Background(), "https://8.8.8.8/"); msg != "" {
		t.Errorf("a public address: %q", msg)
	}
	open := policy(t, openPolicy())
	for _, raw := range []string{"http://127.0.0.1:9000/", "https://[::1]:9000/"} {
		if msg := open.CheckURL(context.Background(), raw); msg != "" {
			t.Errorf("%s, with its network open: %q", raw, msg)
		}
	}
}

// A fault never repeats the URL: it may carry a token.
func TestFaultsKeepTheURLToThemselves(t *testing.T) {
	const token = "s3cr3t-t0ken"
	for _, raw := range []string{
		"http://example.com/?t=" + token, "https://u:" + token + "@example.com/", "https://e.com/%zz?t=" + token,
		"https://127.1/?t=" + token, "https://e.com:0/" + token, "https://10.0.0.1/?t=" + token,
	} {
		msg := policy(t, PolicyOptions{}).CheckURL(context.Background(), raw)
		if msg == "" || strings.Contains(msg, token) {
			t.Errorf("%q: %q", raw, msg)
		}
	}
}

// The cache hands out what was parsed, never what was refused, and is bounded.
func TestTargetCache(t *testing.T) {
	var c targetCache
	first, _ := c.get("https://hooks.test/0", false)
	if again, _ := c.get("https://hooks.test/0", false); again != first {
		t.Error("the same URL was parsed twice")
	}
	for range 2 {
		if got, fault := c.get("http://hooks.test/", false); got != nil || fault == "" {
			t.Errorf("a refused URL: %v, %q", got, fault)
		}
	}
	for i := range 2 * maxTargets {
		c.get("https://hooks.test/"+strconv.Itoa(i), false)
		if len(c.good) > maxTargets {
			t.Fatalf("%d targets are kept", len(c.good))
		}
	}
}

// Whatever is taken for a target means the same to net/http and to the policy.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{
		"https://hooks.acme.com.br:8443/x?y=z", "https://0x7f.1/", "https://[::ffff:1.2.3.4]/", "http://127.0.0.1:1/", "https://１.1.1.1/",
		"https://a@b/", "https://[fe80::1%25a]/", "https://a\\b/", "https://1.2.3.4:00443/", "https:a", "https://a.b.:1/",
	} {
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, raw string, allowHTTP bool) {
		got, fault := parseTarget(raw, allowHTTP)
		if fault != "" {
			return
		}
		req, err := http.NewRequest(http.MethodPost, raw, nil)
		if err != nil {
			t.Fatalf("%q was taken, and is no URL to net/http: %v", raw, err)
		}
		host := req.URL.Hostname()
		if host != got.host || got.port == 0 || req.URL.User != nil || (req.URL.Scheme == "http" && !allowHTTP) {
			t.Fatalf("%q: %+v", raw, got)
		}
		addr, err := netip.ParseAddr(host)
		if (err == nil) != got.literal.IsValid() || (err == nil && addr != got.literal) || addr.Zone() != "" {
			t.Fatalf("%q: host %q, literal %v", raw, host, got.literal)
		}
		for _, r := range host {
			if r <= ' ' || r > '~' || strings.ContainsRune(`%@\/?#`, r) {
				t.Fatalf("%q: host %q", raw, host)
			}
		}
		if addr.Is4() && addr.String() != host {
			t.Fatalf("%q: host %q is another spelling of %v", raw, host, addr)
		}
	})
}
