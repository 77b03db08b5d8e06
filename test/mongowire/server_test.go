package mongowire

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const database = "plataforma"

// platform is the platform's database, with a hand that writes into it.
type platform struct {
	t   testing.TB
	url string
	db  *mongo.Database
}

// newPlatform starts a server on a port of its own.
func newPlatform(t testing.TB) *platform {
	t.Helper()
	server, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"}, Handler: "sqlite", SQLiteURL: "file:" + t.TempDir() + "/",
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	p := &platform{t: t, url: server.MongoDBURI()}
	client, err := mongo.Connect(options.Client().ApplyURI(p.url))
	must(t, err)
	p.db = client.Database(database)
	t.Cleanup(func() {
		must(t, client.Disconnect(context.Background()))
		stop()
		must(t, <-done)
	})
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (p *platform) insert(collection string, docs ...any) {
	p.t.Helper()
	_, err := p.db.Collection(collection).InsertMany(context.Background(), docs)
	must(p.t, err)
}

// source reads the collections; a dataset without one comes from nowhere.
func (p *platform) source(collections ...scheduler.MongoCollection) *scheduler.Mongo {
	p.t.Helper()
	m, err := scheduler.OpenMongo(scheduler.MongoOptions{URL: p.url, Database: database, Collections: collections, Otherwise: nowhere{}})
	must(p.t, err)
	p.t.Cleanup(func() { must(p.t, m.Close(context.Background())) })
	return m
}

// nowhere is a source with one record in it.
type nowhere struct{}

func (nowhere) Read(context.Context, scheduler.Query) ([]scheduler.Record, error) {
	return []scheduler.Record{{Key: "elsewhere"}}, nil
}

func (nowhere) Clients(context.Context, scheduler.Query) ([]webhook.ClientID, error) {
	return []webhook.ClientID{"elsewhere"}, nil
}

// day is the n-th of June 2025 in GMT-3, from its beginning to its end.
func day(n int) webhook.Window {
	from := time.Date(2025, 6, n, 0, 0, 0, 0, webhook.ContractZone())
	return webhook.Window{From: from, To: from.AddDate(0, 0, 1)}
}

// at is a time of the n-th of June 2025 in GMT-3.
func at(n, hour int) bson.DateTime {
	return bson.NewDateTimeFromTime(time.Date(2025, 6, n, hour, 0, 0, 0, webhook.ContractZone()))
}

// readAll reads a window in pages of a size.
func readAll(t testing.TB, s scheduler.Source, q scheduler.Query, size int) []scheduler.Record {
	t.Helper()
	var out []scheduler.Record
	q.Limit = size
	for {
		page, err := s.Read(context.Background(), q)
		must(t, err)
		out = append(out, page...)
		if len(page) < size {
			return out
		}
		q.After = page[size-1].Position
	}
}
