package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// demoVerifyEvery is between two verifications of the demo: the first asks for
// a POST, the second for a PUT, and so on.
const (
	demoVerifyEvery = 6 * time.Second
	demoEngineTakes = time.Second // until the engine reports
	demoVerifyPath  = "/verifications"
)

// verify registers verifications as clients would, and reports their ends as
// the verification engine would.
func (d *demo) verify(ctx context.Context, h *house, callback string) {
	tick := time.NewTicker(demoVerifyEvery)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := d.verifyOne(ctx, h, callback, n); err != nil && ctx.Err() == nil {
			d.say("The verification failed: %v", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (d *demo) verifyOne(ctx context.Context, h *house, callback string, n int) error {
	method := []string{http.MethodPost, http.MethodPut}[n%2]
	status := webhook.VerificationCompleted
	if n%4 >= 2 {
		status = webhook.VerificationFailed
	}
	v, err := h.dispatcher.RegisterVerification(ctx, dispatcher.NewVerification{
		ClientID: demoClient, NationalID: "012345678900", Type: "full",
		Callback: &webhook.Callback{URL: callback, Method: method},
		Metadata: []byte(fmt.Sprintf(`{"order":%d,"amount":1.50}`, 9007199254740993+n)),
	}, nil)
	if err != nil {
		return err
	}
	d.say("%s  %s  a verification of %s was registered, to be called back by %s", clock(time.Now()), v.ID, v.NationalIDMasked, method)
	engine := time.NewTimer(demoEngineTakes)
	defer engine.Stop()
	select {
	case <-engine.C:
	case <-ctx.Done():
		return nil
	}
	if v, err = h.dispatcher.EndVerification(ctx, v.ID, status); err == nil {
		d.say("%s  %s  the engine reported %s", clock(time.Now()), v.DeliveryID, status)
	}
	return err
}

// receiveResult is the client's server where the results of verifications go.
func (d *demo) receiveResult(w http.ResponseWriter, r *http.Request) {
	const most = 1 << 16
	body, err := io.ReadAll(io.LimitReader(r.Body, most))
	if err != nil {
		http.Error(w, "cannot be read", http.StatusBadRequest)
		return
	}
	d.say("%s  %s  the client's server got %s %s", clock(time.Now()), r.Header.Get("Carteiro-Delivery-Id"), r.Method, body)
	_, _ = io.WriteString(w, "OK")
}
