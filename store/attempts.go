package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

var attemptColumns = []column{
	{"delivery_id", text},
	{"number", number},
	{"trigger", text},
	{"started_at", number},
	{"duration_us", number},
	{"status", number},
	{"error_code", text},
	{"detail", binary},
	{"response_body", binary},
}

func attemptRow(id webhook.DeliveryID, a *webhook.Attempt) []any {
	var body any
	if a.ResponseBody != nil {
		body = a.ResponseBody
	}
	detail := appendDetail(make([]byte, 0, 1024), a)
	return []any{
		string(id), int64(a.Number), string(a.Trigger), micros(a.StartedAt), a.Duration.Microseconds(),
		int64(a.Status), string(a.ErrorCode()), detail, body,
	}
}

func scanAttempt(row interface{ Scan(...any) error }) (webhook.Attempt, error) {
	var a webhook.Attempt
	var started, duration int64
	var code webhook.ErrorCode
	var detail []byte
	err := row.Scan(&a.Number, &a.Trigger, &started, &duration, &a.Status, &code, &detail, &a.ResponseBody)
	if err != nil {
		return a, err
	}
	var d attemptDetail
	if err := json.Unmarshal(detail, &d); err != nil {
		return a, fmt.Errorf("attempt %d: detail: %w", a.Number, err)
	}
	a.StartedAt, a.Duration = stored(started), time.Duration(duration)*time.Microsecond
	a.URL, a.RemoteAddr = d.URL, d.RemoteAddr
	a.Timing = webhook.Timing{DNS: d.DNS, Connect: d.Connect, TLS: d.TLS, FirstByte: d.FirstByte}
	a.RequestHeaders, a.ResponseHeaders = d.RequestHeaders, d.ResponseHeaders
	a.ResponseTruncated, a.Warnings = d.Truncated, d.Warnings
	a.Late, a.Waited = d.Late, d.Waited
	if a.Warnings == nil {
		a.Warnings = []string{}
	}
	if code != webhook.ErrorNone {
		a.Error = &webhook.AttemptError{Code: code, Message: d.Error}
	}
	return a, nil
}

// Attempts returns a delivery's attempts, the first one first.
func (s *Store) Attempts(ctx context.Context, id webhook.DeliveryID) ([]webhook.Attempt, error) {
	return list(ctx, s, `
		SELECT number, trigger, started_at, duration_us, status, error_code, detail, response_body
		FROM attempts WHERE delivery_id = $1 ORDER BY number`, []any{string(id)}, scanAttempt)
}
