package dispatcher

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrEvicts says that Redis throws keys away when its memory is full. asynq's
// queues are such keys: hints would be accepted and vanish, and each delivery
// of theirs would wait for the reconciler (promise P5).
var ErrEvicts = errors.New("this Redis throws keys away when its memory is full, hints among them; " +
	`set maxmemory-policy to noeviction there (CONFIG SET maxmemory-policy noeviction, and the same line in redis.conf), or give Carteiro a Redis of its own`)

// Ready tells whether Redis answers and keeps what it is given.
func (r *Redis) Ready(ctx context.Context) error {
	if err := r.Ping(ctx); err != nil {
		return err
	}
	return r.CheckPolicy(ctx)
}

// CheckPolicy asks Redis, in a cluster each master, what it does when its
// memory is full. The error is [ErrEvicts], or why Redis could not be asked. A
// server that does not tell (an ACL may forbid INFO) is taken as it is.
func (r *Redis) CheckPolicy(ctx context.Context) error {
	if r.Embedded() {
		return nil
	}
	cluster, ok := r.Client.(*redis.ClusterClient)
	if !ok {
		return checkPolicy(ctx, r.Client)
	}
	var mu sync.Mutex
	var all error
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		err := checkPolicy(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		all = errors.Join(all, err)
		return nil
	})
	return errors.Join(err, all)
}

func checkPolicy(ctx context.Context, c redis.Cmdable) error {
	info, err := c.Info(ctx, "memory").Result()
	if err != nil {
		if redis.HasErrorPrefix(err, "NOPERM") || redis.HasErrorPrefix(err, "ERR unknown command") {
			return nil
		}
		return err
	}
	if policy := infoField(info, "maxmemory_policy"); policy != "" && policy != "noeviction" {
		return fmt.Errorf("maxmemory-policy is %s: %w", policy, ErrEvicts)
	}
	return nil
}

// infoField is the value of one line of the answer to INFO, or "".
func infoField(info, name string) string {
	lines := bufio.NewScanner(strings.NewReader(info))
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
