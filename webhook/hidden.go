package webhook

import (
	"fmt"
	"log/slog"
	"unique"
)

// Redacted stands wherever a secret value was taken out.
const Redacted = "[redacted]"

// Hidden is a text that hides itself from logs, every verb of fmt and JSON;
// Reveal is the only way to it. Two of the same text are equal (==).
type Hidden struct {
	// Behind a pointer, because fmt looks into unexported fields of others
	// without asking their methods.
	text unique.Handle[string]
}

// Hide hides a text; the empty one is the zero value.
func Hide(text string) Hidden {
	if text == "" {
		return Hidden{}
	}
	return Hidden{unique.Make(text)}
}

// Reveal returns the text itself. Call it where the text is meant to go.
func (h Hidden) Reveal() string {
	if h.IsZero() {
		return ""
	}
	return h.text.Value()
}

// IsZero tells whether there is no text.
func (h Hidden) IsZero() bool { return h == Hidden{} }

func (h Hidden) String() string { return Redacted }

// Format keeps every verb of fmt from showing the text.
func (h Hidden) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(Redacted)) }

// LogValue keeps log/slog from showing the text.
func (h Hidden) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText keeps JSON from showing the text.
func (h Hidden) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// UnmarshalText takes the text as it is.
func (h *Hidden) UnmarshalText(text []byte) error {
	*h = Hide(string(text))
	return nil
}
