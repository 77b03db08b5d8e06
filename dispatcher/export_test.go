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

// WorkOnJobs works on the jobs there are, one after the other, as a process
// with workers does by itself.
func (d *Dispatcher) WorkOnJobs(ctx context.Context) error {
	for {
		now := d.now()
		job, err := d.o.Store.TakeJob(ctx, now, now.Add(jobLease))
		if err != nil || job == nil {
			return err
		}
		j := newJobs(d)
		j.work(job)
	}
}

// JobRoom is how many deliveries of a job may wait for one subscription.
const JobRoom = jobRoom

// Kept is how many bytes of bodies are kept in this process.
func (d *Dispatcher) Kept() int {
	d.worker.keeper.mu.Lock()
	defer d.worker.keeper.mu.Unlock()
	return d.worker.keeper.bytes
}
