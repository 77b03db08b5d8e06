package console

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type apiKeysPage struct {
	Keys  []webhook.APIKey
	Pager pager
	Now   time.Time
}

func (c *console) listAPIKeys(v *visit) error {
	at, err := v.page()
	if err != nil {
		return err
	}
	keys, next, err := c.o.Store.APIKeys(v.ctx, at)
	if err != nil {
		return err
	}
	return v.show("api_keys", apiKeysPage{keys, v.pager(next), v.now})
}

type apiKeyForm struct {
	Form  *form
	Roles []choice
	Made  *webhook.APIKey // nil: nothing was made yet
	Text  string          // the key, shown this once
}

func (c *console) newAPIKey(v *visit) error {
	return v.show("api_key", apiKeyForm{Form: newForm("role", string(webhook.RoleViewer)), Roles: v.roleChoices()})
}

func (v *visit) roleChoices() []choice {
	var out []choice
	for _, r := range []webhook.Role{webhook.RoleViewer, webhook.RoleOperator, webhook.RoleProducer, webhook.RoleAdmin} {
		out = append(out, choice{Value: string(r), Label: v.c.words[v.lang].orWord("api_key.role.", string(r))})
	}
	return out
}

// createAPIKey shows the key in its answer, and nowhere else: to reload the
// page is to send the form again, which makes another one.
func (c *console) createAPIKey(v *visit) error {
	f := v.typed()
	p := apiKeyForm{Form: f, Roles: v.roleChoices()}
	k := v.typedKey(f)
	if f.Wrong() {
		return v.showWith(http.StatusUnprocessableEntity, "api_key", p)
	}
	ctx, cancel := v.outliving()
	defer cancel()
	err := c.o.Access.Create(ctx, k, func(made *webhook.APIKey, text webhook.KeyText) (*store.Idempotency, error) {
		p.Made, p.Text = made, text.Reveal()
		return nil, nil
	})
	if f.refused(err) {
		p.Made, p.Text = nil, ""
		return v.showWith(http.StatusUnprocessableEntity, "api_key", p)
	}
	if err != nil {
		return err
	}
	return v.show("api_key", p)
}

// typedKey reads the form of a key.
func (v *visit) typedKey(f *form) webhook.APIKey {
	get := func(name string) string { return strings.TrimSpace(f.Get(name)) }
	k := webhook.APIKey{Name: get("name"), Role: webhook.Role(get("role")), CreatedBy: v.who.ID}
	if client := webhook.ClientID(get("client_id")); client != "" {
		k.ClientID = &client
	}
	if at := v.moment(f, "expires_at"); !at.IsZero() {
		k.ExpiresAt = &at
	}
	if faults, wrong := f.Faults["expires_at"]; wrong {
		f.Faults["/expires_at"] = faults
	}
	if text := get("rate_limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			f.fault("/rate_limit", v.t("form.no_number"))
		}
		k.RateLimit = &n
	}
	return k
}

// apiKey reads the key of the path. The setting's key is no row.
func (v *visit) apiKey() (webhook.APIKey, error) {
	id := v.r.PathValue("id")
	if !webhook.ValidID(webhook.PrefixKey, id) {
		return webhook.APIKey{}, webhook.NotFound("API key", webhook.Clip(id))
	}
	return v.c.o.Store.APIKey(v.ctx, webhook.KeyID(id))
}

func (c *console) confirmRevoke(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	return v.confirm(confirmation{
		Title: v.t("api_keys.revoke_title"), Text: v.t("api_keys.revoke_text"), Do: v.t("api_keys.revoke"), Danger: true,
		Action: "/console/api-keys/" + string(k.ID) + "/revoke", Back: "/console/api-keys",
		Facts: []fact{{v.t("api_keys.name"), k.Name}, {v.t("api_keys.start"), k.Start + "…"}, {v.t("api_keys.role"), v.c.words[v.lang].orWord("role.", string(k.Role))}},
	})
}

func (c *console) revokeAPIKey(v *visit) error {
	k, err := v.apiKey()
	if err != nil {
		return err
	}
	ctx, cancel := v.outliving()
	defer cancel()
	if err := c.o.Access.Revoke(ctx, k.ID); err != nil {
		return err
	}
	return v.finish("/console/api-keys", "api_keys.revoked", k.Name)
}
