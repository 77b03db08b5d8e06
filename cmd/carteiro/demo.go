package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// demo is the show of `serve --demo`: a client whose server fails and
// recovers, a platform that posts a redemption every few seconds, verifications
// that end, and an export every minute. Nil when there is none.
type demo struct {
	out      io.Writer
	mu       sync.Mutex
	messages int            // different ones that the receiver has seen
	failures map[string]int // by webhook-id: how often the receiver has failed it
	receiver *http.Server
	cancel   context.CancelFunc
	done     sync.WaitGroup
}

const (
	demoClient   = webhook.ClientID("acme")
	demoSchedule = "1s,5s,15s,30s,60s" // the contract's, a second for a minute
	demoEvery    = 4 * time.Second

	demoFailEvery = 3 // every third message …
	demoFailures  = 2 // … is refused this often
	demoPath      = "/hooks"
	demoNote      = "made by carteiro serve --demo"
)

func newDemo(out io.Writer) *demo { return &demo{out: out, failures: map[string]int{}} }

// settings changes what the demo needs, unless it was given by hand.
func (d *demo) settings(o *config.Options) {
	defaults := map[string]string{
		"retry_schedule": demoSchedule, "allow_http": "true", "allow_networks": "127.0.0.0/8", "log_level": "warn",
	}
	for name, value := range defaults {
		_, flag := o.Flags[name]
		env := slices.ContainsFunc(o.Environ, func(e string) bool {
			return strings.HasPrefix(e, config.Prefix+strings.ToUpper(name)+"=")
		})
		if !flag && !env {
			o.Flags[name] = value
		}
	}
}

func (d *demo) say(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fmt.Fprintf(d.out, format+"\n", args...)
}

// start opens the receiver, registers it and begins to post.
func (d *demo) start(r runContext, h *house, addr net.Addr) {
	ctx, cancel := context.WithCancel(r)
	d.cancel = cancel
	url, err := d.listen()
	if err == nil {
		err = d.register(ctx, h, url)
	}
	if err == nil {
		err = d.schedule(ctx, h, true)
	}
	if err != nil {
		d.say("The demo could not start: %v", err)
		return
	}
	base := "http://" + addr.String()
	d.say("Carteiro %s runs at %s, on embedded SQLite and Redis; its data are in %s", version(), base, h.config.DataDir)
	d.say("  console    %s/console   (sign in with the admin key)", base)
	d.say("  admin key  %s", h.key)
	d.say("  try        carteiro deliveries --api-url %s --data-dir %s", base, h.config.DataDir)
	d.say("  or         curl -H 'Authorization: Bearer %s' %s/v1/deliveries", h.key, base)
	d.say("A demo client, %q, has a server at %s. A redemption is posted every %v;", demoClient, url, demoEvery)
	d.say("for every third one that server fails twice, then answers. Retries come after %s here,", demoSchedule)
	d.say("a second for each minute of the real schedule. Every %v a verification ends, and its", demoVerifyEvery)
	d.say("result is called back by POST or PUT. Every minute the tickets that were sold since the last")
	d.say("time go out as an export, in pages of %d. Stop with Ctrl-C; nothing is lost.", demoPageSize)
	d.say("")
	d.done.Go(func() { d.post(ctx, h) })
	d.done.Go(func() { d.verify(ctx, h, strings.TrimSuffix(url, demoPath)+demoVerifyPath) })
}

func (d *demo) stop() {
	if d == nil || d.cancel == nil {
		return
	}
	d.cancel()
	d.done.Wait()
}

// listen starts the client's server.
func (d *demo) listen() (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(demoPath, d.receive)
	mux.HandleFunc(demoVerifyPath, d.receiveResult)
	d.receiver = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	d.done.Go(func() { _ = d.receiver.Serve(l) })
	return "http://" + l.Addr().String() + demoPath, nil
}

func (d *demo) receive(w http.ResponseWriter, r *http.Request) {
	_, err := io.Copy(io.Discard, r.Body)
	if err != nil || d.fails(r.Header.Get("webhook-id")) {
		http.Error(w, `{"error":"down for a moment"}`, http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"status":"received"}`)
}

// fails tells whether the client's server is down for a message: twice for
// the first one and every third after it.
func (d *demo) fails(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	failed, known := d.failures[id]
	switch {
	case known && failed >= demoFailures:
		delete(d.failures, id)
		return false
	case known:
		d.failures[id]++
		return true
	}
	d.messages++
	if d.messages%demoFailEvery == 1 {
		d.failures[id] = 1
		return true
	}
	return false
}

// register gives the demo client its subscription; an earlier demo's gets the
// new receiver's URL.
func (d *demo) register(ctx context.Context, h *house, url string) error {
	subs, _, err := h.subs.List(ctx, store.SubscriptionFilter{ClientID: demoClient}, store.Page{Limit: 500})
	if err != nil {
		return err
	}
	for _, sub := range subs {
		if sub.Description == demoNote {
			_, err := h.subs.Update(ctx, sub.ID, func(s *webhook.Subscription) error {
				s.URL, s.EventTypes = url, demoWants()
				return nil
			})
			return err
		}
	}
	_, err = h.subs.Create(ctx, webhook.Subscription{
		ClientID: demoClient, URL: url, EventTypes: demoWants(), Description: demoNote,
	}, nil)
	return err
}

// demoWants is what the demo client subscribes to.
func demoWants() []webhook.Pattern { return []webhook.Pattern{"shop.*", "ingresso_export"} }

// post posts a redemption every few seconds, as the platform would.
func (d *demo) post(ctx context.Context, h *house) {
	tick := time.NewTicker(demoEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := d.postOne(ctx, h, n); err != nil && ctx.Err() == nil {
			d.say("The redemption was not taken: %v", err)
		}
		if err := d.putTickets(ctx, h, n); err != nil && ctx.Err() == nil {
			d.say("The tickets were not taken: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			shutdown, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := d.schedule(shutdown, h, false); err != nil {
				d.say("The demo's export could not be switched off: %v", err)
			}
			_ = d.receiver.Shutdown(shutdown)
			return
		}
	}
}

func (d *demo) postOne(ctx context.Context, h *house, n int) error {
	data := fmt.Sprintf(demoRedemption, n, 1000+n, time.Now().In(time.FixedZone("GMT-3", -3*60*60)).Format(time.DateTime))
	accepted, err := h.dispatcher.Accept(ctx, []dispatcher.NewEvent{{
		Type: "shop.product.redemption", ClientID: demoClient, Data: []byte(data),
	}}, nil)
	if err != nil {
		return err
	}
	for _, delivery := range accepted[0].Deliveries {
		d.say("%s  %s  a redemption was accepted and committed", clock(time.Now()), delivery.ID)
	}
	return nil
}

const demoRedemption = `{"user":{"id":"%d","name":"Aluno da Demonstração","email":"aluno@example.com"},` +
	`"exchange":{"id":"%d","exchange_date":"%s","quantity":"1","total_payment":"39",` +
	`"product":{"id":"213","name":"Caneca","type":"price","price":"39","stock_left":"49"}}}`

// observe says what came of each attempt.
func (d *demo) observe(o dispatcher.Observation) {
	what := "delivered"
	if o.EventType == "ingresso_export" {
		what = "a page of ingressos was delivered"
	}
	if a := o.Attempt; !a.Acknowledged() {
		what = a.Error.Message
		if o.NextAttemptAt.IsZero() {
			what += " Given up: " + string(o.State) + "."
		} else {
			what += " Next attempt at " + clock(o.NextAttemptAt) + "."
		}
	}
	d.say("%s  %s  attempt %d: %s", clock(o.Attempt.EndedAt()), o.DeliveryID, o.Attempt.Number, what)
}

func clock(t time.Time) string { return t.Local().Format("15:04:05.000") }
