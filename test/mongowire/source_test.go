package mongowire

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func oid(t testing.TB, hex string) bson.ObjectID {
	t.Helper()
	id, err := bson.ObjectIDFromHex(hex)
	must(t, err)
	return id
}

// TestTheContractsJSON compares the bytes that a client would get.
func TestTheContractsJSON(t *testing.T) {
	p := newPlatform(t)
	p.insert("sales", bson.D{
		{Key: "_id", Value: oid(t, "60d21b4667d0d8992e610c85")},
		{Key: "project_id", Value: "acme"},
		{Key: "total", Value: int32(2990)},
		{Key: "price", Value: int64(12345678901)},
		{Key: "tax", Value: 299.0},
		{Key: "payment_method_id", Value: "Cartão de Crédito"},
		{Key: "product_id_response", Value: bson.D{
			{Key: "z", Value: 0.5},
			{Key: "a", Value: bson.A{int32(1), "dois", nil, true, bson.D{}}},
			{Key: "ref", Value: oid(t, "60d21b4667d0d8992e610c86")},
		}},
		{Key: "fields_text", Value: "linha 1\nlinha \"2\" \\ é😀 </script>\x01"},
		{Key: "createdAt", Value: at(15, 15)},
		{Key: "updatedAt", Value: at(15, 15) + 7},
		{Key: "coupon", Value: nil},
		{Key: "uuid", Value: bson.Binary{Subtype: bson.TypeBinaryUUID, Data: []byte("0123456789abcdef")}},
		{Key: "raw", Value: bson.Binary{Data: []byte("abc")}},
	})
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Vendas, Name: "sales", ClientField: "project_id"})
	q := scheduler.Query{Dataset: webhook.Vendas, ClientID: "acme", Window: day(15)}
	got := readAll(t, s, q, 10)
	const want = `{"_id":"60d21b4667d0d8992e610c85","project_id":"acme","total":2990,"price":12345678901,"tax":299,` +
		`"payment_method_id":"Cartão de Crédito","product_id_response":{"z":0.5,"a":[1,"dois",null,true,{}],"ref":"60d21b4667d0d8992e610c86"},` +
		`"fields_text":"linha 1\nlinha \"2\" \\ é😀 </script>\u0001","createdAt":"2025-06-15T18:00:00Z","updatedAt":"2025-06-15T18:00:00.007Z",` +
		`"coupon":null,"uuid":"30313233-3435-3637-3839-616263646566","raw":"YWJj"}`
	if len(got) != 1 || string(got[0].Body) != want || got[0].Refused != "" || got[0].Key != "60d21b4667d0d8992e610c85" || got[0].Size != len(want) {
		t.Fatalf("got  %+v\n%s\nwant %s", got, got[0].Body, want)
	}
	q.SizeOnly = true
	if only := readAll(t, s, q, 10); only[0].Body != nil || only[0].Size != len(want) {
		t.Errorf("for a count: %+v", only)
	}
}

func TestWhatTheContractDoesNotAllowIsReported(t *testing.T) {
	p := newPlatform(t)
	bad := []struct {
		field  string
		value  any
		reason string
	}{
		{"total", 29.9, `"total" has a fraction`},
		{"total", "2990", `"total" is text`},
		{"payment_method_id", "pix", "is none of Cartão de Crédito"},
		{"re", bson.Regex{Pattern: "x"}, `"re" is of the BSON type regex`},
		{"sub", bson.D{{Key: "in", Value: bson.A{bson.Regex{Pattern: "x"}}}}, `"sub.in.0" is of the BSON type regex`},
		{"big", strings.Repeat("x", webhook.MaxRecord), "256 KiB"},
	}
	for i, b := range bad {
		p.insert("sales", bson.D{{Key: "_id", Value: fmt.Sprint("bad", i)}, {Key: "client", Value: "acme"}, {Key: "updatedAt", Value: at(15, i)}, {Key: b.field, Value: b.value}})
	}
	p.insert("sales", bson.D{{Key: "_id", Value: int32(7)}, {Key: "client", Value: "acme"}, {Key: "updatedAt", Value: at(15, 20)}})
	p.insert("sales", bson.D{{Key: "_id", Value: "good"}, {Key: "client", Value: "acme"}, {Key: "updatedAt", Value: at(15, 21)}})
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Vendas, Name: "sales", ClientField: "client"})
	got := readAll(t, s, scheduler.Query{Dataset: webhook.Vendas, ClientID: "acme", Window: day(15)}, 3)
	if len(got) != len(bad)+2 {
		t.Fatalf("%d records", len(got))
	}
	for i, b := range bad {
		if r := got[i]; !strings.Contains(r.Refused, b.reason) || r.Body != nil || r.Key != fmt.Sprint("bad", i) {
			t.Errorf("%s: %q %q, want %q", b.field, r.Key, r.Refused, b.reason)
		}
	}
	if got[len(bad)].Refused != `"_id" must be text` || got[len(bad)+1].Refused != "" {
		t.Errorf("%+v", got[len(bad):])
	}
}

// TestPagesOverMixedKeys is the trap: a page that ends with one type of _id
// must go on with the next type, at the same time and behind it.
func TestPagesOverMixedKeys(t *testing.T) {
	p := newPlatform(t)
	var docs []any
	want := map[string]bool{}
	for i := range 40 {
		hour := at(15, 6+i/20) // twenty of each type share their time
		for _, id := range []any{fmt.Sprintf("text-%02d", i), oid(t, fmt.Sprintf("%024x", i)), int32(i)} {
			docs = append(docs, bson.D{{Key: "_id", Value: id}, {Key: "client", Value: "acme"}, {Key: "updatedAt", Value: hour}})
		}
		want[fmt.Sprintf("text-%02d", i)], want[fmt.Sprintf("%024x", i)] = true, true
	}
	p.insert("sales", docs...)
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Vendas, Name: "sales", ClientField: "client"})
	for _, size := range []int{1, 7, 20, 30, 120, 1000} {
		refused := 0
		seen := map[string]bool{}
		for _, r := range readAll(t, s, scheduler.Query{Dataset: webhook.Vendas, ClientID: "acme", Window: day(15)}, size) {
			if r.Refused != "" {
				refused++ // the integers
				continue
			}
			if seen[r.Key] || !want[r.Key] {
				t.Errorf("pages of %d: %q is there twice, or is nobody", size, r.Key)
			}
			seen[r.Key] = true
		}
		if len(seen) != len(want) || refused != 40 {
			t.Errorf("pages of %d: %d of %d records, %d refused of 40", size, len(seen), len(want), refused)
		}
	}
}

// A ticket is in the exports of each of its three days, and once in each.
func TestTicketsByThreeTimes(t *testing.T) {
	p := newPlatform(t)
	ticket := func(id string, created, updated int, checkin any) bson.D {
		return bson.D{
			{Key: "_id", Value: id},
			{Key: "client", Value: "acme"},
			{Key: "createdAt", Value: at(created, 12)},
			{Key: "updatedAt", Value: at(updated, 12)},
			{Key: "checkin_date", Value: checkin},
		}
	}
	p.insert("tickets", ticket("a", 14, 16, at(15, 12)), ticket("b", 15, 15, at(15, 13)), ticket("c", 14, 15, nil), ticket("d", 15, 16, nil), ticket("e", 14, 14, nil))
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Ingressos, Name: "tickets", ClientField: "client"})
	for n, want := range map[int]string{13: "", 14: "a c e", 15: "a b c d", 16: "a d"} {
		for _, size := range []int{1, 2, 100} {
			var keys []string
			for _, r := range readAll(t, s, scheduler.Query{Dataset: webhook.Ingressos, ClientID: "acme", Window: day(n)}, size) {
				keys = append(keys, r.Key)
			}
			slices.Sort(keys)
			if got := strings.Join(keys, " "); got != want {
				t.Errorf("June %d in pages of %d: %q, want %q", n, size, got, want)
			}
		}
	}
}

func TestReconciliationByDay(t *testing.T) {
	p := newPlatform(t)
	movement := func(ref string, date any) bson.D {
		return bson.D{{Key: "reference_number", Value: ref}, {Key: "project", Value: "acme"}, {Key: "date", Value: date}, {Key: "saldo", Value: int32(-5)}}
	}
	p.insert("movements", movement("R8", "2025-06-08"), movement("R9", "2025-06-09"), movement("R15", "2025-06-15"), movement("R16", "2025-06-16"), movement("RD", at(12, 0)))
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Financeiro, Name: "movements", ClientField: "project"})
	week := webhook.Window{From: day(9).From, To: day(15).To}
	got := map[string]scheduler.Record{}
	for _, r := range readAll(t, s, scheduler.Query{Dataset: webhook.Financeiro, ClientID: "acme", Window: week}, 1) {
		got[r.Key] = r
	}
	if len(got) != 3 || string(got["R9"].Body) != `{"reference_number":"R9","project":"acme","date":"2025-06-09","saldo":-5}` || got["R15"].Refused != "" {
		t.Errorf("got %+v", got)
	}
	if !strings.Contains(got["RD"].Refused, `"date" is no day`) {
		t.Errorf("a date that is no text: %+v", got["RD"])
	}
}

func TestClientsAndProjection(t *testing.T) {
	p := newPlatform(t)
	globex := oid(t, "60d21b4667d0d8992e610c85")
	for i, client := range []any{"acme", globex, "acme", "late", "no client", int32(3)} {
		when := 15
		if client == "late" {
			when = 1
		}
		p.insert("people", bson.D{{Key: "_id", Value: fmt.Sprint(i)}, {Key: "client", Value: client}, {Key: "secret", Value: "x"}, {Key: "name", Value: "Ana"}, {Key: "updatedAt", Value: at(when, 1)}})
	}
	q := scheduler.Query{Dataset: webhook.Cadastros, Window: day(15)}
	for fields, want := range map[string]string{
		"":                `{"_id":"1","client":"60d21b4667d0d8992e610c85","secret":"x","name":"Ana","updatedAt":"2025-06-15T04:00:00Z"}`,
		"name":            `{"_id":"1","name":"Ana","updatedAt":"2025-06-15T04:00:00Z"}`,
		"-secret -client": `{"_id":"1","name":"Ana","updatedAt":"2025-06-15T04:00:00Z"}`,
		"-updatedAt":      `{"_id":"1","client":"60d21b4667d0d8992e610c85","secret":"x","name":"Ana","updatedAt":"2025-06-15T04:00:00Z"}`,
	} {
		s := p.source(scheduler.MongoCollection{Dataset: webhook.Cadastros, Name: "people", ClientField: "client", Fields: strings.Fields(fields)})
		clients, err := s.Clients(context.Background(), q)
		must(t, err)
		slices.Sort(clients)
		if fmt.Sprint(clients) != "[60d21b4667d0d8992e610c85 acme]" {
			t.Errorf("clients %v", clients)
		}
		q := q
		q.ClientID = webhook.ClientID(globex.Hex())
		if got := readAll(t, s, q, 5); len(got) != 1 || string(got[0].Body) != want {
			t.Errorf("%q: %s, want %s", fields, got[0].Body, want)
		}
	}
}

func TestADatasetWithoutACollection(t *testing.T) {
	p := newPlatform(t)
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Cadastros, Name: "people", ClientField: "client"})
	q := scheduler.Query{Dataset: webhook.Vendas, ClientID: "acme", Window: day(15), Limit: 5}
	got, err := s.Read(context.Background(), q)
	clients, err2 := s.Clients(context.Background(), q)
	if err != nil || err2 != nil || len(got) != 1 || got[0].Key != "elsewhere" || clients[0] != "elsewhere" {
		t.Errorf("%v %v %v %v", got, clients, err, err2)
	}
	q.Dataset, q.After = webhook.Cadastros, "x"
	if _, err := s.Read(context.Background(), q); err == nil {
		t.Error("a position that is none was taken")
	}
}

// A server that is away is an error that names the collection and not the
// address, which may hold a password.
func TestTheServerIsAway(t *testing.T) {
	m, err := scheduler.OpenMongo(scheduler.MongoOptions{
		URL: "mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=200", Database: database,
		Collections: []scheduler.MongoCollection{{Dataset: webhook.Cadastros, Name: "people", ClientField: "client"}},
	})
	must(t, err)
	defer func() { must(t, m.Close(context.Background())) }()
	_, err = m.Read(context.Background(), scheduler.Query{Dataset: webhook.Cadastros, ClientID: "acme", Window: day(15), Limit: 1})
	if err == nil || !strings.Contains(err.Error(), "people") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	if _, err := scheduler.OpenMongo(scheduler.MongoOptions{URL: "mongodb://user:hunter2@/?x"}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
}

// TestSampleThroughMongo puts made-up records into the platform's database and
// gets the same fields back, a cursor and a page at a time.
func TestSampleThroughMongo(t *testing.T) {
	p := newPlatform(t)
	g := sample.New(1, sample.Window())
	const n = 700
	docs := make([]any, n)
	want := make(map[string]string, n)
	for i := range docs {
		raw := g.Venda(nil, i)
		var doc bson.D
		must(t, bson.UnmarshalExtJSON(raw, false, &doc))
		for k := range doc {
			if text, ok := doc[k].Value.(string); ok && strings.HasSuffix(text, "Z") {
				if when, err := time.Parse(time.RFC3339, text); err == nil {
					doc[k].Value = when
				}
			}
		}
		docs[i] = append(doc, bson.E{Key: "client", Value: "acme"})
		want[g.Key(webhook.Vendas, i)] = strings.TrimSuffix(string(raw), "}") + `,"client":"acme"}`
	}
	p.insert("sales", docs...)
	s := p.source(scheduler.MongoCollection{Dataset: webhook.Vendas, Name: "sales", ClientField: "client"})
	got := readAll(t, s, scheduler.Query{Dataset: webhook.Vendas, ClientID: "acme", Window: sample.Window()}, 150)
	if len(got) != n {
		t.Fatalf("%d records of %d", len(got), n)
	}
	for _, r := range got {
		// The sample writes 9.50, which a double cannot tell from 9.5.
		if w := strings.ReplaceAll(want[r.Key], `"nota":9.50`, `"nota":9.5`); string(r.Body) != w {
			t.Fatalf("%s:\n got %s\nwant %s", r.Key, r.Body, w)
		}
	}
}
