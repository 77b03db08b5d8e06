package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/listen"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// unsubscribeTime bounds the deleting of the subscription at the end.
const unsubscribeTime = 10 * time.Second

// register makes a subscription for as long as the receiver listens.
func (c listenCommand) register(s *Session, addr net.Addr) (key listen.Key, unsubscribe func() error, err error) {
	target := c.URL
	if target == "" {
		target = "http://" + reachable(addr) + "/"
	}
	r := post("/v1/subscriptions", map[string]any{
		"client_id": c.Subscribe, "url": target, "event_types": c.Events, "description": "made by carteiro listen; deleted when it ends",
	})
	r.Keyed = true
	answer, err := s.do(r)
	if err != nil {
		return key, nil, whyNotReachable(err)
	}
	var sub subscriptionView
	if err := apiclient.Decode(answer.Body, &sub); err != nil {
		return key, nil, err
	}
	unsubscribe = func() error { return s.unsubscribe(ID(sub.ID)) }
	if key, err = listen.ParseKey(sub.Secret); err != nil {
		return key, nil, errors.Join(err, unsubscribe())
	}
	return key, unsubscribe, nil
}

// unsubscribe takes the subscription away. What is under way may end first, so
// that the log is whole when the listener is gone.
func (s *Session) unsubscribe(id ID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s), unsubscribeTime) // Ctrl-C has ended the session
	defer cancel()
	last := &Session{Context: ctx, o: s.o, out: s.out, note: s.note, api: s.api}
	_, err := last.do(post(subscriptionPath(id, "/pause"), nil))
	if err == nil {
		err = last.waitForNoneInFlight(id)
	}
	if err == nil {
		_, err = last.do(apiclient.Request{Method: http.MethodDelete, Path: subscriptionPath(id, "")})
	}
	if err != nil && !apiclient.Is(err, apiclient.NotFound) {
		return fmt.Errorf("%w\nthe subscription %s is still there: \"carteiro subscriptions delete %[2]s\" takes it away", err, id)
	}
	return nil
}

func (s *Session) waitForNoneInFlight(id ID) error {
	again := s.poll()
	for {
		page, err := fetch[struct{ Data []webhook.Delivery }](s, "/v1/deliveries", query{"subscription_id": {string(id)}, "limit": {"500"}})
		if err != nil || !slices.ContainsFunc(page.Data, func(d webhook.Delivery) bool { return d.InFlight }) {
			return err
		}
		if err := again.wait(); err != nil {
			return err
		}
	}
}

// reachable is an address that can be dialled: one that listens on all of them
// is reached by the loopback's.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// whyNotReachable adds to a refused URL what the server must be told: by
// default it sends to no private address, and to none without TLS.
func whyNotReachable(err error) error {
	var e *apiclient.Error
	if !errors.As(err, &e) {
		return err
	}
	for _, f := range e.Faults {
		if strings.HasPrefix(f.Path, "/url") {
			told := *e
			told.Next = "The server sends to this machine only when it may: start it with CARTEIRO_ALLOW_HTTP=true CARTEIRO_ALLOW_NETWORKS=127.0.0.0/8, " +
				"or give --url an https address of a tunnel to here."
			return &told
		}
	}
	return err
}
