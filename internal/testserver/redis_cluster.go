package testserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// RedisNodes is a Redis Cluster of masters without replicas.
type RedisNodes struct{ Nodes []*RedisServer }

// slots is how many parts a Redis Cluster divides its keys into.
const slots = 16384

// RedisCluster returns a cluster of n masters for this test alone, which ends
// with the test.
func RedisCluster(tb testing.TB, n int) *RedisNodes {
	tb.Helper()
	c := &RedisNodes{}
	for range n {
		// Nodes of a cluster talk on a second port.
		bus, err := freePort()
		need(tb, err)
		c.Nodes = append(c.Nodes, Redis(
			tb, Directive("cluster-enabled", "yes"), Directive("cluster-port", fmt.Sprint(bus)),
			Directive("cluster-node-timeout", "2000"), AppendOnly(),
		))
	}
	need(tb, c.join(context.Background()))
	return c
}

// join gives each node its share of the slots and makes them know each other.
func (c *RedisNodes) join(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	first := c.Nodes[0].client()
	defer first.Close()
	for i, node := range c.Nodes {
		client := node.client()
		defer client.Close()
		from, to := i*slots/len(c.Nodes), (i+1)*slots/len(c.Nodes)-1
		if err := client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			return err
		}
		meet := []any{"CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(node.port), node.directive("cluster-port")}
		if err := first.Do(ctx, meet...).Err(); err != nil {
			return err
		}
	}
	for _, node := range c.Nodes {
		if err := node.process.ready(ctx, node.inCluster(len(c.Nodes))); err != nil {
			return err
		}
	}
	return nil
}

// inCluster tells whether a node sees the whole cluster.
func (s *RedisServer) inCluster(nodes int) func(context.Context) error {
	return func(ctx context.Context) error {
		client := s.client()
		defer client.Close()
		info, err := client.ClusterInfo(ctx).Result()
		if err != nil {
			return err
		}
		for _, want := range []string{"cluster_state:ok", fmt.Sprintf("cluster_known_nodes:%d", nodes)} {
			if !strings.Contains(info, want+"\r\n") {
				return errors.New("the cluster is not whole yet: no " + want)
			}
		}
		return nil
	}
}

// URL names all nodes.
func (c *RedisNodes) URL() string {
	addrs := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		addrs[i] = n.Addr()
	}
	return "redis+cluster://" + strings.Join(addrs, ",")
}

// RedisWatched is a master with a replica, watched by three sentinels, of
// which two must agree that the master is gone.
type RedisWatched struct {
	Master, Replica *RedisServer
	Sentinels       []*RedisServer
}

// masterName is what the sentinels call the master.
const masterName = "carteiro"

// RedisSentinel returns a watched master for this test alone, which ends with
// the test.
func RedisSentinel(tb testing.TB) *RedisWatched {
	tb.Helper()
	w := &RedisWatched{Master: Redis(tb, AppendOnly())}
	w.Replica = Redis(tb, AppendOnly(), Directive("replicaof", fmt.Sprintf("127.0.0.1 %d", w.Master.port)))
	for range 3 {
		w.Sentinels = append(w.Sentinels, Redis(
			tb,
			Directive("sentinel monitor", fmt.Sprintf("%s 127.0.0.1 %d 2", masterName, w.Master.port)),
			Directive("sentinel down-after-milliseconds", masterName+" 1000"),
			Directive("sentinel failover-timeout", masterName+" 5000"),
		))
	}
	for _, s := range w.Sentinels {
		need(tb, s.process.ready(context.Background(), s.watches))
	}
	return w
}

// watches tells whether a sentinel knows the replica and the other sentinels.
func (s *RedisServer) watches(ctx context.Context) error {
	client := redis.NewSentinelClient(s.options())
	defer client.Close()
	state, err := client.Master(ctx, masterName).Result()
	if err != nil {
		return err
	}
	if state["num-slaves"] != "1" || state["num-other-sentinels"] != "2" || state["flags"] != "master" {
		return fmt.Errorf("the sentinel sees %s replicas, %s other sentinels and flags %q", state["num-slaves"], state["num-other-sentinels"], state["flags"])
	}
	return nil
}

// URL names the sentinels.
func (w *RedisWatched) URL() string {
	addrs := make([]string, len(w.Sentinels))
	for i, s := range w.Sentinels {
		addrs[i] = s.Addr()
	}
	return "redis+sentinel://" + strings.Join(addrs, ",") + "/" + masterName
}
