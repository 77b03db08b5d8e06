package cli

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type verificationsCommand struct {
	Flags
	List   listVerifications  `cmd:"" default:"withargs" help:"List verifications."`
	Get    getVerification    `cmd:"" help:"Show one verification."`
	Create createVerification `cmd:"" help:"Register a verification, as a client's request does."`
	End    endVerification    `cmd:"" help:"Report how a verification ended; its callback is told."`
}

// verificationView is a verification as the API shows it.
type verificationView struct {
	ID               string          `json:"id"`
	Status           string          `json:"status"`
	Metadata         json.RawMessage `json:"metadata"`
	ClientID         string          `json:"client_id"`
	Type             string          `json:"type"`
	NationalIDMasked string          `json:"national_id_masked"`
	Callback         *struct {
		URL    string `json:"url"`
		Method string `json:"method"`
	} `json:"callback"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
	DeliveryID string     `json:"delivery_id"`
	WipedAt    *time.Time `json:"personal_data_removed_at"`
}

func (v *verificationView) callback() string {
	if v.Callback == nil {
		return ""
	}
	return v.Callback.Method + " " + v.Callback.URL
}

type listVerifications struct {
	Client string `predictor:"client" help:"Of this client." placeholder:"ID"`
	Status string `enum:",PENDING,COMPLETED,FAILED,EXPIRED" default:"" help:"PENDING, COMPLETED, FAILED or EXPIRED." placeholder:"STATUS"`
	span
	paging
}

func (c listVerifications) Run(s *Session) error {
	q := query{}
	q.set("client_id", c.Client)
	q.set("status", c.Status)
	if err := c.into(s, q); err != nil {
		return err
	}
	return listing[verificationView]{
		path: "/v1/verifications", query: q, paging: c.paging, many: "verifications",
		columns: []show.Column{
			{Head: "ID"}, {Head: "CREATED"}, {Head: "CLIENT"}, {Head: "STATUS"}, {Head: "TYPE"}, {Head: "DELIVERY"}, {Head: "CALLBACK", Flex: true},
		},
		row: func(v *verificationView) []show.Cell {
			return []show.Cell{
				show.Text(v.ID), show.Text(s.out.Time(&v.CreatedAt)), show.Text(v.ClientID), stateCell(v.Status), show.Text(v.Type),
				show.Text(v.DeliveryID), show.Text(v.callback()),
			}
		},
	}.run(s)
}

func verificationPath(id ID, rest string) string {
	return apiclient.Path("/v1/verifications/%s", string(id)) + rest
}

type getVerification struct {
	ID ID `arg:"" predictor:"verification" help:"The verification's id."`
	revealing
}

func (c getVerification) Run(s *Session) error {
	return one(s, get(verificationPath(c.ID, ""), c.query()), s.showVerification)
}

func (s *Session) showVerification(v *verificationView) error {
	callback := v.callback()
	if callback == "" {
		callback = "nobody is told"
	}
	fields := []show.Field{
		field("id", v.ID),
		{Name: "status", Value: stateCell(v.Status)},
		field("client", v.ClientID), field("type", v.Type),
		field("national id", v.NationalIDMasked), field("callback", callback), field("metadata", pretty(v.Metadata)),
		field("created", s.out.Time(&v.CreatedAt)), field("delivery", v.DeliveryID),
	}
	if v.Status == "PENDING" {
		fields = append(fields, field("expires", s.out.Time(&v.ExpiresAt)))
	} else {
		fields = append(fields, field("ended", s.out.Time(&v.UpdatedAt)))
	}
	if v.WipedAt != nil {
		fields = append(fields, field("personal data", "removed "+s.out.Time(v.WipedAt)))
	}
	return s.out.Fields(fields...)
}

type createVerification struct {
	File   string `arg:"" help:"The request as JSON: nationalId, verifications, callback, metadata; - is the standard input. It holds personal data, so no flag takes it."`
	Client string `predictor:"client" help:"Whose verification it is; the key's client, or default, when nothing is given." placeholder:"ID"`
	Key    string `name:"idempotency-key" help:"The same key and request are taken once, however often they are sent." placeholder:"KEY"`
}

func (c createVerification) Run(s *Session) error {
	raw, err := s.jsonText(c.File, "@"+c.File)
	if err != nil {
		return err
	}
	if raw[0] != '{' {
		return usage("%s: a JSON object is wanted", c.File)
	}
	if c.Client != "" {
		raw = withMember(raw, "client_id", c.Client)
	}
	r := post("/v1/verifications", raw)
	r.Keyed, r.Key = true, c.Key
	return one(s, r, s.showVerification)
}

// withMember puts a member in front of the others of an object, which stay as
// they stand: metadata come back byte for byte.
func withMember(object json.RawMessage, name, value string) json.RawMessage {
	member, err := json.Marshal(map[string]string{name: value})
	if err != nil {
		return object // texts always encode
	}
	rest := bytes.TrimSpace(object[1:])
	head := member[:len(member)-1]
	if len(rest) > 0 && rest[0] != '}' {
		head = append(head, ',')
	}
	return append(head, rest...)
}

type endVerification struct {
	ID     ID     `arg:"" predictor:"verification" help:"The verification's id."`
	Status string `arg:"" enum:"COMPLETED,FAILED" help:"COMPLETED or FAILED."`
}

func (c endVerification) Run(s *Session) error {
	return one(s, post(verificationPath(c.ID, "/status"), map[string]string{"status": c.Status}), s.showVerification)
}
