package cli

import (
	"net/url"
	"strings"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type apiCommand struct {
	Flags
	Method string `arg:"" enum:"GET,POST,PUT,PATCH,DELETE,get,post,put,patch,delete" help:"GET, POST, PUT, PATCH or DELETE."`
	Path   string `arg:"" help:"The path, with its query: /v1/deliveries?state=failed."`
	Data   string `short:"d" help:"The body; @FILE is a file's content, @- the standard input." placeholder:"TEXT"`
	Type   string `default:"application/json" help:"The body's content type." placeholder:"TYPE"`
}

// Run prints the answer's body as it came.
func (c apiCommand) Run(s *Session) error {
	if !strings.HasPrefix(c.Path, "/") {
		return usage("%q is no path: it begins with a slash, such as /v1/stats", c.Path)
	}
	path, raw, _ := strings.Cut(c.Path, "?")
	values, err := url.ParseQuery(raw)
	if err != nil {
		return usage("the query of %s cannot be read: %v", c.Path, err)
	}
	r := apiclient.Request{Method: strings.ToUpper(c.Method), Path: path, Query: values, Type: c.Type}
	if c.Data != "" {
		if r.Body, err = s.text(c.Data); err != nil {
			return err
		}
	}
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	if s.out.Terminal && !s.o.Flags.JSON {
		return s.out.Line("%s", show.Clean(show.JSON(answer.Body)))
	}
	_, err = s.out.W.Write(answer.Body)
	return err
}
