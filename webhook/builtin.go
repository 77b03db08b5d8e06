package webhook

import (
	_ "embed"
)

//go:embed eventtypes/shop.product.redemption.schema.json
var redemptionSchema []byte

//go:embed eventtypes/shop.product.redemption.example.json
var redemptionExample []byte

// BuiltinEventTypes returns the event types that every Carteiro knows from
// the start. An operator may change them.
func BuiltinEventTypes() []EventType {
	return []EventType{{
		Slug:        "shop.product.redemption",
		Name:        "Resgate do Produto",
		Description: "A user redeemed a product of the gamification shop (contract: redemption-event.md). Every leaf is a string.",
		Envelope:    EnvelopeEventData,
		Schema:      redemptionSchema,
		Example:     redemptionExample,
	}}
}
