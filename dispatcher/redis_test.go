package dispatcher

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// connection is what of a client an address decides.
type connection struct {
	Kind             string
	Addrs            []string
	User, Password   string
	DB               int
	TLS              bool
	Master           string
	SentinelPassword string
	SentinelUser     string
}

func connectionOf(t *testing.T, address string) (connection, error) {
	t.Helper()
	r, err := OpenRedis(address)
	if err != nil {
		return connection{}, err
	}
	defer r.Close()
	switch c := r.Client.(type) {
	case *redis.ClusterClient:
		o := c.Options()
		return connection{Kind: "cluster", Addrs: o.Addrs, User: o.Username, Password: o.Password, TLS: o.TLSConfig != nil}, nil
	case *redis.Client:
		o := c.Options()
		return connection{Kind: "one", Addrs: []string{o.Addr}, User: o.Username, Password: o.Password, DB: o.DB, TLS: o.TLSConfig != nil}, nil
	}
	t.Fatalf("%s: a %T", address, r.Client)
	return connection{}, nil
}

func TestRedisAddresses(t *testing.T) {
	for address, want := range map[string]connection{
		"redis://localhost":                    {Kind: "one", Addrs: []string{"localhost:6379"}},
		"redis://localhost:7000/3":             {Kind: "one", Addrs: []string{"localhost:7000"}, DB: 3},
		"redis://localhost/?db=4":              {Kind: "one", Addrs: []string{"localhost:6379"}, DB: 4},
		"redis://carteiro:p%40ss%2Fword@h:1/0": {Kind: "one", Addrs: []string{"h:1"}, User: "carteiro", Password: "p@ss/word"},
		"redis://:secret@h":                    {Kind: "one", Addrs: []string{"h:6379"}, Password: "secret"},
		"rediss://u:p@h:6380":                  {Kind: "one", Addrs: []string{"h:6380"}, User: "u", Password: "p", TLS: true},
		"redis://[::1]":                        {Kind: "one", Addrs: []string{"[::1]:6379"}},
		"redis://[::1]:7000":                   {Kind: "one", Addrs: []string{"[::1]:7000"}},
		"redis+cluster://u:p@a:1,b:2,c":        {Kind: "cluster", Addrs: []string{"a:1", "b:2", "c:6379"}, User: "u", Password: "p"},
		"rediss+cluster://a":                   {Kind: "cluster", Addrs: []string{"a:6379"}, TLS: true},
	} {
		got, err := connectionOf(t, address)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", address, err, diff)
		}
	}
}

// TestSentinelAddresses looks at the options, for the client itself tells
// nothing of them.
func TestSentinelAddresses(t *testing.T) {
	for address, want := range map[string]connection{
		"redis+sentinel://a,b:1/mymaster": {Addrs: []string{"a:26379", "b:1"}, Master: "mymaster"},
		"rediss+sentinel://u:p@a/m?db=2&sentinel_username=su&sentinel_password=sp": {
			Addrs: []string{"a:26379"}, Master: "m", DB: 2, User: "u", Password: "p", TLS: true, SentinelUser: "su", SentinelPassword: "sp",
		},
	} {
		kind, base, err := redisOptions(address)
		if err != nil || kind != "+sentinel" {
			t.Errorf("%s: kind %q, %v", address, kind, err)
			continue
		}
		o := base.Failover()
		got := connection{
			Addrs: o.SentinelAddrs, Master: o.MasterName, DB: o.DB, User: o.Username, Password: o.Password, TLS: o.TLSConfig != nil,
			SentinelUser: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", address, diff)
		}
	}
}

// TestRedisAddressFaults: the error names what is wrong, and no password.
func TestRedisAddressFaults(t *testing.T) {
	for address, says := range map[string]string{
		"":                                 "is no Redis scheme",
		"localhost:6379":                   "is no Redis scheme",
		"http://localhost":                 "is no Redis scheme",
		"redis+sentinels://a/m":            "is no Redis scheme",
		"redis://":                         "lacks a host",
		"redis+cluster://a,,b":             "lacks a host",
		"redis://a,b":                      "names one host",
		"redis+sentinel://a,b":             "ends in the master's name",
		"redis+sentinel://a,b/":            "ends in the master's name",
		"redis://:hunter2@h/x":             "is no number of a Redis database",
		"redis://:hunter2@h/-1":            "is no number of a Redis database",
		"redis://:hunter2@h:port":          "is no port",
		"redis://:hunter2@a:b:c":           "is no host and port",
		"redis://:hunter2@h:0":             "is no port",
		"//localhost":                      "is no Redis scheme",
		"redis://:hunt\x00er2@h":           "cannot be read",
		"redis+cluster://:hunter2@a/?db=7": "one database only",
	} {
		r, err := OpenRedis(address)
		if err == nil {
			r.Close()
			t.Errorf("%q is an address", address)
			continue
		}
		if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v, want it to say %q", address, err, says)
		}
	}
}

// TestRedisWithAPassword: the right one opens, and only that.
func TestRedisWithAPassword(t *testing.T) {
	ctx := context.Background()
	server := testserver.Redis(t, testserver.Password("hunter2 & co/"))
	r, err := OpenRedis(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Ping(ctx); err != nil || r.Embedded() {
		t.Errorf("with the password: %v", err)
	}
	if err := r.Client.Do(ctx, "ACL", "SETUSER", "carteiro", "on", ">another", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	for address, right := range map[string]bool{
		"redis://carteiro:another@" + server.Addr() + "/1": true,
		"redis://carteiro:wrong@" + server.Addr():          false,
		"redis://" + server.Addr():                         false,
	} {
		r, err := OpenRedis(address)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Ping(ctx); (err == nil) != right {
			t.Errorf("%s: %v", address, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
