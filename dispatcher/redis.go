package dispatcher

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

// Redis is the connection that carries the hints.
type Redis struct {
	Client   redis.UniversalClient
	embedded *miniredis.Miniredis // nil: a real one
	stop     chan struct{}
	stopped  chan struct{}
}

// Time-outs of Redis commands. Hints are worth little: whoever cannot send one
// goes on, and the reconciler makes another.
const (
	redisDialTimeout = 2 * time.Second
	redisTimeout     = 3 * time.Second
)

// OpenRedis connects to the Redis at address; "embedded" starts one in this
// process. A real one need not be up yet: see [Redis.Ping].
func OpenRedis(address string) (*Redis, error) {
	if address == "embedded" {
		return openEmbedded()
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the Redis address cannot be read as a URL")
	}
	base, err := redisOptions(u)
	if err != nil {
		return nil, err
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(u.Scheme, "rediss"), "redis"), "?")
	r := &Redis{}
	switch kind {
	case "":
		if len(base.Addrs) != 1 {
			return nil, errors.New("a redis:// address names one host; use redis+sentinel:// or redis+cluster:// for several")
		}
		r.Client = redis.NewClient(base.Simple())
	case "+sentinel":
		if base.MasterName = strings.Trim(u.Path, "/"); base.MasterName == "" {
			return nil, errors.New("a redis+sentinel:// address ends in the master's name: redis+sentinel://host1:26379,host2:26379/mymaster")
		}
		r.Client = redis.NewFailoverClient(base.Failover())
	case "+cluster":
		r.Client = redis.NewClusterClient(base.Cluster())
	default:
		return nil, fmt.Errorf("%q is no Redis scheme: redis, rediss, redis+sentinel, rediss+sentinel, redis+cluster or rediss+cluster", u.Scheme)
	}
	return r, nil
}

// redisOptions reads what the three kinds of address share: hosts, user,
// password, TLS and, in the query or the path, the database's number.
func redisOptions(u *url.URL) (*redis.UniversalOptions, error) {
	o := &redis.UniversalOptions{
		DialTimeout: redisDialTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, MaxRetries: 1,
		ClientName: "carteiro",
	}
	port := "6379"
	if strings.HasSuffix(u.Scheme, "+sentinel") {
		port = "26379"
		o.SentinelUsername, o.SentinelPassword = u.Query().Get("sentinel_username"), u.Query().Get("sentinel_password")
	}
	for host := range strings.SplitSeq(u.Host, ",") {
		if host == "" {
			return nil, errors.New("the Redis address lacks a host")
		}
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		o.Addrs = append(o.Addrs, host)
	}
	o.Username = u.User.Username()
	o.Password, _ = u.User.Password()
	if strings.HasPrefix(u.Scheme, "rediss") {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	db := u.Query().Get("db")
	if db == "" && !strings.Contains(u.Scheme, "+") {
		db = strings.Trim(u.Path, "/")
	}
	if db != "" {
		n, err := strconv.Atoi(db)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("%q is no number of a Redis database", db)
		}
		o.DB = n
	}
	return o, nil
}

func openEmbedded() (*Redis, error) {
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	r := &Redis{
		embedded: m, stop: make(chan struct{}), stopped: make(chan struct{}),
		Client: redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout}),
	}
	go r.age()
	return r, nil
}

// age lets the embedded Redis's times to live run down: it does not by itself.
func (r *Redis) age() {
	defer close(r.stopped)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.embedded.FastForward(time.Second)
		case <-r.stop:
			return
		}
	}
}

// Embedded tells whether the Redis runs in this process, and so is empty at
// every start.
func (r *Redis) Embedded() bool { return r.embedded != nil }

// Ping tells whether Redis answers.
func (r *Redis) Ping(ctx context.Context) error { return r.Client.Ping(ctx).Err() }

// Close ends the connections, and the embedded Redis.
func (r *Redis) Close() error {
	err := r.Client.Close()
	if r.embedded != nil {
		close(r.stop)
		<-r.stopped
		r.embedded.Close()
	}
	return err
}
