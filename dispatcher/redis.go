package dispatcher

import (
	"context"
	"crypto/rand"
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
	kind, o, err := redisOptions(address)
	if err != nil {
		return nil, err
	}
	r := &Redis{}
	switch kind {
	case "":
		r.Client = redis.NewClient(o.Simple())
	case "+sentinel":
		r.Client = redis.NewFailoverClient(o.Failover())
	case "+cluster":
		r.Client = redis.NewClusterClient(o.Cluster())
	}
	return r, nil
}

// redisOptions reads an address: hosts, user, password, TLS, and in the path
// or the query the master's name and the database's number. No error repeats
// the password.
func redisOptions(address string) (kind string, o *redis.UniversalOptions, err error) {
	scheme, rest, _ := strings.Cut(address, "://")
	kind, ok := strings.CutPrefix(strings.Replace(scheme, "rediss", "redis", 1), "redis")
	if !ok || (kind != "" && kind != "+sentinel" && kind != "+cluster") {
		return "", nil, fmt.Errorf("%q is no Redis scheme: redis, rediss, redis+sentinel, rediss+sentinel, redis+cluster or rediss+cluster", clip(scheme))
	}
	// net/url knows one host only: it gets the address with a stand-in for them.
	authority, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, tail = rest[:i], rest[i:]
	}
	at := strings.LastIndex(authority, "@") + 1
	u, err := url.Parse("redis://" + authority[:at] + "hosts" + tail)
	if err != nil {
		return "", nil, errors.New("the Redis address cannot be read as a URL")
	}
	query := u.Query()
	o = &redis.UniversalOptions{
		DialTimeout: redisDialTimeout, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout, MaxRetries: 1,
		ClientName: "carteiro", Username: u.User.Username(),
	}
	o.Password, _ = u.User.Password()
	if strings.HasPrefix(scheme, "rediss") {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	path, port := strings.Trim(u.Path, "/"), "6379"
	if kind == "+sentinel" {
		port = "26379"
		o.SentinelUsername, o.SentinelPassword = query.Get("sentinel_username"), query.Get("sentinel_password")
		if o.MasterName = path; path == "" {
			return "", nil, errors.New("a redis+sentinel:// address ends in the master's name: redis+sentinel://host1:26379,host2:26379/mymaster")
		}
	}
	if o.Addrs, err = redisHosts(authority[at:], port); err != nil {
		return "", nil, err
	}
	if kind == "" && len(o.Addrs) > 1 {
		return "", nil, errors.New("a redis:// address names one host; use redis+sentinel:// or redis+cluster:// for several")
	}
	db := query.Get("db")
	if db == "" && kind != "+sentinel" {
		db = path
	}
	if o.DB, err = redisDB(db, kind); err != nil {
		return "", nil, err
	}
	return kind, o, nil
}

// redisHosts splits "host1:7000,host2" and adds the port where there is none.
func redisHosts(list, port string) ([]string, error) {
	var out []string
	for host := range strings.SplitSeq(list, ",") {
		name, given, err := net.SplitHostPort(host)
		if err != nil { // no port
			if name, given = host, port; strings.HasPrefix(host, "[") {
				name = strings.Trim(host, "[]")
			} else if strings.Contains(host, ":") {
				return nil, fmt.Errorf("%q is no host and port; an IPv6 address stands in [ ]", clip(host))
			}
		}
		if name == "" {
			return nil, errors.New("the Redis address lacks a host")
		}
		if n, err := strconv.Atoi(given); err != nil || n < 1 || n > 65535 {
			return nil, fmt.Errorf("%q is no port of a Redis host", clip(given))
		}
		out = append(out, net.JoinHostPort(name, given))
	}
	return out, nil
}

func redisDB(db, kind string) (int, error) {
	if db == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(db)
	switch {
	case err != nil || n < 0:
		return 0, fmt.Errorf("%q is no number of a Redis database", clip(db))
	case n > 0 && kind == "+cluster":
		return 0, errors.New("a Redis Cluster has one database only, number 0")
	}
	return n, nil
}

func openEmbedded() (*Redis, error) {
	m := miniredis.NewMiniRedis()
	password := rand.Text() // its port is open to everybody on this machine
	m.RequireAuth(password)
	if err := m.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	r := &Redis{
		embedded: m, stop: make(chan struct{}), stopped: make(chan struct{}),
		Client: redis.NewClient(&redis.Options{Addr: m.Addr(), Password: password, DisableIdentity: true, ReadTimeout: redisTimeout, WriteTimeout: redisTimeout}),
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
