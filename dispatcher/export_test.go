package dispatcher

import (
	"context"
	"net"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Draining is closed when a stop has begun.
func (d *Dispatcher) Draining() <-chan struct{} { return d.worker.drain }

// OpenPiped is the embedded Redis without a socket, for tests in virtual time:
// real sockets stop its clock.
func OpenPiped() *Redis {
	m := miniredis.NewMiniRedis()
	r := &Redis{
		embedded: m, stop: make(chan struct{}), stopped: make(chan struct{}),
		Client: redis.NewClient(&redis.Options{
			Dialer:          func(context.Context, string, string) (net.Conn, error) { return m.Dial() },
			DisableIdentity: true, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout,
		}),
	}
	go r.age()
	return r
}
