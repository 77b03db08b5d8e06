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

// wrapBody puts an event type's envelope, of which head is the beginning, around
// data, byte for byte as it was posted, and tells where in the body the data stands.
func wrapBody(head, data []byte, acceptedAt time.Time) (body []byte, start int) {
	if head == nil {
		return data, 0
	}
	const around = len(wireTime) + len(`"},"data":`) + len(`}`)
	body = make([]byte, 0, len(head)+len(data)+around)
	body = append(body, head...)
	body = acceptedAt.In(gmt3).AppendFormat(body, wireTime)
	body = append(body, `"},"data":`...)
	start = len(body)
	return append(append(body, data...), '}'), start
}

// envelopeHead is what stands before the time in the bodies of a type; nil for
// a type without an envelope.
func envelopeHead(t *webhook.EventType) []byte {
	if t.Envelope == webhook.EnvelopeNone {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(`{"event":{"name":`)
	b.Write(wireString(t.Name))
	b.WriteString(`,"slug":`)
	b.Write(wireString(string(t.Slug)))
	b.WriteString(`,"send_at":"`)
	return b.Bytes()
}

// wireString writes a JSON string as people would: "é" and "&" stay.
func wireString(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string and a buffer: nothing can fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
