package load

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// ExportLoop asks for the plainest export: read five hundred records, post
// them, read on.
type ExportLoop struct {
	Database string
	Client   string
	URL      string // of the receiver
}

// RecordsInAPage is the contract's size of a page.
const RecordsInAPage = 500

// Looped is how it went.
type Looped struct {
	Took  time.Duration
	Pages int
}

func exportLoop(ctx context.Context, in ExportLoop) (out Looped, err error) {
	s, err := store.Open(ctx, in.Database, store.Options{})
	if err != nil {
		return out, err
	}
	defer s.Close()
	client := newClient(1)
	defer client.CloseIdleConnections()
	from, err := time.ParseInLocation(time.DateOnly, RecordDay, webhook.ContractZone())
	if err != nil {
		return out, err
	}
	q := store.RecordQuery{
		Dataset: RecordDataset, ClientID: webhook.ClientID(in.Client), Limit: RecordsInAPage,
		Window: webhook.Window{From: from, To: from.AddDate(0, 0, 1)},
	}
	start := time.Now()
	for {
		rows, err := s.ReadRecords(ctx, q)
		if err != nil {
			return out, err
		}
		if len(rows) > 0 {
			out.Pages++
			q.After = rows[len(rows)-1].Position
			if err := postPage(ctx, client, in.URL, rows, out.Pages); err != nil {
				return out, err
			}
		}
		if len(rows) < q.Limit {
			out.Took = time.Since(start)
			return out, nil
		}
	}
}

// postPage posts the body that an export makes of these records.
func postPage(ctx context.Context, client *http.Client, url string, rows []store.StoredRecord, number int) error {
	body := fmt.Appendf(nil, `{"event":%q,"data":[`, RecordDataset.Spec().Event)
	for i := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, rows[i].Body...)
	}
	body = append(body, "]}"...)
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Webhook-Id", "page-"+strconv.Itoa(number))
	_, err = exchange(client, q, http.StatusOK)
	return err
}
