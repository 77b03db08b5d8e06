package redact

import "github.com/carteiro-webhooks/carteiro/webhook"

// Sight is how what is stored is shown: with personal data taken out, or, to
// whoever may see them, as it is. What is stored, and what is sent, is never
// changed.
type Sight struct {
	rules    *Rules
	revealed bool
}

// Sight is that of everybody: without personal data.
func (r *Rules) Sight() Sight { return Sight{rules: r} }

// Revealed is the sight of all there is. Whoever takes it has first written
// down who looks.
func Revealed() Sight { return Sight{revealed: true} }

// JSON shows a JSON text, or what a receiver sent instead of one. at is where
// it stands in the body that the rules' paths count from.
func (s Sight) JSON(text []byte, at ...string) []byte {
	switch {
	case s.revealed:
		return text
	case s.rules == nil:
		return New(nil).JSON(text, at...)
	}
	return s.rules.JSON(text, at...)
}

// Text shows a short text: a header's value, a URL.
func (s Sight) Text(text string) string {
	if s.revealed {
		return text
	}
	return String(text)
}

// Headers shows headers.
func (s Sight) Headers(h map[string][]string) map[string][]string {
	out := make(map[string][]string, len(h))
	for name, values := range h {
		for _, v := range values {
			out[name] = append(out[name], s.Text(v))
		}
	}
	return out
}

// Delivery shows a delivery: the URL of a callback may name a person.
func (s Sight) Delivery(d *webhook.Delivery) webhook.Delivery {
	out := *d
	out.URL = s.Text(d.URL)
	return out
}

// Deliveries shows several.
func (s Sight) Deliveries(ds []webhook.Delivery) []webhook.Delivery {
	out := make([]webhook.Delivery, len(ds))
	for i := range ds {
		out[i] = s.Delivery(&ds[i])
	}
	return out
}

// EventData shows an event's data. The paths of the rules count from the body
// that is sent: in an envelope, the data are its "data".
func (s Sight) EventData(m *webhook.Message) []byte {
	data := m.Data()
	if data == nil {
		return []byte("null")
	}
	if m.DataStart > 0 {
		return s.JSON(data, "data")
	}
	return s.JSON(data)
}
