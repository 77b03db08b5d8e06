package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/config"
)

type eventTypesCommand struct {
	Apply applyEventTypes `cmd:"" help:"Make the event types of a running server as the YAML files of a directory say."`
}

// applyEventTypes brings event types to what files say. Types that no file
// names stay as they are.
type applyEventTypes struct {
	Dir    string `arg:"" help:"Directory of YAML files, one event type each."`
	Server string `help:"Address of the server." default:"http://127.0.0.1:8080" placeholder:"URL"`
	Key    string `help:"API key [CARTEIRO_API_KEY]." placeholder:"KEY"`
	DryRun bool   `help:"Check everything and show the difference; change nothing."`
}

// Run reads all files and has the server check them all before it changes
// anything: a directory with a fault changes nothing.
func (c applyEventTypes) Run(r runContext) error {
	server, err := newServerClient(c.Server, c.Key, r.environ)
	if err != nil {
		return err
	}
	files, err := readEventTypes(c.Dir)
	if err != nil {
		return err
	}
	changes := make([]eventTypeChange, len(files))
	var wrong []error
	for i, f := range files {
		if changes[i], err = server.compare(r, f); err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", f.path, err))
		}
	}
	if len(wrong) > 0 {
		return errors.Join(append(wrong, errors.New("nothing was changed"))...)
	}
	counts := map[string]int{}
	for _, change := range changes {
		what := change.what()
		fmt.Fprintf(r.stdout, "%-9s  %s\n", what, change.file.slug)
		for _, line := range change.lines {
			fmt.Fprintln(r.stdout, "    "+line)
		}
		if what != unchanged && !c.DryRun {
			if _, err := server.put(r, change.file, false); err != nil {
				return fmt.Errorf("%s: %w", change.file.path, err)
			}
		}
		counts[what]++
	}
	done := "done"
	if c.DryRun {
		done = "dry run, nothing was changed"
	}
	fmt.Fprintf(r.stdout, "%d created, %d changed, %d unchanged (%s)\n", counts[created], counts[changed], counts[unchanged], done)
	return nil
}

// What becomes of an event type.
const (
	created   = "created"
	changed   = "changed"
	unchanged = "unchanged"
)

// eventTypeChange is a file and how it differs from what the server has.
type eventTypeChange struct {
	file  eventTypeFile
	isNew bool
	lines []string // the difference; empty: none
}

func (c eventTypeChange) what() string {
	switch {
	case c.isNew:
		return created
	case len(c.lines) > 0:
		return changed
	}
	return unchanged
}

// serverClient talks to a running server.
type serverClient struct {
	base string
	key  string
	http *http.Client
}

// clientTimeout bounds one request to the server.
const clientTimeout = 30 * time.Second

func newServerClient(server, key string, environ []string) (*serverClient, error) {
	base, err := url.Parse(server)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" {
		return nil, fmt.Errorf("--server %q is no address such as http://127.0.0.1:8080", server)
	}
	if key == "" {
		i := slices.IndexFunc(environ, func(e string) bool { return strings.HasPrefix(e, config.APIKeyEnv+"=") })
		if i < 0 {
			return nil, fmt.Errorf("an API key is needed: set %s, or give --key", config.APIKeyEnv)
		}
		_, key, _ = strings.Cut(environ[i], "=")
	}
	return &serverClient{base: strings.TrimSuffix(server, "/"), key: strings.TrimSpace(key), http: &http.Client{Timeout: clientTimeout}}, nil
}

// compare has the server check a file, and tells how it differs from what the
// server has.
func (c *serverClient) compare(ctx context.Context, f eventTypeFile) (eventTypeChange, error) {
	change := eventTypeChange{file: f}
	want, err := c.put(ctx, f, true)
	if err != nil {
		return change, err
	}
	status, have, err := c.do(ctx, http.MethodGet, "/v1/event-types/"+url.PathEscape(f.slug), nil)
	switch {
	case err != nil:
		return change, err
	case status == http.StatusNotFound:
		change.isNew, have = true, nil
	case status != http.StatusOK:
		return change, refusal(status, have)
	}
	change.lines, err = diffEventTypes(have, want)
	return change, err
}

// put stores a file's event type, or only has it checked.
func (c *serverClient) put(ctx context.Context, f eventTypeFile, dryRun bool) ([]byte, error) {
	path := "/v1/event-types/" + url.PathEscape(f.slug)
	if dryRun {
		path += "?dry_run=true"
	}
	status, body, err := c.do(ctx, http.MethodPut, path, f.body)
	if err == nil && status != http.StatusOK && status != http.StatusCreated {
		err = refusal(status, body)
	}
	return body, err
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

func (c *serverClient) do(ctx context.Context, method, path string, body []byte) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("the server does not answer: %w", err)
	}
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	return res.StatusCode, answer, errors.Join(err, res.Body.Close())
}

// refusal is a problem of the server as an error: each wrong field on a line.
func refusal(status int, body []byte) error {
	var p struct {
		Detail string
		Errors []struct{ Path, Message string }
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Detail == "" {
		return fmt.Errorf("the server answered %d %s", status, http.StatusText(status))
	}
	text := p.Detail
	for _, e := range p.Errors {
		text += "\n    " + e.Path + ": " + e.Message
	}
	return errors.New(text)
}
