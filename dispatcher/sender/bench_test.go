package sender

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// quickReceiver answers with as little work as it can, so that the benchmarks
// show the sender's side: requests have a known length, and nothing is parsed.
func quickReceiver(b *testing.B) string {
	srv := receiveRaw(b, func(_ *rawServer, c net.Conn) {
		answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 16 Jun 2025 03:00:00 GMT\r\nContent-Length: 21\r\n\r\n" + received)
		for r := bufio.NewReaderSize(c, 16<<10); ; {
			for { // the headers
				line, err := r.ReadSlice('\n')
				if err != nil {
					return
				}
				if len(line) <= 2 {
					break
				}
			}
			if _, err := r.Discard(1024); err != nil {
				return
			}
			c.Write(answer)
		}
	})
	return srv.URL
}

func benchBody() []byte {
	return []byte(`{"data":"` + strings.Repeat("x", 1024-11) + `"}`)
}

// cpu reports the processor time per operation, of this process in all: on a
// machine with other work the elapsed time says little.
func cpu(b *testing.B) func() {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			b.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before := used()
	return func() { b.ReportMetric(float64(used()-before)/float64(b.N), "cpu-ns/op") }
}

func BenchmarkSend(b *testing.B) {
	s := newSender(b)
	r := newRequest(b, quickReceiver(b))
	r.Body = benchBody()
	if a := s.Send(context.Background(), r); a.Error != nil {
		b.Fatal(a.Error)
	}
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		if a := s.Send(context.Background(), r); a.Error != nil {
			b.Fatal(a.Error)
		}
	}
}

// BenchmarkSendParallel has eight exchanges per processor in flight.
func BenchmarkSendParallel(b *testing.B) {
	s := newSender(b)
	url := quickReceiver(b)
	b.ReportAllocs()
	b.SetParallelism(8)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		r := newRequest(b, url)
		r.Body = benchBody()
		for pb.Next() {
			if a := s.Send(context.Background(), r); a.Error != nil {
				b.Error(a.Error)
				return
			}
		}
	})
}

// bareClient is what Send is measured against: an http.Client with the same
// options, that neither signs nor checks nor records anything.
func bareClient(b *testing.B) *http.Client {
	c := &http.Client{
		Timeout:       10 * time.Second,
		Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: DefaultMaxIdlePerHost, IdleConnTimeout: idleTimeout},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	b.Cleanup(c.CloseIdleConnections)
	return c
}

func bare(b *testing.B, c *http.Client, url string, body []byte) {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
}

func BenchmarkBareClient(b *testing.B) {
	c, url, body := bareClient(b), quickReceiver(b), benchBody()
	bare(b, c, url, body)
	b.ReportAllocs()
	defer cpu(b)()
	for b.Loop() {
		bare(b, c, url, body)
	}
}

func BenchmarkBareClientParallel(b *testing.B) {
	c, url, body := bareClient(b), quickReceiver(b), benchBody()
	b.ReportAllocs()
	b.SetParallelism(8)
	defer cpu(b)()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			bare(b, c, url, body)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	body, now := benchBody(), time.Now()
	one := []webhook.Secret{secret(b, testSecret)}
	two := append(one, webhook.NewSecret())
	for name, secrets := range map[string][]webhook.Secret{"one secret": one, "two secrets": two} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Sign(secrets, "evt_06f0", now, body)
			}
		})
	}
}

func BenchmarkParseTarget(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, fault := parseTarget("https://hooks.acme.com.br:8443/encontro/eventos?token=abc", false); fault != "" {
			b.Fatal(fault)
		}
	}
}
