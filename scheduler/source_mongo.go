package scheduler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// MongoCollection tells where the platform keeps the records of a dataset.
type MongoCollection struct {
	Dataset     webhook.Dataset
	Name        string   // of the collection
	ClientField string   // the field of a document that holds its client's id: text, or an ObjectID
	Fields      []string // what is sent; each with "-" before it: what is not; none: everything
}

// MongoOptions of OpenMongo.
type MongoOptions struct {
	URL         string // mongodb:// or mongodb+srv://
	Database    string
	Collections []MongoCollection
	Otherwise   Source // of the datasets that have no collection
}

// Mongo is the [Source] that reads the platform's own collections. It only
// reads, from a secondary where there is one.
//
// It knows nothing of late records: what the platform writes with a time whose
// run is over stays out, unless a backfill asks for it.
type Mongo struct {
	client      *mongo.Client
	collections map[webhook.Dataset]*mongoCollection
	otherwise   Source
}

type mongoCollection struct {
	*mongo.Collection
	spec       *webhook.DatasetSpec
	client     string
	projection bson.D
}

// mongoTimeout bounds one question to the database: with its indexes, a page
// takes milliseconds.
const mongoTimeout = time.Minute

// mongoBatch is how many documents come over the wire at once.
const mongoBatch = 500

// OpenMongo prepares to read. Connections are made when they are needed: that
// the database is away is told by Read.
func OpenMongo(o MongoOptions) (*Mongo, error) {
	client, err := mongo.Connect(options.Client().ApplyURI(o.URL).SetAppName("carteiro").
		SetReadPreference(readpref.SecondaryPreferred()).SetRetryReads(true).SetTimeout(mongoTimeout))
	if err != nil {
		// The driver's words may hold the address, and that a password.
		return nil, errors.New("the MongoDB address cannot be used: it is not of the form mongodb://USER:PASSWORD@HOST/?OPTIONS, or an option is unknown")
	}
	m := &Mongo{client: client, collections: map[webhook.Dataset]*mongoCollection{}, otherwise: o.Otherwise}
	for _, c := range o.Collections {
		spec := c.Dataset.Spec()
		m.collections[c.Dataset] = &mongoCollection{
			Collection: client.Database(o.Database).Collection(c.Name), spec: spec,
			client: c.ClientField, projection: projection(spec, c.Fields),
		}
	}
	return m, nil
}

// Close ends the connections.
func (m *Mongo) Close(ctx context.Context) error { return m.client.Disconnect(ctx) }

// projection is what the database is asked to leave out or to send. The key
// and the times of the windows are always sent.
func projection(spec *webhook.DatasetSpec, fields []string) bson.D {
	needed := append([]string{"_id", spec.Key, spec.Window}, spec.AlsoIn...)
	p := bson.D{}
	seen := map[string]bool{}
	add := func(name string, value int) {
		if !seen[name] {
			seen[name] = true
			p = append(p, bson.E{Key: name, Value: value})
		}
	}
	if len(fields) > 0 && strings.HasPrefix(fields[0], "-") {
		for _, name := range needed {
			seen[name] = true // never left out
		}
		for _, f := range fields {
			add(strings.TrimPrefix(f, "-"), 0)
		}
		return p
	}
	if len(fields) > 0 {
		for _, name := range append(needed, fields...) {
			add(name, 1)
		}
	}
	return p
}

// Read is of [Source]. Documents come through a cursor; each becomes the
// contract's JSON, and what the contract does not allow is refused.
func (m *Mongo) Read(ctx context.Context, q Query) ([]Record, error) {
	c := m.collections[q.Dataset]
	if c == nil {
		return m.otherwise.Read(ctx, q)
	}
	after, err := parseMark(q.After)
	if err != nil {
		return nil, err
	}
	var out []Record
	parts := c.parts(q.Window)
	for part := after.Part; part < len(parts) && len(out) < q.Limit; part++ {
		filter := append(parts[part].filter, c.owner(q.ClientID)...)
		if part == after.Part && after.ID.Value != nil {
			filter = append(filter, bson.E{Key: "$or", Value: behind(parts[part].field, after)})
		}
		o := options.Find().SetSort(bson.D{{Key: parts[part].field, Value: 1}, {Key: "_id", Value: 1}}).
			SetLimit(int64(q.Limit - len(out))).SetBatchSize(int32(min(mongoBatch, q.Limit)))
		if len(c.projection) > 0 {
			o.SetProjection(c.projection)
		}
		if out, err = c.read(ctx, reading{filter, o, part, parts[part].field, q.SizeOnly}, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reading is one question to the database.
type reading struct {
	filter   bson.D
	options  *options.FindOptionsBuilder
	part     int
	field    string
	sizeOnly bool
}

func (c *mongoCollection) read(ctx context.Context, r reading, out []Record) ([]Record, error) {
	cursor, err := c.Find(ctx, r.filter, r.options)
	if err != nil {
		return nil, c.failed(err)
	}
	reader := webhook.NewRecordReader(c.spec.Dataset, "")
	for cursor.Next(ctx) {
		rec, err := c.record(cursor.Current, reader, r)
		if err != nil {
			return nil, errors.Join(err, cursor.Close(ctx))
		}
		out = append(out, rec)
	}
	return out, errors.Join(c.failed(cursor.Err()), cursor.Close(ctx))
}

// failed says which collection could not be read.
func (c *mongoCollection) failed(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read the collection %s of MongoDB: %w", c.Name(), err)
}

// record makes a record of a document, which is only good until the next one.
func (c *mongoCollection) record(doc bson.Raw, reader *webhook.RecordReader, r reading) (Record, error) {
	id, at := doc.Lookup("_id"), doc.Lookup(r.field)
	position, err := mark{Part: r.part, At: at, ID: id}.encode()
	if err != nil {
		return Record{}, fmt.Errorf("note the place in %s: %w", c.Name(), err)
	}
	rec := Record{Key: keyText(doc.Lookup(c.spec.Key)), Position: position}
	body, fault := appendDocument(nil, doc, c.spec.Key != "_id")
	if fault == "" {
		if _, f := reader.Read(body); f != nil {
			fault = f.Reason
		}
	}
	rec.Size = len(body)
	if fault != "" {
		rec.Refused, rec.Size = fault, 0
	} else if !r.sizeOnly {
		rec.Body = body
	}
	return rec, nil
}

// Clients is of [Source]: the clients that have a document in the window. What
// is no client id cannot have a subscription, and is left out.
func (m *Mongo) Clients(ctx context.Context, q Query) ([]webhook.ClientID, error) {
	c := m.collections[q.Dataset]
	if c == nil {
		return m.otherwise.Clients(ctx, q)
	}
	var parts bson.A
	for _, p := range c.parts(q.Window) {
		parts = append(parts, p.filter)
	}
	cursor, err := c.Aggregate(ctx, bson.A{
		bson.D{{Key: "$match", Value: bson.D{{Key: "$or", Value: parts}}}},
		bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$" + c.client}}}},
	})
	if err != nil {
		return nil, c.failed(err)
	}
	var out []webhook.ClientID
	for cursor.Next(ctx) {
		if id := webhook.ClientID(keyText(cursor.Current.Lookup("_id"))); id.Fault() == "" {
			out = append(out, id)
		}
	}
	slices.Sort(out) // text and an ObjectID may name the same client
	return slices.Compact(out), errors.Join(c.failed(cursor.Err()), cursor.Close(ctx))
}
