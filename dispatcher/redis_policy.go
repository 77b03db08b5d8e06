package dispatcher

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// ErrEvicts says that Redis throws keys away when its memory is full. asynq's
// queues are such keys: hints would be accepted and vanish, and each delivery
// of theirs would wait for the reconciler (promise P5).
var ErrEvicts = errors.New("this Redis throws keys away when its memory is full, hints among them; " +
	`set maxmemory-policy to noeviction there (CONFIG SET maxmemory-policy noeviction, and the same line in redis.conf), or give Carteiro a Redis of its own`)

// ErrRedisFull says that Redis takes nothing more. Intake goes on, and what is
// due waits in SQL.
var ErrRedisFull = errors.New("this Redis has used up its maxmemory and takes no hints; raise maxmemory there, or remove what else fills it")

// Ready tells whether Redis answers and keeps what it is given.
func (r *Redis) Ready(ctx context.Context) error {
	if err := r.Ping(ctx); err != nil {
		return err
	}
	return r.CheckPolicy(ctx)
}

// CheckPolicy asks Redis, in a cluster each master, what it does when its
// memory is full, and whether it is. The error is [ErrEvicts], [ErrRedisFull],
// or why Redis could not be asked. A
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
	return checkRoom(info)
}

// checkRoom looks whether memory is left for one more key.
func checkRoom(info string) error {
	limit, err := strconv.ParseUint(infoField(info, "maxmemory"), 10, 64)
	if err != nil || limit == 0 {
		return nil // there is no limit
	}
	used, err := strconv.ParseUint(infoField(info, "used_memory"), 10, 64)
	if err != nil || used <= limit {
		return nil
	}
	return fmt.Errorf("%d of %d bytes are used: %w", used, limit, ErrRedisFull)
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
