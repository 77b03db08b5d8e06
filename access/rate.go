package access

import (
	"fmt"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// bucket holds the requests that a key may make at once: a second's worth,
// filled at the key's rate. What a request costs is known only after its body
// was read, so it may leave the bucket in debt; the next one waits until that
// is paid. Each process has buckets of its own.
type bucket struct {
	rate float64 // a second

	mu     sync.Mutex
	tokens float64
	at     time.Time // when tokens was right
}

func newBucket(rate int, now time.Time) *bucket {
	return &bucket{rate: float64(rate), tokens: float64(rate), at: now}
}

// take takes one token, or tells how long to wait for it.
func (b *bucket) take(now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.After(b.at) {
		b.tokens = min(b.rate, b.tokens+b.rate*now.Sub(b.at).Seconds())
		b.at = now
	}
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / b.rate * float64(time.Second))
	}
	b.tokens--
	return 0
}

func (b *bucket) charge(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens -= float64(n)
}

// Take counts one request of a key at now. It returns an error of
// KindRateLimited, with the time to wait, when the key is above its rate.
func (g *Grant) Take(now time.Time) error {
	if g.bucket == nil {
		return nil
	}
	wait := g.bucket.take(now)
	if wait == 0 {
		return nil
	}
	return &webhook.Error{
		Kind: webhook.KindRateLimited, Code: "rate_limited", RetryAfter: wait,
		Message: fmt.Sprintf("This key may make %d requests a second, and each event of a batch counts as one. Nothing was done; send the request again after the time in Retry-After.",
			int(g.bucket.rate)),
	}
}

// Charge counts n requests more, which were allowed already: the further
// events of a batch. The nil Grant, of a route without a key, counts nothing.
func (g *Grant) Charge(n int) {
	if g != nil && g.bucket != nil {
		g.bucket.charge(n)
	}
}
