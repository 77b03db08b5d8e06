package cli

import (
	"net/http"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type clientsCommand struct {
	Flags
	List         listClients        `cmd:"" default:"withargs" help:"List clients."`
	Get          getClient          `cmd:"" help:"Show one client."`
	Put          putClient          `cmd:"" help:"Make a client, or change its name."`
	Secret       clientSecret       `cmd:"" help:"Show the secret that signs a client's verification callbacks. The look is written to the audit log."`
	RotateSecret rotateClientSecret `cmd:"" help:"Give a client a new secret; the old one signs too for a while."`
	Erase        eraseClient        `cmd:"" help:"Erase a client's personal data for good, and wait until they are gone."`
	Erasure      showErasure        `cmd:"" help:"Show how far the erasure of a client's personal data is."`
}

type listClients struct {
	paging
}

func (c listClients) Run(s *Session) error {
	return listing[webhook.Client]{
		path: "/v1/clients", paging: c.paging, many: "clients",
		columns: []show.Column{{Head: "ID"}, {Head: "NAME", Flex: true}, {Head: "CREATED"}},
		row: func(v *webhook.Client) []show.Cell {
			return show.Texts(string(v.ID), v.Name, s.out.Time(&v.CreatedAt))
		},
	}.run(s)
}

type getClient struct {
	ID ID `arg:"" predictor:"client" help:"The client's id."`
}

func (c getClient) Run(s *Session) error {
	return one(s, get(apiclient.Path("/v1/clients/%s", string(c.ID)), nil), s.showClient)
}

func (s *Session) showClient(v *webhook.Client) error {
	return s.out.Fields(
		field("id", string(v.ID)), field("name", v.Name),
		field("created", s.out.Time(&v.CreatedAt)), field("updated", s.out.Time(&v.UpdatedAt)),
	)
}

func field(name, value string) show.Field { return show.Field{Name: name, Value: show.Text(value)} }

type putClient struct {
	ID   ID     `arg:"" predictor:"client" help:"The client's id: letters, digits, '.', '_' and '-'."`
	Name string `help:"Its name, for people; the id when nothing is given." placeholder:"TEXT"`
}

func (c putClient) Run(s *Session) error {
	body := map[string]string{}
	if c.Name != "" {
		body["name"] = c.Name
	}
	return one(s, apiclient.Request{Method: http.MethodPut, Path: apiclient.Path("/v1/clients/%s", string(c.ID)), Body: body}, s.showClient)
}

// secretView is what a receiver verifies with.
type secretView struct {
	Secret            string     `json:"secret"`
	PublicKey         string     `json:"public_key"`
	PreviousSecret    string     `json:"previous_secret"`
	PreviousPublicKey string     `json:"previous_public_key"`
	PreviousUntil     *time.Time `json:"previous_until"`
}

func (s *Session) secretFields(v *secretView) []show.Field {
	fields := []show.Field{
		field("secret", v.Secret), field("public key", v.PublicKey),
		field("previous secret", v.PreviousSecret), field("previous public key", v.PreviousPublicKey),
	}
	if v.PreviousUntil != nil {
		fields = append(fields, field("previous until", s.out.Time(v.PreviousUntil)))
	}
	return fields
}

func (s *Session) showSecret(v *secretView) error { return s.out.Fields(s.secretFields(v)...) }

type clientSecret struct {
	ID ID `arg:"" predictor:"client" help:"The client's id."`
}

func (c clientSecret) Run(s *Session) error {
	return one(s, get(apiclient.Path("/v1/clients/%s/secret", string(c.ID)), nil), s.showSecret)
}

// rotation is how a secret is changed.
type rotation struct {
	Overlap string `help:"How long the old secret signs too, such as 24h (the default), 7d or 0s." placeholder:"DURATION"`
	Signing string `enum:",hmac,ed25519" default:"" help:"Kind of the new secret, hmac or ed25519; as before when nothing is given." placeholder:"KIND"`
}

func (r rotation) body() (map[string]string, error) {
	body := map[string]string{}
	if r.Overlap != "" {
		d, ok := parseDuration(r.Overlap)
		if !ok {
			return nil, usage("--overlap %q is no duration such as 24h, 7d or 0s", r.Overlap)
		}
		body["overlap"] = d.String()
	}
	if r.Signing != "" {
		body["signing"] = r.Signing
	}
	return body, nil
}

type rotateClientSecret struct {
	ID ID `arg:"" predictor:"client" help:"The client's id."`
	rotation
}

func (c rotateClientSecret) Run(s *Session) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	return one(s, post(apiclient.Path("/v1/clients/%s/rotate-secret", string(c.ID)), body), s.showSecret)
}

// erasurePath is where a client's personal data are.
func erasurePath(id ID) string { return apiclient.Path("/v1/clients/%s/personal-data", string(id)) }

type eraseClient struct {
	ID     ID   `arg:"" predictor:"client" help:"The client's id."`
	Yes    bool `short:"y" help:"Do not ask."`
	NoWait bool `help:"Only ask for it; \"clients erasure\" tells how far it is."`
}

func (c eraseClient) Run(s *Session) error {
	err := s.confirm(c.Yes, "Payloads, records and answers of %s are erased for good, and what waits to be sent is canceled.", c.ID)
	if err != nil {
		return err
	}
	answer, err := s.do(apiclient.Request{Method: http.MethodDelete, Path: erasurePath(c.ID)})
	if err != nil {
		return err
	}
	if c.NoWait {
		return s.showErasureAnswer(answer)
	}
	bar := s.note.Progress("erasing "+string(c.ID), 0)
	defer bar.End()
	again := s.poll()
	for {
		var e webhook.Erasure
		if err := apiclient.Decode(answer.Body, &e); err != nil {
			return err
		}
		if e.FinishedAt != nil {
			bar.End()
			return s.showErasureAnswer(answer)
		}
		bar.At(e.Erased.Payloads+e.Erased.Records, 0, string(e.Step))
		if err := again.wait(); err != nil {
			return err
		}
		if answer, err = s.do(get(erasurePath(c.ID), nil)); err != nil {
			return err
		}
	}
}

func (s *Session) showErasureAnswer(answer *apiclient.Answer) error {
	if s.o.Flags.JSON {
		return s.json(answer.Body)
	}
	var e webhook.Erasure
	if err := apiclient.Decode(answer.Body, &e); err != nil {
		return err
	}
	return s.showErasure(&e)
}

type showErasure struct {
	ID ID `arg:"" predictor:"client" help:"The client's id."`
}

func (c showErasure) Run(s *Session) error {
	return one(s, get(erasurePath(c.ID), nil), s.showErasure)
}

func (s *Session) showErasure(e *webhook.Erasure) error {
	state := "under way: " + string(e.Step)
	if e.FinishedAt != nil {
		state = "finished " + s.out.Time(e.FinishedAt)
	}
	return s.out.Fields(
		field("client", string(e.ClientID)), field("requested", s.out.Time(&e.RequestedAt)+" by "+string(e.RequestedBy)), field("state", state),
		field("payloads", show.Number(e.Erased.Payloads)), field("canceled deliveries", show.Number(e.Erased.Canceled)),
		field("answers", show.Number(e.Erased.Answers)), field("records", show.Number(e.Erased.Records)),
		field("verifications", show.Number(e.Erased.Verifications)), field("idempotency keys", show.Number(e.Erased.IdempotencyKeys)),
		field("keys of refused records", show.Number(e.Erased.RefusedRecords)),
	)
}
