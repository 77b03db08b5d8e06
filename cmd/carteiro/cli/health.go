package cli

import (
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type healthCommand struct {
	Flags
	Parts string `predictor:"part" help:"Only these parts decide, as in database,intake." placeholder:"NAMES"`
}

// Run shows the state of each part, also when it is not well.
func (c healthCommand) Run(s *Session) error {
	q := query{}
	q.set("parts", c.Parts)
	r := get("/readyz", q)
	r.Once = true // a server that is not ready says so at once
	answer, err := s.do(r)
	var e *apiclient.Error
	body := []byte(nil)
	switch {
	case err == nil:
		body = answer.Body
	case errors.As(err, &e) && e.Status == http.StatusServiceUnavailable && e.Body != nil:
		body = e.Body
	default:
		return err
	}
	var v struct {
		Status string            `json:"status"`
		Parts  map[string]string `json:"parts"`
	}
	if err := apiclient.Decode(body, &v); err != nil {
		return err
	}
	if s.o.Flags.JSON {
		err = s.json(body)
	} else {
		fields := []show.Field{field("server", s.api.URL()), {Name: "status", Value: stateCell(v.Status)}}
		for _, name := range slices.Sorted(maps.Keys(v.Parts)) {
			fields = append(fields, show.Field{Name: name, Value: stateCell(v.Parts[name])})
		}
		err = s.out.Fields(fields...)
	}
	if err == nil && v.Status != "ready" {
		err = &apiclient.Error{Kind: apiclient.Unavailable, Detail: "The server is not ready; its log has the cause."}
	}
	return err
}
