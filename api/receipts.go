package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"github.com/carteiro-webhooks/carteiro/store"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// maxReceipt is how many pages one receipt tells of; it is held in memory.
const maxReceipt = 20_000

type receiptQuery struct {
	ID       webhook.RunID    `path:"id"`
	ClientID webhook.ClientID `query:"client_id" doc:"the receipt of one client"`
	Format   string           `query:"format" enum:"json,csv" doc:"json, or csv as with Accept: text/csv"`

	csv bool
}

// Resolve finds out which form is wanted. A format in the query counts more
// than an Accept header.
func (q *receiptQuery) Resolve(ctx huma.Context) []error {
	var f webhook.Faults
	checkClientID(&f, "client_id", q.ClientID, false)
	accept := humagin.Unwrap(ctx).Request.Header.Get("Accept")
	q.csv = q.Format == "csv" || (q.Format == "" && strings.Contains(accept, contentCSV))
	return asErrors(f)
}

const contentCSV = "text/csv"

// receipt is the whole of a run: what was sent, and what became of it.
type receipt struct {
	RunView
	PageList []pageView `json:"page_list" nullable:"false" doc:"every page, by client and number"`
	csv      bool
}

func (r receipt) contentType() string {
	if r.csv {
		return contentCSV + "; charset=utf-8"
	}
	return contentJSON
}

func (a *api) getReceipt(ctx context.Context, in *receiptQuery) (*reply[receipt], error) {
	run, err := a.findRun(ctx, in.ID, in.ClientID)
	if err != nil {
		return nil, err
	}
	rows, err := a.o.Store.PageReceipts(ctx, store.PageFilter{RunID: run.ID, ClientID: in.ClientID, Limit: maxReceipt + 1})
	if err != nil {
		return nil, err
	}
	if len(rows) > maxReceipt {
		var f webhook.Faults
		f.Add("client_id", "this run has more than %d pages: ask for one client's receipt, or page through GET /v1/runs/%s", maxReceipt, run.ID)
		return nil, f.Err()
	}
	v := receipt{RunView: run, PageList: make([]pageView, len(rows)), csv: in.csv}
	for i := range rows {
		v.PageList[i] = viewPage(&rows[i])
	}
	if !in.csv {
		return &reply[receipt]{Value: v}, nil
	}
	body, err := receiptCSV(&v, rows)
	return &reply[receipt]{Value: v, Raw: body}, err
}

// receiptColumns are the columns of the CSV: one row for each page and each of
// its deliveries.
var receiptColumns = []string{
	"run_id", "export", "start_date", "end_date", "client_id", "page", "pages", "records", "bytes", "sha256", "message_id",
	"delivery_id", "subscription_id", "state", "attempts", "last_status", "last_error", "sent_at", "ended_at",
}

func receiptCSV(v *receipt, rows []store.PageReceipt) ([]byte, error) {
	pages := map[webhook.ClientID]int{}
	for _, c := range v.Clients {
		pages[c.ClientID] = c.Pages
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.Write(receiptColumns); err != nil {
		return nil, err
	}
	for i := range rows {
		p := &rows[i]
		page := []string{
			string(v.ID), v.Export, v.StartDate, v.EndDate, string(p.ClientID), strconv.Itoa(p.Number), strconv.Itoa(pages[p.ClientID]),
			strconv.Itoa(p.Records), strconv.Itoa(p.Bytes), fmt.Sprintf("%x", p.SHA256), string(p.MessageID),
		}
		if len(p.Deliveries) == 0 { // it is not sent yet
			p.Deliveries = []store.PageDelivery{{}}
		}
		for _, d := range p.Deliveries {
			if err := w.Write(append(page[:len(page):len(page)], deliveryFields(&d)...)); err != nil {
				return nil, err
			}
		}
	}
	w.Flush()
	return b.Bytes(), w.Error()
}

func deliveryFields(d *store.PageDelivery) []string {
	if d.ID == "" {
		return make([]string, 8)
	}
	status, ended := "", ""
	if d.LastStatus != nil {
		status = strconv.Itoa(*d.LastStatus)
	}
	if d.FinishedAt != nil {
		ended = d.FinishedAt.Format(time.RFC3339)
	}
	return []string{
		string(d.ID), string(d.SubscriptionID), string(d.State), strconv.Itoa(d.AttemptCount), status, string(d.LastError),
		d.CreatedAt.Format(time.RFC3339), ended,
	}
}
