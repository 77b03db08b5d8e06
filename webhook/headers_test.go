package webhook

import (
	"maps"
	"testing"
)

func TestHeadersAreMerged(t *testing.T) {
	text := func(s string) *string { return &s }
	stored := StaticHeaders{"X-Key": "secret", "X-Old": "old"}
	var f Faults
	got := stored.Merge([]HeaderChange{
		{"x-key", "/headers/x-key", text(Redacted)},
		{"X-OLD", "/headers/X-OLD", nil},
		{"X-New", "/headers/X-New", text("new")},
		{"X-None", "/headers/X-None", text(Redacted)},
	}, &f)
	if want := (StaticHeaders{"x-key": "secret", "X-New": "new"}); !maps.Equal(got, want) {
		t.Errorf("the names are %v, and the values or names differ from what is wanted", got)
	}
	if len(f) != 1 || f[0].Path != "/headers/X-None" {
		t.Errorf("the faults are %v, want one at a header that stands for nothing", f)
	}
	if len(stored) != 2 {
		t.Error("merging has changed what is stored")
	}
	if got := StaticHeaders(nil).Merge(nil, &f); got == nil {
		t.Error("no headers are nil, and would be stored as null")
	}
}
