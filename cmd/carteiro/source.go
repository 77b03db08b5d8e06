package main

import (
	"context"
	"time"

	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/scheduler"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// source is where the exports read their records: in our own SQL, unless the
// settings name collections of the platform's MongoDB.
func (h *house) source() (scheduler.Source, error) {
	stored := scheduler.NewStoredRecords(h.store)
	if len(h.config.MongoCollections) == 0 {
		if h.config.MongoURL != "" {
			h.log.Warn("no dataset is read from MongoDB: " + config.Prefix + "MONGO_COLLECTIONS names none")
		}
		return stored, nil
	}
	o := scheduler.MongoOptions{URL: h.config.MongoURL, Database: h.config.MongoDatabase, Otherwise: stored}
	for _, c := range h.config.MongoCollections {
		dataset, err := webhook.ParseDataset(c.Dataset)
		if err != nil {
			return nil, err
		}
		o.Collections = append(o.Collections, scheduler.MongoCollection{
			Dataset: dataset, Name: c.Collection, ClientField: c.ClientField, Fields: c.Fields,
		})
	}
	var err error
	if h.mongo, err = scheduler.OpenMongo(o); err != nil {
		return nil, err
	}
	return h.mongo, nil
}

// mongoStop is how long the connections to MongoDB may take to end.
const mongoStop = 5 * time.Second

func (h *house) closeMongo() error {
	if h.mongo == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), mongoStop)
	defer cancel()
	return h.mongo.Close(ctx)
}
