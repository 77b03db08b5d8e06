package console

import (
	"errors"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestAFormTakesFaults(t *testing.T) {
	f := newForm("url", "http://a.example", "method", "POST")
	if f.refused(errors.New("the database is away")) || f.refused(webhook.NotFound("client", "acme")) || f.Wrong() {
		t.Error("an error that is not about what was typed is taken for one")
	}
	var faults webhook.Faults
	faults.Add("/url", "must be https")
	if !f.refused(faults.Err()) || !f.Wrong() {
		t.Error("a fault is not taken")
	}
	got, err := newField(f, "url", "/url", "URL", "kind", "url", "need", true, "choices", []choice{{"http://a.example", "A", false}, {"b", "B", false}})
	must(t, err)
	if got.Kind != "url" || !got.Need || got.Value != "http://a.example" || len(got.Faults) != 1 || !got.Choices[0].On || got.Choices[1].On {
		t.Errorf("the field is %+v", got)
	}
	if _, err := newField(f, "url", "/url", "URL", "kind"); err == nil {
		t.Error("an option without a value is taken")
	}
}
