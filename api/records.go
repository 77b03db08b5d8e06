package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/internal/records"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// loadLimits bound one call.
type loadLimits struct {
	most    int           // records
	timeout time.Duration // its body comes in while it is worked on
}

const contentLines = "application/x-ndjson"

type putRecords struct {
	Dataset     string           `path:"dataset" doc:"cadastros, vendas, ingressos or financeiro"`
	ClientID    webhook.ClientID `query:"client_id" doc:"whose the records are; or give client_field. For a key that is bound to a client, neither is needed"`
	ClientField string           `query:"client_field" doc:"the field of each record that holds its client's id"`
	Content     recordStream     `json:"-"`

	dataset webhook.Dataset
	only    webhook.ClientID // "": records of every client are taken
}

// Resolve checks what is asked for, before a byte of the body is read.
func (in *putRecords) Resolve(ctx huma.Context) []error {
	var err error
	if in.ClientID == "" && in.ClientField == "" {
		in.ClientID = callOf(ctx.Context()).who.client
	}
	if in.dataset, err = webhook.ParseDataset(in.Dataset); err != nil {
		return []error{err}
	}
	var f webhook.Faults
	switch {
	case (in.ClientID == "") == (in.ClientField == ""):
		f.Add("client_id", "either this or client_field must be given: whose the records are, or which field of a record tells")
	case in.ClientField != "" && len(in.ClientField) > webhook.MaxRecordKey:
		f.Add("client_field", "is longer than %d bytes", webhook.MaxRecordKey)
	}
	checkClientID(&f, "client_id", in.ClientID, false)
	return asErrors(f)
}

// recordStream is a body that is read while it is worked on.
type recordStream struct {
	body   io.Reader
	format records.Format
}

// Resolve finds out how the records are written. Without a Content-Type, the
// first character tells.
func (s *recordStream) Resolve(ctx huma.Context) []error {
	r := humagin.Unwrap(ctx).Request
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	lines := media == contentLines || media == "application/ndjson"
	if lines {
		s.format = records.Lines
	} else if media == contentJSON {
		s.format = records.Array
	}
	header := r.Header
	if lines && err == nil { // the rest of the rules are those of JSON
		header = header.Clone()
		header.Set("Content-Type", strings.Replace(header.Get("Content-Type"), media, contentJSON, 1))
	}
	if err := checkContent(header, bodyRules{lines: true}); err != nil {
		return []error{err}
	}
	s.body = r.Body
	return nil
}

// describe is the body in the OpenAPI document.
func (*recordStream) describe(huma.Registry) *huma.RequestBody {
	record := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}
	return &huma.RequestBody{
		Required:    true,
		Description: fmt.Sprintf("Up to %d records, as lines or as one array; each at most 256 KiB.", maxRecords),
		Content: map[string]*huma.MediaType{
			contentLines: {Schema: record},
			contentJSON:  {Schema: &huma.Schema{Type: huma.TypeArray, Items: record}},
		},
	}
}

// recordsPatience is how long the commit of some hundred records may take, which
// takes milliseconds. P6: a database that is silent is answered for within two
// seconds.
const recordsPatience = 1800 * time.Millisecond

// putRecords stores records as they come in.
func (a *api) putRecords(ctx context.Context, in *putRecords) (*reply[scheduler.Loaded], error) {
	return a.load(ctx, in, loadLimits{most: maxRecords, timeout: time.Minute})
}

func (a *api) load(ctx context.Context, in *putRecords, limits loadLimits) (*reply[scheduler.Loaded], error) {
	// The time limit of other requests is too short for a body that is still
	// coming in. A caller that goes away ends the body.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), limits.timeout)
	defer cancel()
	l := &scheduler.Load{
		Store: a.o.Store, Dataset: in.dataset, ClientID: in.ClientID, ClientField: in.ClientField, Only: in.only, Most: limits.most,
		Patience: recordsPatience,
	}
	if err := l.Run(bounded, records.NewReader(in.Content.body, in.Content.format, webhook.MaxRecord)); err != nil {
		return nil, a.partly(ctx, l, err)
	}
	return &reply[scheduler.Loaded]{Value: l.Loaded}, nil
}

// partial is what a call had done when it stopped.
type partial struct {
	scheduler.Loaded
	NextLine int `json:"next_line" doc:"the first line that is not settled; everything before it is"`
}

// partly is the answer to a call that stopped midway. What came before is
// kept, and the answer says so, and where to go on.
func (a *api) partly(ctx context.Context, l *scheduler.Load, err error) error {
	kept := fmt.Sprintf("Everything before line %d is settled: %d records accepted, %d unchanged, %d refused. Go on there; what is sent again counts as unchanged.",
		l.Through+1, l.Accepted, l.Unchanged, len(l.Refused))
	p := a.stopped(ctx, err)
	p.Detail += kept
	p.Partial = &partial{Loaded: l.Loaded, NextLine: l.Through + 1}
	return p
}

// stopped says why a call stopped.
func (a *api) stopped(ctx context.Context, err error) *problem {
	var broken *records.BrokenError
	var cut *records.SourceError
	var tooMany *scheduler.TooManyError
	switch {
	case errors.As(err, &broken):
		return newProblem(http.StatusBadRequest, "malformed_json", fmt.Sprintf("At record %d, %s. ", broken.Line, broken.Reason))
	case errors.As(err, &cut) && errors.Is(err, os.ErrDeadlineExceeded):
		return newProblem(http.StatusRequestTimeout, "slow_body", fmt.Sprintf("The body did not come within %s, the time for a whole request. ", webhook.Duration(guard.ReadTimeout)))
	case errors.As(err, &cut):
		return newProblem(http.StatusBadRequest, "incomplete_body", "The body ended before its announced end, or could not be read. ")
	case errors.As(err, &tooMany):
		return newProblem(http.StatusRequestEntityTooLarge, "too_many_records",
			fmt.Sprintf("One call takes %d records, and there are more. ", maxRecords))
	}
	p := a.problem(ctx, err)
	if p.Status == http.StatusServiceUnavailable {
		p.Detail = "The database cannot be used at the moment." // the store's own words say that nothing was stored
	}
	p.Detail += " "
	return p
}
