package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
)

// subscriptionBody is what can be said of a subscription. What is not given
// stays as it is, or as the server has it by default.
type subscriptionBody struct {
	URL          *string  `help:"Where requests go." placeholder:"URL"`
	Events       []string `predictor:"event-type" help:"Event types: exact slugs, a prefix with .*, or *; with commas, or given several times." placeholder:"SLUG"`
	Description  *string  `help:"For people." placeholder:"TEXT"`
	Method       *string  `enum:"POST,PUT" help:"POST or PUT." placeholder:"METHOD"`
	Header       []string `sep:"none" help:"A header of each request, such as 'X-Key: value'; its value is kept secret. Several times for several." placeholder:"NAME:VALUE"`
	BasicUser    *string  `help:"User of the receiver's basic authentication; its password comes from --password-file." placeholder:"USER"`
	PasswordFile string   `type:"path" help:"File that holds the password of --basic-user." placeholder:"FILE"`
	TokenFile    string   `type:"path" help:"File that holds the receiver's bearer token." placeholder:"FILE"`
	AckStatus    *string  `enum:"200,2xx" help:"What acknowledges: 200, or 2xx." placeholder:"STATUS"`
	AckBody      *string  `help:"The expected answer as JSON, or @FILE; another one is flagged." placeholder:"JSON"`
	RequireBody  *bool    `negatable:"" help:"Another answer than --ack-body fails the attempt."`
	Timeout      *string  `help:"Of one attempt, from 1s to 30s; 0s: the server's setting." placeholder:"DURATION"`
	RateLimit    *int     `help:"Requests a second; 0: no limit." placeholder:"N"`
	MaxInFlight  *int     `help:"Attempts at once." placeholder:"N"`
	SendEmpty    *bool    `negatable:"" help:"Send an export without records as an empty page."`
	File         string   `short:"f" help:"Read all of it as the API's JSON from this file, - for the standard input; what other flags say counts more." placeholder:"FILE"`
}

// body is the API's form.
func (b subscriptionBody) body(s *Session) (map[string]any, error) {
	out := map[string]any{}
	if err := b.fromFile(s, out); err != nil {
		return nil, err
	}
	put(out, "url", b.URL)
	put(out, "description", b.Description)
	put(out, "method", b.Method)
	put(out, "timeout", b.Timeout)
	put(out, "rate_limit", b.RateLimit)
	put(out, "max_in_flight", b.MaxInFlight)
	put(out, "send_empty_exports", b.SendEmpty)
	if len(b.Events) > 0 {
		out["event_types"] = b.Events
	}
	headers := map[string]string{}
	for _, h := range b.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return nil, usage("--header wants 'Name: value'")
		}
		headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	if len(headers) > 0 {
		out["headers"] = headers
	}
	if err := b.ack(s, out); err != nil {
		return nil, err
	}
	return out, b.auth(out)
}

func put[T any](out map[string]any, name string, value *T) {
	if value != nil {
		out[name] = *value
	}
}

func (b subscriptionBody) fromFile(s *Session, out map[string]any) error {
	if b.File == "" {
		return nil
	}
	raw, err := s.jsonText("--file "+b.File, "@"+b.File)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		return usage("--file %s: a JSON object is wanted", b.File)
	}
	return nil
}

func (b subscriptionBody) ack(s *Session, out map[string]any) error {
	ack, _ := out["ack"].(map[string]any)
	if ack == nil {
		ack = map[string]any{}
	}
	put(ack, "status", b.AckStatus)
	put(ack, "require_body", b.RequireBody)
	if b.AckBody != nil {
		raw, err := s.jsonText("--ack-body", *b.AckBody)
		if err != nil {
			return err
		}
		ack["body"] = raw
	}
	if len(ack) > 0 {
		out["ack"] = ack
	}
	return nil
}

// auth takes credentials from files: what stands on a command line, others on
// the machine can read.
func (b subscriptionBody) auth(out map[string]any) error {
	switch {
	case b.TokenFile != "" && b.BasicUser != nil:
		return usage("--token-file and --basic-user are two kinds of credentials; one is wanted")
	case b.TokenFile != "":
		token, err := readSecret(b.TokenFile)
		if err != nil {
			return err
		}
		out["auth"] = map[string]string{"type": "bearer", "token": token}
	case (b.BasicUser == nil) != (b.PasswordFile == ""):
		return usage("--basic-user and --password-file go together")
	case b.BasicUser != nil:
		password, err := readSecret(b.PasswordFile)
		if err != nil {
			return err
		}
		out["auth"] = map[string]string{"type": "basic", "username": *b.BasicUser, "password": password}
	}
	return nil
}

type createSubscription struct {
	Client  string `predictor:"client" help:"Whose events; * for every client's. A client that is not known is made." placeholder:"ID"`
	Signing string `enum:",hmac,ed25519" default:"" help:"How messages are signed: hmac (the default) or ed25519; rotate-secret changes it." placeholder:"KIND"`
	subscriptionBody
}

func (c createSubscription) Run(s *Session) error {
	body, err := c.body(s)
	if err != nil {
		return err
	}
	if c.Client != "" {
		body["client_id"] = c.Client
	}
	if c.Signing != "" {
		body["signing"] = c.Signing
	}
	for _, need := range []struct{ name, flag string }{{"client_id", "--client"}, {"url", "--url"}, {"event_types", "--events"}} {
		if _, ok := body[need.name]; !ok {
			return usage("%s is needed (or \"%s\" in --file)", need.flag, need.name)
		}
	}
	r := post("/v1/subscriptions", body)
	r.Keyed = true
	if err := one(s, r, s.showSubscription); err != nil {
		return err
	}
	return s.noteUnknown(c.Events)
}

// noteUnknown tells of event types that nobody has registered. They are taken,
// for a type may come later; but a misspelt one would be silence for ever.
func (s *Session) noteUnknown(patterns []string) error {
	for _, p := range patterns {
		if strings.Contains(p, "*") {
			continue
		}
		var e *apiclient.Error
		_, err := s.do(get(eventTypePath(p), nil))
		if !errors.As(err, &e) || e.Kind != apiclient.NotFound {
			continue // it is there, or cannot be looked at: what was asked for is done
		}
		if err := s.note.Line("There is no event type %q yet: nothing is sent for it before there is one. \"carteiro event-types\" lists them.", p); err != nil {
			return err
		}
	}
	return nil
}

type updateSubscription struct {
	ID           ID       `arg:"" predictor:"subscription" help:"The subscription's id."`
	RemoveHeader []string `help:"Take a header of each request away. Several times for several." placeholder:"NAME"`
	NoAuth       bool     `help:"Take the credentials away."`
	subscriptionBody
}

func (c updateSubscription) Run(s *Session) error {
	body, err := c.body(s)
	if err != nil {
		return err
	}
	if len(c.RemoveHeader) > 0 {
		headers := map[string]any{}
		if given, ok := body["headers"].(map[string]string); ok {
			for name, value := range given {
				headers[name] = value
			}
		}
		for _, name := range c.RemoveHeader {
			headers[name] = nil
		}
		body["headers"] = headers
	}
	if c.NoAuth {
		body["auth"] = nil
	}
	if len(body) == 0 {
		return usage("nothing is said that should change; \"carteiro subscriptions update --help\" lists what can")
	}
	if err := one(s, apiclient.Request{Method: http.MethodPatch, Path: subscriptionPath(c.ID, ""), Body: body}, s.showSubscription); err != nil {
		return err
	}
	return s.noteUnknown(c.Events)
}

// readSecret reads a secret of one line.
func readSecret(name string) (string, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	secret := strings.TrimRight(string(text), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("%s is empty", name)
	}
	return secret, nil
}
