package dispatcher_test

import (
	"context"
	"errors"
	"testing"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

func TestRedisThatEvicts(t *testing.T) {
	ctx := context.Background()
	server := testserver.Redis(t, testserver.Policy("volatile-lru"))
	r, err := dispatcher.OpenRedis(server.URL())
	must(t, err)
	defer r.Close()
	if err := r.Ready(ctx); !errors.Is(err, dispatcher.ErrEvicts) {
		t.Errorf("volatile-lru: %v", err)
	}
	must(t, r.Client.ConfigSet(ctx, "maxmemory-policy", "noeviction").Err())
	if err := r.Ready(ctx); err != nil {
		t.Errorf("noeviction: %v", err)
	}

	must(t, r.Client.ConfigSet(ctx, "maxmemory-policy", "allkeys-lru").Err())
	must(t, r.Client.Do(ctx, "ACL", "SETUSER", "carteiro", "on", ">word", "~*", "&*", "+@all", "-info").Err())
	silent, err := dispatcher.OpenRedis("redis://carteiro:word@" + server.Addr())
	must(t, err)
	defer silent.Close()
	if err := silent.Ready(ctx); err != nil {
		t.Errorf("a Redis that does not tell: %v", err)
	}
	server.Kill()
	if err := r.Ready(ctx); err == nil || errors.Is(err, dispatcher.ErrEvicts) {
		t.Errorf("a Redis that is away: %v", err)
	}
}

func TestEmbeddedRedisDoesNotEvict(t *testing.T) {
	r, err := dispatcher.OpenRedis("embedded")
	must(t, err)
	defer r.Close()
	if err := r.Ready(context.Background()); err != nil {
		t.Error(err)
	}
}
