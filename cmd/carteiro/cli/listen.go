package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/listen"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type listenCommand struct {
	Flags
	Addr      string   `arg:"" optional:"" default:"127.0.0.1:9000" help:"Where to listen: a port, or host:port (default ${default})."`
	Secret    []string `sep:"none" help:"Verify with this secret (whsec_…) or public key (whpk_…); @FILE reads it from a file. Several for several subscriptions." placeholder:"SECRET"`
	Subscribe string   `predictor:"client" help:"Register this receiver for a client on the server, verify with its secret, and delete it at the end." placeholder:"CLIENT"`
	Events    []string `default:"*" predictor:"event-type" help:"Event types of --subscribe: exact slugs, a prefix with .*, or * (the default)." placeholder:"SLUG"`
	URL       string   `name:"url" help:"Address under which the server reaches this receiver, for --subscribe; that of the listener when nothing is given." placeholder:"URL"`
	Forward   string   `help:"Send each request on to this URL, and give its answer back." placeholder:"URL"`

	Fail      string `group:"Misbehave:" help:"Answer a share of the requests badly, such as 30%." placeholder:"SHARE"`
	FailFirst int    `group:"Misbehave:" help:"Answer the first N requests of each message badly." placeholder:"N"`
	Status    int    `group:"Misbehave:" help:"Status of the bad answers (503); without --fail and --fail-first, of every answer." placeholder:"CODE"`
	Slow      string `group:"Misbehave:" help:"Wait before each answer: 2s, or 1s-5s for a different time each." placeholder:"TIME"`
	Close     string `group:"Misbehave:" help:"Reset the connection of a share of the requests." placeholder:"SHARE"`
	Hang      string `group:"Misbehave:" help:"Give a share of the requests no answer at all." placeholder:"SHARE"`
	Answer    string `group:"Misbehave:" help:"Body of the good answers instead of {\"status\":\"received\"}; @FILE is a file's content." placeholder:"TEXT"`
	Seed      uint64 `group:"Misbehave:" help:"The same seed makes the same choices; another one each time when nothing is given." placeholder:"N"`

	Quiet bool `short:"q" group:"Output:" help:"One line for each request, without its body."`
	Count int  `group:"Output:" help:"End after so many requests." placeholder:"N"`
}

// stopTime is how long requests under way may take at the end.
const stopTime = 3 * time.Second

// Run listens until Ctrl-C, or until --count requests have come.
func (c listenCommand) Run(s *Session) (err error) {
	o, err := c.options(s)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address(c.Addr))
	if err != nil {
		return fmt.Errorf("listen on %s: %w; name another address, such as \"carteiro listen 9001\"", address(c.Addr), err)
	}
	ctx, stop := context.WithCancel(s)
	defer stop()
	var came atomic.Int64
	o.Told = func(m listen.Message) {
		s.tell(m, c.Quiet)
		if c.Count > 0 && came.Add(1) >= int64(c.Count) {
			stop()
		}
	}
	unsubscribe := func() error { return nil }
	if c.Subscribe != "" {
		var key listen.Key
		if key, unsubscribe, err = c.register(s, listener.Addr()); err != nil {
			return errors.Join(err, listener.Close())
		}
		o.Keys = append(o.Keys, key)
	}
	receiver := listen.New(o)
	if err := c.greet(s, listener.Addr(), o.Behaviour); err != nil {
		return errors.Join(err, unsubscribe(), listener.Close())
	}
	server := &http.Server{
		Handler: receiver, ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(s), stopTime)
	defer cancel()
	if server.Shutdown(bounded) != nil {
		err = errors.Join(err, server.Close())
	}
	return errors.Join(err, unsubscribe(), s.sumUp(receiver.Summary()))
}

// address completes a port to an address of this machine only.
func address(text string) string {
	if _, err := strconv.ParseUint(text, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", text)
	}
	return text
}

// options reads the flags.
func (c listenCommand) options(s *Session) (o listen.Options, err error) {
	if o.Behaviour, err = c.behaviour(); err != nil {
		return o, usage("%v", err)
	}
	for _, text := range c.Secret {
		secret, err := s.text(text)
		if err != nil {
			return o, fmt.Errorf("--secret: %w", err)
		}
		key, err := listen.ParseKey(string(secret))
		if err != nil {
			return o, usage("--secret: %v", err)
		}
		o.Keys = append(o.Keys, key)
	}
	if c.Answer != "" {
		if o.Answer, err = s.text(c.Answer); err != nil {
			return o, fmt.Errorf("--answer: %w", err)
		}
	}
	if c.Forward != "" {
		u, err := url.Parse(c.Forward)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return o, usage("--forward %q is no URL such as http://127.0.0.1:3000/hooks", c.Forward)
		}
		o.Forward = c.Forward
	}
	return o, nil
}

func (c listenCommand) behaviour() (b listen.Behaviour, err error) {
	for _, share := range []struct {
		flag, text string
		into       *float64
	}{{"--fail", c.Fail, &b.Fail}, {"--close", c.Close, &b.Close}, {"--hang", c.Hang, &b.Hang}} {
		if share.text == "" {
			continue
		}
		if *share.into, err = listen.ParseShare(share.text); err != nil {
			return b, fmt.Errorf("%s: %w", share.flag, err)
		}
	}
	if b.Fail+b.Close+b.Hang > 1 {
		return b, errors.New("--fail, --close and --hang are together more than all requests")
	}
	if c.Slow != "" {
		if b.SlowFrom, b.SlowTo, err = listen.ParseSlow(c.Slow); err != nil {
			return b, fmt.Errorf("--slow: %w", err)
		}
	}
	if c.Status != 0 && (c.Status < 200 || c.Status > 599) {
		return b, fmt.Errorf("--status %d: a final HTTP status is wanted, from 200 to 599", c.Status)
	}
	b.FailFirst, b.Seed = c.FailFirst, c.Seed
	if b.Seed == 0 {
		b.Seed = uint64(rand.Uint32())
	}
	if b.Fail > 0 || b.FailFirst > 0 {
		b.BadStatus = c.Status
	} else {
		b.Status = c.Status
	}
	return b, nil
}

// greet tells where it listens, and what to do next.
func (c listenCommand) greet(s *Session, addr net.Addr, b listen.Behaviour) error {
	at := "http://" + addr.String()
	if err := s.note.Line("Listening at %s; Ctrl-C ends.", at); err != nil {
		return err
	}
	if c.Subscribe != "" {
		if err := s.note.Line("Until then it is registered for %s, to get %s.", c.Subscribe, strings.Join(c.Events, ", ")); err != nil {
			return err
		}
	} else if len(c.Secret) == 0 {
		if err := s.note.Line("Signatures are not checked: give --secret, or let --subscribe CLIENT register this receiver."); err != nil {
			return err
		}
	}
	if !b.Good() {
		return s.note.Line("It misbehaves as asked; --seed %d makes the same choices again.", b.Seed)
	}
	return nil
}

// sumUp tells what came. Signatures that are not valid are a failure.
func (s *Session) sumUp(sum listen.Summary) error {
	if s.o.Flags.JSON {
		if err := s.encode(map[string]listen.Summary{"summary": sum}); err != nil {
			return err
		}
	} else {
		err := s.note.Line("%s of %s: %d answered 2xx, %d otherwise, %d not at all; %d repeats. Signatures: %d valid, %d invalid, %d missing.",
			show.Count(int64(sum.Requests), "request", "requests"), show.Count(int64(sum.Messages), "message", "messages"),
			sum.OK, sum.Failed, sum.Cut, sum.Repeats, sum.Valid, sum.Invalid, sum.Unsigned)
		if err != nil {
			return err
		}
	}
	if sum.Invalid > 0 {
		return errors.New(show.Count(int64(sum.Invalid), "request", "requests") + " had an invalid signature")
	}
	return nil
}
