package load

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Backlog asks for many events of one client in few requests.
type Backlog struct {
	Base, Key, Client string
	Size, Count       int
}

const eventsInACall = 250 // a batch may have 1 MiB

func backlog(ctx context.Context, in Backlog) (struct{}, error) {
	client := newClient(1)
	defer client.CloseIdleConnections()
	one := string(eventBody(in.Client, in.Size))
	for done := 0; done < in.Count; done += eventsInACall {
		n := min(eventsInACall, in.Count-done)
		body := `{"events":[` + strings.Repeat(one+",", n-1) + one + `]}`
		if err := send(ctx, client, apiCall{http.MethodPost, in.Base + "/v1/events/batch", in.Key, "application/json", []byte(body), http.StatusAccepted}); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

// Records asks for made-up records of one client.
type Records struct {
	Base, Key, Client string
	Count             int
}

// RecordDay is the day, in the contract's time zone, of all of them.
const RecordDay = "2025-06-15"

// RecordDataset is the dataset of all of them.
const RecordDataset = webhook.Vendas

const recordsInACall = 10_000

func putRecords(ctx context.Context, in Records) (struct{}, error) {
	client := newClient(1)
	defer client.CloseIdleConnections()
	g := sample.New(1, sample.Window())
	var lines []byte
	for done := 0; done < in.Count; done += recordsInACall {
		lines = g.Lines(lines[:0], RecordDataset, done, min(done+recordsInACall, in.Count))
		url := fmt.Sprintf("%s/v1/records/%s?client_id=%s", in.Base, RecordDataset, in.Client)
		if err := send(ctx, client, apiCall{http.MethodPut, url, in.Key, "application/x-ndjson", lines, http.StatusOK}); err != nil {
			return struct{}{}, err
		}
	}
	return struct{}{}, nil
}

// apiCall is one request to the API.
type apiCall struct {
	method, url, key, content string
	body                      []byte
	status                    int
}

func send(ctx context.Context, client *http.Client, c apiCall) error {
	q, err := http.NewRequestWithContext(ctx, c.method, c.url, bytes.NewReader(c.body))
	if err != nil {
		return err
	}
	q.Header.Set("Authorization", "Bearer "+c.key)
	q.Header.Set("Content-Type", c.content)
	_, err = exchange(client, q, c.status)
	return err
}
