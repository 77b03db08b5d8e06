package main

import (
	"context"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// TestARedisThatEvictsIsRefused: hints in it would vanish without a word. A
// policy that is set later turns /readyz red; the process itself is well.
func TestARedisThatEvictsIsRefused(t *testing.T) {
	ctx := context.Background()
	server := testserver.Redis(t, testserver.Policy("allkeys-lru"))
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer client.Close()
	env := []string{"CARTEIRO_REDIS_URL=" + server.URL(), "CARTEIRO_DATA_DIR=" + t.TempDir(), "CARTEIRO_LISTEN=127.0.0.1:0"}
	code, _, stderr := command(env, "serve")
	if code == exitOK || !strings.Contains(stderr, "maxmemory-policy is allkeys-lru") || !strings.Contains(stderr, "noeviction") {
		t.Fatalf("exit code %d, %s", code, stderr)
	}

	policy := func(name string) {
		t.Helper()
		if err := client.ConfigSet(ctx, "maxmemory-policy", name).Err(); err != nil {
			t.Fatal(err)
		}
	}
	policy("noeviction")
	p := start(t, t.TempDir(), env[:1], "serve")
	var ready struct{ Parts map[string]string }
	for _, step := range []struct {
		policy string
		status int
		redis  string
	}{{"noeviction", 200, "ok"}, {"allkeys-lfu", 503, "evicts"}, {"noeviction", 200, "ok"}} {
		policy(step.policy)
		if status := p.call("GET", "/readyz", "", &ready); status != step.status || ready.Parts["redis"] != step.redis || ready.Parts["database"] != "ok" {
			t.Errorf("%s: /readyz answers %d, %v", step.policy, status, ready.Parts)
		}
		if status := p.call("GET", "/healthz", "", nil); status != 200 {
			t.Errorf("%s: /healthz answers %d", step.policy, status)
		}
	}
	if !strings.Contains(p.logged(), "allkeys-lfu") {
		t.Error("the log does not say why the process was not ready")
	}
}
