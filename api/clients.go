package api

import (
	"context"
	"net/http"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

type clientPath struct {
	ClientID webhook.ClientID `path:"client_id" doc:"letters, digits, '.', '_', '-'; at most 64"`
}

type putClient struct {
	ClientID webhook.ClientID     `path:"client_id" doc:"letters, digits, '.', '_', '-'; at most 64"`
	Content  jsonBody[clientBody] `json:"-"`
}

type clientBody struct {
	Name string `json:"name,omitempty" doc:"for people; the id when nothing is given"`
}

func (b *clientBody) decode(o *object) { text(o, "name", &b.Name) }

func (b *clientBody) bodyRules() bodyRules { return bodyRules{limit: maxBody, optional: true} }

const listClients = "clients"

type listClientsQuery struct {
	Paging

	only webhook.ClientID // "": all
}

func (a *api) listClients(ctx context.Context, in *listClientsQuery) (*reply[list[webhook.Client]], error) {
	page, err := in.page(listClients)
	if err != nil {
		return nil, err
	}
	rows, next, err := a.o.Store.Clients(ctx, in.only, page)
	if err != nil {
		return nil, err
	}
	return listOf(listClients, rows, next, func(c *webhook.Client) webhook.Client { return *c }), nil
}

func (a *api) getClient(ctx context.Context, in *clientPath) (*reply[webhook.Client], error) {
	if in.ClientID.Fault() != "" {
		return nil, webhook.NotFound("client", clip(string(in.ClientID)))
	}
	c, err := a.o.Store.Client(ctx, in.ClientID)
	return &reply[webhook.Client]{Value: c}, err
}

func (a *api) putClient(ctx context.Context, in *putClient) (*reply[webhook.Client], error) {
	c := webhook.Client{ID: in.ClientID, Name: in.Content.value.Name}
	c.SetDefaults()
	var f webhook.Faults
	c.Validate(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	stored, created, err := a.o.Store.PutClient(ctx, c.ID, c.Name)
	return &reply[webhook.Client]{Status: putStatus(created), Value: stored}, err
}

// putStatus tells whether a PUT made something new.
func putStatus(created bool) int {
	if created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// getClientSecret shows the secret that signs a client's verification
// callbacks; it is made at the first look.
func (a *api) getClientSecret(ctx context.Context, in *clientPath) (*reply[SecretView], error) {
	if err := a.o.Subscriptions.HasSecret(ctx, in.ClientID); err != nil {
		return nil, err
	}
	secrets, err := a.o.Subscriptions.ClientSecrets(ctx, in.ClientID)
	if err != nil {
		return nil, err
	}
	return &reply[SecretView]{Value: a.viewSecret(secrets)}, a.o.Store.Audit(ctx, webhook.AuditEntry{
		Resource: webhook.ResourceClient, ResourceID: string(in.ClientID), ClientID: in.ClientID, Fields: []string{"secret"},
	})
}

type rotateClientSecret struct {
	ClientID webhook.ClientID     `path:"client_id" doc:"letters, digits, '.', '_', '-'; at most 64"`
	Content  jsonBody[rotateBody] `json:"-"`
}

func (a *api) rotateClientSecret(ctx context.Context, in *rotateClientSecret) (*reply[SecretView], error) {
	if err := a.o.Subscriptions.HasSecret(ctx, in.ClientID); err != nil {
		return nil, err
	}
	secrets, err := a.o.Subscriptions.RotateClientSecret(ctx, in.ClientID, in.Content.value.rotation())
	if err != nil {
		return nil, err
	}
	return &reply[SecretView]{Value: a.viewSecret(secrets)}, nil
}
