package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/internal/records"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type recordsCommand struct {
	Flags
	Import importRecords `cmd:"" aliases:"put" help:"Send the records of a file (NDJSON or a JSON array), however large."`
}

type importRecords struct {
	File        string `arg:"" help:"The file; - is the standard input."`
	Dataset     string `required:"" predictor:"export" help:"cadastros, vendas, ingressos or financeiro." placeholder:"NAME"`
	Client      string `xor:"client" required:"" predictor:"client" help:"Whose the records are." placeholder:"ID"`
	ClientField string `xor:"client" required:"" help:"The field of each record that holds its client's id." placeholder:"FIELD"`
	Refused     string `help:"Write the refused records to this file, a line of JSON each, and not to the standard error." placeholder:"FILE"`
}

// callTimeout bounds one call of ten thousand records.
const callTimeout = 2 * time.Minute

// Run sends the file. It fails when anything was refused.
func (c importRecords) Run(s *Session) (err error) {
	if _, err := webhook.ParseDataset(c.Dataset); err != nil {
		return usage("%v", err)
	}
	api, err := s.client()
	if err != nil {
		return err
	}
	src, size, err := s.open(c.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	refused, closeRefused, err := c.refusals(s)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeRefused()) }()

	client := &http.Client{Timeout: callTimeout}
	defer client.CloseIdleConnections()
	read := &counted{Reader: src}
	bar := s.note.Progress("reading", size)
	sum, err := (&records.Import{
		Server: api.URL(), Key: api.Key(), Dataset: c.Dataset, ClientID: c.Client, ClientField: c.ClientField, HTTP: client, Refused: refused,
		Progress: func(sum records.Summary) { bar.At(read.n, size, told(sum)) },
	}).Run(s, read)
	bar.End()
	return errors.Join(s.told(sum), c.failure(sum, err))
}

func told(sum records.Summary) string {
	return fmt.Sprintf("%d records read: %d accepted, %d unchanged, %d refused", sum.Read, sum.Accepted, sum.Unchanged, sum.Refused)
}

func (s *Session) told(sum records.Summary) error {
	if s.o.Flags.JSON {
		return s.encode(map[string]int{"read": sum.Read, "accepted": sum.Accepted, "unchanged": sum.Unchanged, "refused": sum.Refused})
	}
	return s.out.Line("%s.", told(sum))
}

func (c importRecords) failure(sum records.Summary, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("the import stopped: %w; run it again when that is mended: what is stored already counts as unchanged", err)
	case sum.Refused > 0:
		return errors.New(show.Count(int64(sum.Refused), "record was", "records were") + " refused")
	}
	return nil
}

// counted counts what is read.
type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	return n, err
}

// refusals returns what to do with a refused record.
func (c importRecords) refusals(s *Session) (tell func(records.Refused), end func() error, err error) {
	if c.Refused == "" {
		return func(r records.Refused) {
			_ = s.note.Line("line %d: %s %s", r.Line, show.OneLine(r.Key), show.OneLine(r.Reason))
		}, func() error { return nil }, nil
	}
	f, err := os.OpenFile(c.Refused, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) // keys may be personal data
	if err != nil {
		return nil, nil, err
	}
	lines := json.NewEncoder(f)
	lines.SetEscapeHTML(false)
	var failed error
	tell = func(r records.Refused) { failed = errors.Join(failed, lines.Encode(r)) }
	return tell, func() error { return errors.Join(failed, f.Close()) }, nil
}
