package dispatcher

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// gmt3 is the time zone of the contracts: a fixed offset, no daylight saving
// time (wire-contracts).
var gmt3 = time.FixedZone("GMT-3", -3*60*60)

// wireTime is the contracts' "yyyy-MM-dd HH:mm:ss" in GMT-3.
const wireTime = "2006-01-02 15:04:05"

// buildBody puts an event type's envelope around data, byte for byte as it
// was posted, and tells where in the body the data stands.
func buildBody(t *webhook.EventType, data []byte, acceptedAt time.Time) (body []byte, start int, err error) {
	if t.Envelope == webhook.EnvelopeNone {
		return data, 0, nil
	}
	name, err := wireString(t.Name)
	if err != nil {
		return nil, 0, err
	}
	slug, err := wireString(string(t.Slug))
	if err != nil {
		return nil, 0, err
	}
	var b bytes.Buffer
	b.Grow(len(data) + len(name) + len(slug) + 80)
	b.WriteString(`{"event":{"name":`)
	b.Write(name)
	b.WriteString(`,"slug":`)
	b.Write(slug)
	b.WriteString(`,"send_at":"`)
	b.WriteString(acceptedAt.In(gmt3).Format(wireTime))
	b.WriteString(`"},"data":`)
	start = b.Len()
	b.Write(data)
	b.WriteByte('}')
	return b.Bytes(), start, nil
}

// wireString writes a JSON string as people would: "é" and "&" stay.
func wireString(s string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
