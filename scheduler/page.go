package scheduler

import (
	"crypto/sha256"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// limits bound a page.
type limits struct {
	records int
	bytes   int // of the whole body
}

// cutter decides where a page ends. It is a function of the sizes that it has
// seen since the page began, and of nothing else.
type cutter struct {
	limits
	fixed   int // bytes of a body without records
	count   int
	content int // bytes of the records, and of the commas between them
}

func newCutter(l limits, fixed int) *cutter { return &cutter{limits: l, fixed: fixed} }

// fits tells whether a record of size bytes belongs to the present page. A
// record is never cut: one that is too large for any page has its own.
func (c *cutter) fits(size int) bool {
	if c.count == 0 {
		return true
	}
	return c.count < c.records && c.fixed+c.content+1+size <= c.bytes
}

// add puts a record into the present page.
func (c *cutter) add(size int) {
	if c.count > 0 {
		c.content++ // a comma
	}
	c.count++
	c.content += size
}

// size is the length of the present page's body in bytes.
func (c *cutter) size() int { return c.fixed + c.content }

// reset begins the next page.
func (c *cutter) reset() { c.count, c.content = 0, 0 }

// envelope is what stands around the records of a page.
type envelope struct{ prefix, suffix string }

// envelopeOf returns the contract's envelope (wire-contracts, section 1): the
// event's name, the period where the contract has one, and the records.
func envelopeOf(event webhook.Slug, d webhook.Dataset, w webhook.Window, zone *time.Location) envelope {
	p := `{"event":"` + string(event) + `",` // a slug needs no escaping
	if d == webhook.Ingressos || d == webhook.Financeiro {
		start, end := w.Dates(zone)
		p += `"period":{"start_date":"` + start + `","end_date":"` + end + `"},`
	}
	return envelope{prefix: p + `"data":[`, suffix: `]}`}
}

func (e envelope) size() int { return len(e.prefix) + len(e.suffix) }

// builder writes the body of one page as records come, byte for byte as the
// platform wrote them.
type builder struct {
	envelope
	cut   *cutter
	body  []byte
	first string // position of the first record
	last  string // and of the last
	late  []string
}

func newBuilder(e envelope, l limits) *builder {
	b := &builder{envelope: e, cut: newCutter(l, e.size())}
	b.reset()
	return b
}

// reset begins a page; it takes the place of the one before, whose message is
// not to be used any more.
func (b *builder) reset() {
	b.body = append(b.body[:0], b.prefix...)
	b.first, b.last, b.late = "", "", nil
	b.cut.reset()
}

func (b *builder) empty() bool { return b.cut.count == 0 }

// add puts a record into the page.
func (b *builder) add(r *Record) {
	if b.empty() {
		b.first = r.Position
	} else {
		b.body = append(b.body, ',')
	}
	b.body = append(b.body, r.Body...)
	b.cut.add(len(r.Body))
	b.last = r.Position
	if r.Late {
		b.late = append(b.late, r.Key)
	}
}

// page ends the page: its row, and the message that carries it until reset.
func (b *builder) page(run *webhook.Run, c *webhook.RunClient, now time.Time) (*webhook.RunPage, *webhook.Message) {
	b.body = append(b.body, b.suffix...)
	body := b.body
	sum := sha256.Sum256(body)
	m := &webhook.Message{
		ID: webhook.NewMessageID(), Kind: webhook.KindExportPage, ClientID: c.ClientID, Type: run.Event, Body: body,
		DataStart: len(b.prefix) - 1, DataLength: len(body) - len(b.prefix) - len(b.suffix) + 2,
		OccurredAt: now, CreatedAt: now, Target: run.SubscriptionID,
	}
	return &webhook.RunPage{
		RunID: run.ID, ClientID: c.ClientID, Number: c.Built + 1, MessageID: m.ID, Records: b.cut.count, Bytes: len(body),
		SHA256: sum[:], FirstPosition: b.first, LastPosition: b.last, CreatedAt: now,
	}, m
}
