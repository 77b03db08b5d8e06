package console

import (
	"fmt"

	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// redacted is how things are shown to everybody.
func (v *visit) redacted() redact.Sight { return v.c.o.Redact.Sight() }

// revealParam asks for personal data too.
const revealParam = "reveal"

// revealing tells whether a visit asks for personal data too.
func (v *visit) revealing() bool { return v.r.Form.Get(revealParam) == "true" }

// sight is how a visit shows one thing. One that reveals leaves its line in the
// audit log first: what could not be written down is not shown.
func (v *visit) sight(about webhook.AuditEntry) (redact.Sight, error) {
	if !v.revealing() {
		return v.redacted(), nil
	}
	if v.who.Role != webhook.RoleAdmin {
		return redact.Sight{}, &webhook.Error{
			Kind: webhook.KindForbidden, Code: "reveal_forbidden",
			Message: fmt.Sprintf("Your key has the role %s, and personal data are shown only to a key with the role admin.", v.who.Role),
		}
	}
	about.Fields = []string{"personal_data"}
	if err := v.c.o.Store.Audit(v.ctx, about); err != nil {
		return redact.Sight{}, err
	}
	return redact.Revealed(), nil
}
