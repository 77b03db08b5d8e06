package api

import (
	"bytes"
	"context"
	"runtime/pprof"
	"runtime/trace"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Profiles tell what the process itself is doing: where its time and its memory
// go. They hold no data of clients, but names of functions and, in a trace,
// when they ran; only admins may have them. net/http/pprof is not used: it puts
// its pages on the default mux of whoever imports it.

type profileQuery struct {
	Profile string `path:"profile" enum:"profile,trace,heap,allocs,goroutine,block,mutex,threadcreate" doc:"profile: where the CPU's time goes; trace: what runs when; the others as in runtime/pprof"`
	Seconds int    `query:"seconds" default:"5" minimum:"1" maximum:"10" doc:"of profile and trace: how long to look"`
	Debug   int    `query:"debug" default:"0" minimum:"0" maximum:"2" doc:"of the others: 1 or 2 is text for people, 0 is for go tool pprof"`
}

// profileBytes are a profile as go tool pprof and go tool trace read it.
type profileBytes struct{}

func (profileBytes) contentType() string { return "application/octet-stream" }

func (a *api) getProfile(ctx context.Context, in *profileQuery) (*reply[profileBytes], error) {
	var b bytes.Buffer
	var err error
	switch in.Profile {
	case "profile":
		err = during(ctx, in.Seconds, func() error { return pprof.StartCPUProfile(&b) }, pprof.StopCPUProfile)
	case "trace":
		err = during(ctx, in.Seconds, func() error { return trace.Start(&b) }, trace.Stop)
	default:
		err = pprof.Lookup(in.Profile).WriteTo(&b, in.Debug)
	}
	return &reply[profileBytes]{Raw: b.Bytes()}, err
}

// during looks for some seconds, or until the caller goes away. One process
// can be looked at once at a time.
func during(ctx context.Context, seconds int, start func() error, stop func()) error {
	if err := start(); err != nil {
		return webhook.Conflict("profile_under_way", "Somebody else looks at this process at the moment (%v). Try again in some seconds.", err)
	}
	defer stop()
	timer := time.NewTimer(time.Duration(seconds) * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil
}
