package sender

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// authority signs the certificates of test receivers.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{pool: x509.NewCertPool()}
	a.cert, a.key = a.issue(t, &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
	})
	a.pool.AddCert(a.cert)
	return a
}

// issue signs a certificate, with its own key when there is no authority yet.
func (a *authority) issue(t testing.TB, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(1), pkix.Name{CommonName: "test"}
	parent, signer := template, key
	if a.cert != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key
}

// receiver starts an HTTPS receiver for hooks.test and 127.0.0.1, changed by the caller.
func (a *authority) receiver(t testing.TB, change func(*x509.Certificate, *tls.Config)) *httptest.Server {
	t.Helper()
	template := &x509.Certificate{
		DNSNames: []string{"hooks.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	cfg := &tls.Config{}
	if change != nil {
		change(template, cfg)
	}
	cert, key := a.issue(t, template)
	cfg.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Host+" "+r.TLS.ServerName)
	}))
	srv.TLS = cfg
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv
}

// securely returns a sender that trusts the authority and resolves every name to this machine.
func (a *authority) securely(t testing.TB) *Sender {
	dns := &fakeDNS{answer: always("127.0.0.1")}
	return newSender(t, func(o *Options) {
		o.RootCAs = a.pool
		o.Policy = policy(t, PolicyOptions{AllowNetworks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Resolver: dns.resolver()})
	})
}

func named(srv *httptest.Server) string {
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	return "https://hooks.test:" + port + "/"
}

func TestHTTPS(t *testing.T) {
	ca := newAuthority(t)
	srv := ca.receiver(t, nil)
	s := ca.securely(t)
	a := send(t, s, newRequest(t, named(srv)))
	wantCode(t, a, webhook.ErrorNone, "")
	if host, name, _ := strings.Cut(string(a.ResponseBody), " "); "https://"+host+"/" != named(srv) || name != "hooks.test" {
		t.Errorf("Host and TLS name = %q: the resolver's final dot must not reach them", a.ResponseBody)
	}
	if a.Timing.DNS == nil || a.Timing.Connect == nil || a.Timing.TLS == nil || *a.Timing.TLS <= 0 || a.RemoteAddr != srv.Listener.Addr().String() {
		t.Errorf("timing %+v, remote %q", a.Timing, a.RemoteAddr)
	}
	if again := send(t, s, newRequest(t, named(srv))); again.Timing.TLS != nil || again.Error != nil {
		t.Errorf("the connection was not kept: %+v", again)
	}
	if a := send(t, s, newRequest(t, srv.URL)); a.Error != nil { // by IP address
		t.Errorf("by address: %+v", a.Error)
	}
}

func TestTLSFailures(t *testing.T) {
	ca := newAuthority(t)
	for _, tc := range []struct {
		name, says string
		signer     *authority
		change     func(*x509.Certificate, *tls.Config)
	}{
		{"expired", "expired", ca, func(c *x509.Certificate, _ *tls.Config) { c.NotAfter = time.Now().Add(-time.Minute) }},
		{"not valid yet", "not valid yet", ca, func(c *x509.Certificate, _ *tls.Config) { c.NotBefore = time.Now().Add(time.Minute) }},
		{"another name", "another name than hooks.test", ca, func(c *x509.Certificate, _ *tls.Config) { c.DNSNames = []string{"other.test"} }},
		{"not for servers", "not valid for a web server", ca, func(c *x509.Certificate, _ *tls.Config) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}},
		{"foreign authority", "authority", newAuthority(t), nil},
		{"TLS 1.1", "TLS 1.2 or newer", ca, func(_ *x509.Certificate, cfg *tls.Config) {
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}},
		{"wants our certificate", "", ca, func(_ *x509.Certificate, cfg *tls.Config) {
			cfg.ClientAuth, cfg.MaxVersion = tls.RequireAnyClientCert, tls.VersionTLS12
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := tc.signer.receiver(t, tc.change)
			a := send(t, ca.securely(t), newRequest(t, named(srv)))
			wantCode(t, a, webhook.ErrorTLS, tc.says)
			if a.Status != 0 || a.RemoteAddr == "" || a.Timing.Connect == nil || a.Timing.FirstByte != nil {
				t.Errorf("attempt = %+v", a)
			}
		})
	}
}

// A port that does not speak TLS, one that says nothing, and one that hangs up.
func TestNoTLSAtThePort(t *testing.T) {
	hungUp := make(chan struct{}, 1)
	for _, tc := range []struct {
		name, says string
		code       webhook.ErrorCode
		serve      func(*rawServer, net.Conn)
	}{
		{"plain HTTP", "does not speak TLS", webhook.ErrorTLS, func(_ *rawServer, c net.Conn) {
			c.Read(make([]byte, 1024))
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			io.Copy(io.Discard, c)
			hungUp <- struct{}{}
		}},
		{"hangs up", "handshake failed", webhook.ErrorTLS, func(_ *rawServer, c net.Conn) {
			c.Read(make([]byte, 1024))
			hungUp <- struct{}{}
		}},
		{"silent", "handshake did not end", webhook.ErrorTimeout, func(_ *rawServer, c net.Conn) {
			io.Copy(io.Discard, c)
			hungUp <- struct{}{}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := receiveRaw(t, tc.serve)
			r := newRequest(t, "https"+strings.TrimPrefix(srv.URL, "http"))
			r.Timeout = tiny
			wantCode(t, send(t, newSender(t), r), tc.code, tc.says)
			select { // now, before the receiver is closed
			case <-hungUp:
			case <-time.After(5 * time.Second):
				t.Error("the connection of a failed handshake stays open")
			}
		})
	}
}

// In TLS 1.3 a server asks for our certificate, and gives up, after our handshake is done.
func TestClientCertificateWanted(t *testing.T) {
	ca := newAuthority(t)
	cert, key := ca.issue(t, &x509.Certificate{
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	})
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
	}
	srv := receiveRaw(t, func(_ *rawServer, c net.Conn) {
		if tls.Server(c, cfg).Handshake() == nil {
			t.Error("the handshake went well without a certificate")
		}
		io.Copy(io.Discard, c) // the request, so that the alert is not lost in a reset
	})
	a := send(t, ca.securely(t), newRequest(t, "https"+strings.TrimPrefix(srv.URL, "http")))
	wantCode(t, a, webhook.ErrorTLS, "client certificate")
}
