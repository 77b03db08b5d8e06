package cli

import (
	"fmt"
	"net/http"
	"os"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type keysCommand struct {
	Flags
	List   listKeys  `cmd:"" default:"withargs" help:"List API keys."`
	Get    getKey    `cmd:"" help:"Show one API key; never its text."`
	Create createKey `cmd:"" help:"Make an API key. Its text is shown this once."`
	Revoke revokeKey `cmd:"" help:"Revoke an API key; it is refused from then on."`
}

type listKeys struct {
	paging
}

func (c listKeys) Run(s *Session) error {
	return listing[webhook.APIKey]{
		path: "/v1/api-keys", paging: c.paging, many: "API keys",
		columns: []show.Column{
			{Head: "ID"}, {Head: "NAME", Flex: true}, {Head: "ROLE"}, {Head: "CLIENT"}, {Head: "BEGINS"}, {Head: "CREATED"}, {Head: "LAST USED"}, {Head: "EXPIRES"},
		},
		row: func(v *webhook.APIKey) []show.Cell {
			return show.Texts(string(v.ID), v.Name, string(v.Role), keyClient(v), v.Start, s.out.Time(&v.CreatedAt), s.out.Time(v.LastUsedAt), s.out.Time(v.ExpiresAt))
		},
	}.run(s)
}

func keyClient(v *webhook.APIKey) string {
	if v.ClientID == nil {
		return "all"
	}
	return string(*v.ClientID)
}

func keyPath(id ID) string { return apiclient.Path("/v1/api-keys/%s", string(id)) }

type getKey struct {
	ID ID `arg:"" predictor:"key" help:"The API key's id."`
}

func (c getKey) Run(s *Session) error {
	return one(s, get(keyPath(c.ID), nil), func(v *webhook.APIKey) error { return s.out.Fields(s.keyFields(v)...) })
}

func (s *Session) keyFields(v *webhook.APIKey) []show.Field {
	rate := "the server's"
	if v.RateLimit != nil {
		rate = fmt.Sprintf("%d a second", *v.RateLimit)
	}
	return []show.Field{
		field("id", string(v.ID)), field("name", v.Name), field("role", string(v.Role)), field("client", keyClient(v)), field("begins with", v.Start),
		field("rate limit", rate), field("created", s.out.Time(&v.CreatedAt)+" by "+string(v.CreatedBy)),
		field("last used", s.out.Time(v.LastUsedAt)), field("expires", s.out.Time(v.ExpiresAt)),
	}
}

type createKey struct {
	Name      string `arg:"" help:"For people: who uses it, and for what."`
	Role      string `required:"" enum:"admin,operator,producer,viewer" help:"admin, operator, producer or viewer." placeholder:"ROLE"`
	Client    string `predictor:"client" help:"Bind it to this client: it sees nothing of another." placeholder:"ID"`
	Expires   string `help:"When it ends: a time, a day, or how long from now, such as 90d; never when nothing is given." placeholder:"TIME"`
	RateLimit *int   `help:"Requests a second in each process; 0: any number; the server's setting when nothing is given." placeholder:"N"`
	Out       string `short:"o" help:"Write the key to this file, for its owner only, and show it nowhere." placeholder:"FILE"`
}

func (c createKey) Run(s *Session) (err error) {
	body := map[string]any{"name": c.Name, "role": c.Role}
	if c.Client != "" {
		body["client_id"] = c.Client
	}
	put(body, "rate_limit", c.RateLimit)
	if c.Expires != "" {
		if body["expires_at"], err = s.until("--expires", c.Expires); err != nil {
			return err
		}
	}
	keep, err := c.file()
	if err != nil {
		return err
	}
	r := post("/v1/api-keys", body)
	r.Keyed = true
	answer, err := s.do(r)
	if err != nil {
		return c.discard(keep, err)
	}
	var v struct {
		webhook.APIKey
		Key string `json:"key"`
	}
	if err := apiclient.Decode(answer.Body, &v); err != nil {
		return c.discard(keep, err)
	}
	if keep != nil {
		if _, err := keep.WriteString(v.Key + "\n"); err != nil {
			return err
		}
		if err := keep.Close(); err != nil {
			return err
		}
		return s.done("The key %s is in %s.", v.ID, c.Out)
	}
	if s.o.Flags.JSON {
		return s.json(answer.Body)
	}
	if err := s.out.Fields(append(s.keyFields(&v.APIKey), show.Field{Name: "key", Value: show.Cell{Text: v.Key, Color: show.Bold}})...); err != nil {
		return err
	}
	return s.note.Line("The key is shown this once; keep it where secrets are kept.")
}

// file is where the key goes, made before the key is: what could not be
// written would be lost.
func (c createKey) file() (*os.File, error) {
	if c.Out == "" {
		return nil, nil
	}
	f, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the file for the key: %w", err)
	}
	return f, nil
}

// discard removes the file of a key that was not made.
func (c createKey) discard(f *os.File, err error) error {
	if f != nil {
		_ = f.Close()
		_ = os.Remove(c.Out)
	}
	return err
}

type revokeKey struct {
	ID  ID   `arg:"" predictor:"key" help:"The API key's id."`
	Yes bool `short:"y" help:"Do not ask."`
}

func (c revokeKey) Run(s *Session) error {
	v, err := fetch[webhook.APIKey](s, keyPath(c.ID), nil)
	if err != nil {
		return err
	}
	if err := s.confirm(c.Yes, "The API key %s (%s, %s) is refused from now on.", v.ID, v.Name, v.Role); err != nil {
		return err
	}
	if _, err := s.do(apiclient.Request{Method: http.MethodDelete, Path: keyPath(c.ID)}); err != nil {
		return err
	}
	return s.done("The API key %s is revoked.", c.ID)
}
