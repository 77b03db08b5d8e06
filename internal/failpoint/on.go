//go:build failpoints

package failpoint

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// plan is what is to happen.
type plan struct {
	point Point
	at    int64         // the how-manieth time, from 1
	sleep time.Duration // 0: the process dies
	mark  string
	hits  atomic.Int64
}

// asked is the plan of this process, nil when there is none.
var asked = sync.OnceValue(func() *plan {
	text := os.Getenv(Env)
	if text == "" {
		return nil
	}
	p, err := parse(text)
	if err != nil {
		panic(fmt.Sprintf("%s=%s: %v", Env, text, err))
	}
	p.mark = os.Getenv(EnvMark)
	return p
})

func parse(text string) (*plan, error) {
	name, rest, more := strings.Cut(text, ":")
	p := &plan{point: Point(name), at: 1}
	if !slices.Contains(Points(), p.point) {
		return nil, errors.New("there is no such point")
	}
	if !more {
		return p, nil
	}
	number, action, more := strings.Cut(rest, ":")
	var err error
	if p.at, err = strconv.ParseInt(number, 10, 64); err != nil || p.at < 1 {
		return nil, errors.New("the number behind the point is not 1 or more")
	}
	if !more {
		return p, nil
	}
	wait, ok := strings.CutPrefix(action, "sleep=")
	if p.sleep, err = time.ParseDuration(wait); !ok || err != nil || p.sleep <= 0 {
		return nil, errors.New("the action is not sleep=DURATION")
	}
	return p, nil
}

// Hit marks a moment: when it is the one that was asked for, the process dies
// there as by a power switch, or the caller stands still.
func Hit(p Point) {
	plan := asked()
	if plan == nil || plan.point != p || plan.hits.Add(1) != plan.at {
		return
	}
	if err := os.WriteFile(plan.mark, []byte(p), 0o600); err != nil {
		panic(fmt.Sprintf("%s: %v", EnvMark, err))
	}
	if plan.sleep > 0 {
		time.Sleep(plan.sleep)
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(fmt.Sprintf("this process cannot kill itself: %v", err))
	}
	select {} // the signal is on its way: no step more
}

// Conn marks the moment behind each write to a connection. (net/http tells its
// traces that a request is written while it is still in a buffer.)
func Conn(c net.Conn, p Point) net.Conn { return &conn{c, p} }

type conn struct {
	net.Conn
	point Point
}

func (c *conn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	if err == nil {
		Hit(c.point)
	}
	return n, err
}
