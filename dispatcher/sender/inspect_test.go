package sender

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestInspect(t *testing.T) {
	ca := newAuthority(t)
	soon := time.Now().Add(10 * 24 * time.Hour)
	plain := receive(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, tc := range []struct {
		name   string
		signer *authority
		change func(*x509.Certificate, *tls.Config)
		tls    string
		fault  webhook.TLSFault
		code   webhook.ErrorCode
	}{
		{"good", ca, func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = soon }, "TLS 1.3", "", ""},
		{"older", ca, func(_ *x509.Certificate, cfg *tls.Config) { cfg.MaxVersion = tls.VersionTLS12 }, "TLS 1.2", "", ""},
		{"expired", ca, func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = time.Now().Add(-time.Minute) }, "", webhook.TLSExpired, webhook.ErrorTLS},
		{"another name", ca, func(c *x509.Certificate, _ *tls.Config) { c.DNSNames = []string{"other.test"} }, "", webhook.TLSName, webhook.ErrorTLS},
		{"foreign authority", newAuthority(t), nil, "", webhook.TLSAuthority, webhook.ErrorTLS},
		{"too old", ca, func(_ *x509.Certificate, cfg *tls.Config) {
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, "", webhook.TLSOther, webhook.ErrorTLS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := tc.signer.receiver(t, tc.change)
			i := ca.securely(t).Inspect(context.Background(), named(srv), 5*time.Second)
			code := webhook.ErrorNone
			if i.Error != nil {
				code = i.Error.Code
			}
			if i.TLS != tc.tls || i.TLSFault != tc.fault || code != tc.code || i.Host != "hooks.test" || i.Remote != srv.Listener.Addr().String() {
				t.Errorf("%+v, %+v", i, i.Error)
			}
			if certificate := i.NotAfter; certificate.IsZero() != (tc.name == "too old") || tc.name == "good" && certificate.Unix() != soon.Unix() {
				t.Errorf("the certificate ends at %s", i.NotAfter)
			}
			if len(i.Addresses) != 1 || i.Addresses[0] != "127.0.0.1" || len(i.Refused) != 0 || i.Literal || i.Plain {
				t.Errorf("addresses %v, refused %v", i.Addresses, i.Refused)
			}
		})
	}
	t.Run("no TLS there", func(t *testing.T) {
		i := ca.securely(t).Inspect(context.Background(), "https://hooks.test:"+plain.URL[strings.LastIndex(plain.URL, ":")+1:]+"/", 5*time.Second)
		if i.TLSFault != webhook.TLSNone || i.Error == nil {
			t.Errorf("%+v", i)
		}
	})
	t.Run("plain", func(t *testing.T) {
		i := newSender(t).Inspect(context.Background(), plain.URL, 5*time.Second)
		if !i.Plain || !i.Literal || i.Error != nil || i.Remote == "" || i.TLS != "" {
			t.Errorf("%+v", i)
		}
	})
}

// What may not be dialled is not dialled here either.
func TestInspectKeepsThePolicy(t *testing.T) {
	touched := receive(t, func(http.ResponseWriter, *http.Request) {})
	port := touched.URL[strings.LastIndex(touched.URL, ":"):]
	for _, tc := range []struct {
		name, url string
		answer    string // of the name servers
		refused   int
		code      webhook.ErrorCode
	}{
		{"a private name", "https://hooks.test" + port, "127.0.0.1", 1, webhook.ErrorRefusedAddress},
		{"a private address", "https://127.0.0.1" + port, "", 1, webhook.ErrorRefusedAddress},
		{"http", "http://hooks.test" + port, "127.0.0.1", 0, webhook.ErrorRefusedAddress},
		{"no such name", "https://hooks.test", "", 0, webhook.ErrorDNS},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dns := &fakeDNS{answer: always(tc.answer)}
			if tc.answer == "" {
				dns.answer = always()
			}
			s := newSender(t, func(o *Options) { o.Policy = policy(t, PolicyOptions{Resolver: dns.resolver()}) })
			i := s.Inspect(context.Background(), tc.url, 5*time.Second)
			if i.Error == nil || i.Error.Code != tc.code || i.Remote != "" || len(i.Refused) != tc.refused {
				t.Errorf("%+v, %+v", i, i.Error)
			}
		})
	}
	i := newSender(t).Inspect(context.Background(), "http://127.0.0.1:1/", 5*time.Second)
	if i.Error == nil || i.Error.Code != webhook.ErrorConnect || i.Remote != "" {
		t.Errorf("nothing listens: %+v, %+v", i, i.Error)
	}
}
