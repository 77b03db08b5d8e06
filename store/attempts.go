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

// attemptDetail is the part of an attempt that no statement looks into.
type attemptDetail struct {
	URL             string              `json:"url"`
	RemoteAddr      string              `json:"remote,omitempty"`
	DNS             *time.Duration      `json:"dns,omitempty"`
	Connect         *time.Duration      `json:"connect,omitempty"`
	TLS             *time.Duration      `json:"tls,omitempty"`
	FirstByte       *time.Duration      `json:"first_byte,omitempty"`
	Error           string              `json:"error,omitempty"`
	RequestHeaders  map[string]string   `json:"request,omitempty"`
	ResponseHeaders map[string][]string `json:"response,omitempty"`
	Truncated       bool                `json:"truncated,omitempty"`
	Warnings        []string            `json:"warnings,omitempty"`
	Late            *time.Duration      `json:"late,omitempty"`
	Waited          bool                `json:"waited,omitempty"`
}

func attemptRow(id webhook.DeliveryID, a *webhook.Attempt) ([]any, error) {
	d := attemptDetail{
		URL: a.URL, RemoteAddr: a.RemoteAddr, DNS: a.Timing.DNS, Connect: a.Timing.Connect, TLS: a.Timing.TLS,
		FirstByte: a.Timing.FirstByte, RequestHeaders: a.RequestHeaders, ResponseHeaders: a.ResponseHeaders,
		Truncated: a.ResponseTruncated, Warnings: a.Warnings, Late: a.Late, Waited: a.Waited,
	}
	if a.Error != nil {
		d.Error = a.Error.Message
	}
	detail, err := json.Marshal(&d)
	if err != nil {
		return nil, fmt.Errorf("attempt %d of %s: %w", a.Number, id, err)
	}
	return []any{
		string(id), int64(a.Number), string(a.Trigger), micros(a.StartedAt), a.Duration.Microseconds(),
		int64(a.Status), string(a.ErrorCode()), detail, a.ResponseBody,
	}, nil
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
