package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/bench/child"
)

// house is a Carteiro with a database of its own: the real program.
type house struct {
	s        *series
	dir      string
	database string // as the program and the store take it
	env      []string
	key      string
	base     string // http://127.0.0.1:port
	ready    time.Duration
	process  *child.Process // nil: it does not run
	client   *http.Client
}

// house starts Carteiro on an empty database, with settings beside the usual.
func (s *series) house(ctx context.Context, env ...string) (*house, error) {
	dir, err := os.MkdirTemp(s.dir, "house-")
	if err != nil {
		return nil, err
	}
	h := &house{s: s, dir: dir, key: "bench_" + rand.Text() + rand.Text(), client: &http.Client{Timeout: time.Minute}}
	s.houses = append(s.houses, h)
	redis := "embedded"
	h.database = "sqlite:" + filepath.Join(dir, "carteiro.db")
	if s.row.Backend == server {
		if h.database, err = s.pg.CreateDatabase(ctx); err != nil {
			return nil, err
		}
		redis = s.redis.URL()
	}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails (crypto/rand)
	h.env = append([]string{
		"CARTEIRO_DATA_DIR=" + dir, "CARTEIRO_DATABASE_URL=" + h.database, "CARTEIRO_REDIS_URL=" + redis,
		"CARTEIRO_ADMIN_KEY=" + h.key, "CARTEIRO_SECRET_KEY=" + base64.StdEncoding.EncodeToString(secret),
		"CARTEIRO_ALLOW_HTTP=true", "CARTEIRO_ALLOW_NETWORKS=127.0.0.0/8", "CARTEIRO_LOG_LEVEL=warn",
		"TMPDIR=" + dir, "HOME=" + dir,
	}, env...)
	return h, h.start(ctx)
}

const readyLimit = 30 * time.Second

// start runs the program until it is ready. Redis is empty then.
func (h *house) start(ctx context.Context) error {
	if h.s.row.Backend == server {
		if err := h.s.redis.FlushAll(ctx); err != nil {
			return err
		}
	}
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(h.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(h.s.program, "serve")
	cmd.Env = append(h.env, "CARTEIRO_LISTEN="+addr)
	cmd.Dir, cmd.Stdout, cmd.Stderr = h.dir, io.Discard, log
	h.base = "http://" + addr
	began := time.Now()
	if h.process, err = child.Start(cmd); err != nil {
		return err
	}
	if err := h.await(ctx); err != nil {
		return fmt.Errorf("start carteiro: %w", err)
	}
	h.ready = time.Since(began)
	return os.Truncate(h.log(), 0) // that it was not ready at first is no news
}

// await asks whether the program is ready until it is.
func (h *house) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := h.call(ctx, http.MethodGet, "/readyz", nil, nil)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-h.process.Done():
			return fmt.Errorf("it ended: %w\n%s", errors.Join(h.process.Err(), err), h.lastLines())
		case <-ctx.Done():
			return fmt.Errorf("it is not ready: %w\n%s", errors.Join(ctx.Err(), err), h.lastLines())
		}
	}
}

// freeAddr finds a port that is free now.
func freeAddr() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// call makes a request to the API, and reads its answer into out if out is not
// nil.
func (h *house) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	q, err := http.NewRequestWithContext(ctx, method, h.base+path, body)
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+h.key)
	if in != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	res, err := h.client.Do(q)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s %s answered %d: %.300s", method, path, res.StatusCode, text)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}

// subscription is what is registered.
type subscription struct {
	ClientID    string   `json:"client_id"`
	URL         string   `json:"url"`
	EventTypes  []string `json:"event_types"`
	MaxInFlight int      `json:"max_in_flight,omitempty"`
}

// subscribe registers a path of the receiver for a client's events.
func (h *house) subscribe(ctx context.Context, client, path string, slots int) (id string, err error) {
	var out struct{ ID string }
	err = h.call(ctx, http.MethodPost, "/v1/subscriptions", subscription{
		ClientID: client, URL: h.s.receiver.URL + path, EventTypes: []string{"*"}, MaxInFlight: slots,
	}, &out)
	return out.ID, err
}

// stop ends the program at once; what it had in flight is of no interest.
func (h *house) stop() {
	if h.process != nil {
		h.process.Kill()
		h.process = nil
	}
	h.client.CloseIdleConnections()
	if said := h.lastLines(); said != "" {
		h.s.step("the program logged: %s", said)
		_ = os.Truncate(h.log(), 0) // so that it is shown once
	}
}

// remove ends the program and removes all that it wrote.
func (h *house) remove() {
	h.stop()
	if h.s.row.Backend == server && h.database != "" {
		ctx, cancel := context.WithTimeout(context.Background(), readyLimit)
		defer cancel()
		if err := h.s.pg.DropDatabase(ctx, h.database); err != nil {
			h.s.say("a database stays until the end: %v", err)
		}
		h.database = ""
	}
	_ = os.RemoveAll(h.dir)
}

func (h *house) log() string { return filepath.Join(h.dir, "carteiro.log") }

// lastLines is the end of the program's log.
func (h *house) lastLines() string {
	text, err := os.ReadFile(h.log())
	if err != nil {
		return "" // it has not been started, or is removed
	}
	const most = 2000
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}
