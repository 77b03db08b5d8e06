package dispatcher

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// BenchmarkSchema measures what the check of an event's data costs at intake:
// the contract's redemption against its schema, whole and by parts.
func BenchmarkSchema(b *testing.B) {
	t := webhook.BuiltinEventTypes()[0]
	for _, bt := range webhook.BuiltinEventTypes() {
		if bt.Slug == "shop.product.redemption" {
			t = bt
		}
	}
	schema, err := compileSchema(t.Schema)
	if err != nil {
		b.Fatal(err)
	}
	et := &eventType{EventType: t, schema: schema}
	value, err := decodeJSON(t.Example)
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, fn func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(t.Example)))
			for b.Loop() {
				if err := fn(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("check", func() error {
		var f webhook.Faults
		et.check(t.Example, "/data", &f)
		return f.Err()
	})
	run("decode", func() error { _, err := decodeJSON(t.Example); return err })
	run("decode by encoding/json", func() error { _, err := jsonschema.UnmarshalJSON(bytes.NewReader(t.Example)); return err })
	run("validate", func() error { return schema.Validate(value) })
	run("compile", func() error { _, err := compileSchema(t.Schema); return err })
}
