package cli

import (
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type auditLogCommand struct {
	Flags
	List listAuditLog `cmd:"" default:"withargs" help:"List who did what."`
}

// auditView is a line of the audit log as the API shows it.
type auditView struct {
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Actor struct {
		KeyID string `json:"key_id"`
		Name  string `json:"name"`
		Role  string `json:"role"`
	} `json:"actor"`
	Action   string `json:"action"`
	Resource struct {
		Kind     string `json:"kind"`
		ID       string `json:"id"`
		ClientID string `json:"client_id"`
	} `json:"resource"`
	From struct {
		RemoteAddr string `json:"remote_addr"`
	} `json:"from"`
	Fields []string `json:"fields"`
}

type listAuditLog struct {
	Actor    string `predictor:"key" help:"What this API key did." placeholder:"ID"`
	Action   string `help:"An operation, such as create-subscription." placeholder:"NAME"`
	Resource string `help:"What it was about: a kind (subscription), an id (sub_…), or both (client:acme)." placeholder:"RESOURCE"`
	Client   string `predictor:"client" help:"Whose the resource is; * for those of every client." placeholder:"ID"`
	span
	paging
}

func (c listAuditLog) Run(s *Session) error {
	q := query{}
	q.set("actor", c.Actor)
	q.set("action", c.Action)
	q.set("resource", c.Resource)
	q.set("client_id", c.Client)
	if err := c.into(s, q); err != nil {
		return err
	}
	return listing[auditView]{
		path: "/v1/audit-log", query: q, paging: c.paging, many: "lines in the audit log",
		columns: []show.Column{
			{Head: "AT"}, {Head: "KEY"}, {Head: "NAME", Flex: true}, {Head: "ACTION"}, {Head: "RESOURCE"}, {Head: "CLIENT"}, {Head: "FROM"}, {Head: "FIELDS", Flex: true},
		},
		row: func(v *auditView) []show.Cell {
			resource := v.Resource.ID
			if !strings.Contains(resource, "_") { // an id tells its kind
				resource = strings.TrimSuffix(v.Resource.Kind+":"+resource, ":")
			}
			return show.Texts(s.out.Time(&v.At), v.Actor.KeyID, v.Actor.Name, v.Action, resource, v.Resource.ClientID, v.From.RemoteAddr, strings.Join(v.Fields, ","))
		},
	}.run(s)
}
