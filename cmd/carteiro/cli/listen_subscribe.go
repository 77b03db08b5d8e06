package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/listen"
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
	unsubscribe = func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s), unsubscribeTime) // Ctrl-C has ended the session
		defer cancel()
		_, err := s.api.Do(ctx, apiclient.Request{Method: http.MethodDelete, Path: subscriptionPath(ID(sub.ID), "")})
		if err != nil && !apiclient.Is(err, apiclient.NotFound) {
			return errors.Join(err, errors.New("the subscription "+sub.ID+" is still there: \"carteiro subscriptions delete "+sub.ID+"\" takes it away"))
		}
		return nil
	}
	if key, err = listen.ParseKey(sub.Secret); err != nil {
		return key, nil, errors.Join(err, unsubscribe())
	}
	return key, unsubscribe, nil
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
