package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/internal/records"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type recordsCommand struct {
	Import importCommand `cmd:"" help:"Send the records of a file (NDJSON or a JSON array) to a running server."`
}

type importCommand struct {
	File        string `arg:"" help:"The file; - is the standard input."`
	Dataset     string `required:"" help:"cadastros, vendas, ingressos or financeiro." placeholder:"NAME"`
	Client      string `xor:"client" required:"" help:"Whose the records are." placeholder:"ID"`
	ClientField string `xor:"client" required:"" help:"The field of each record that holds its client's id." placeholder:"FIELD"`
	Server      string `default:"http://127.0.0.1:8080" help:"Address of the server." placeholder:"URL"`
	Key         string `help:"API key with the role producer [CARTEIRO_API_KEY]." placeholder:"KEY"`
	Refused     string `help:"Write the refused records to this file, a line of JSON each, and not to the standard error." placeholder:"FILE"`
}

// callTimeout bounds one call of ten thousand records.
const callTimeout = 2 * time.Minute

// Run sends the file. It fails when anything was refused.
func (c importCommand) Run(r runContext) (err error) {
	if _, err := webhook.ParseDataset(c.Dataset); err != nil {
		return err
	}
	key := c.Key
	if key == "" {
		key = environment(r.environ, config.APIKeyEnv)
	}
	if key == "" {
		return fmt.Errorf("an API key is needed: give --key or set %s; beside the server, %[1]s=$(cat data/admin.key)", config.APIKeyEnv)
	}
	src, size, err := c.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	refused, closeRefused, err := c.refusals(r.stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeRefused()) }()

	client := &http.Client{Timeout: callTimeout}
	defer client.CloseIdleConnections()
	bar := newProgress(r.stderr, src, size)
	sum, err := (&records.Import{
		Server: c.Server, Key: key, Dataset: c.Dataset, ClientID: c.Client, ClientField: c.ClientField,
		HTTP: client, Progress: bar.show, Refused: refused,
	}).Run(r, bar)
	bar.end()
	fmt.Fprintf(r.stdout, "%d records read: %d accepted, %d unchanged, %d refused.\n", sum.Read, sum.Accepted, sum.Unchanged, sum.Refused)
	switch {
	case err != nil:
		return fmt.Errorf("the import stopped: %w; run it again when that is mended: what is stored already counts as unchanged", err)
	case sum.Refused == 1:
		return errors.New("one record was refused")
	case sum.Refused > 0:
		return fmt.Errorf("%d records were refused", sum.Refused)
	}
	return nil
}

// open returns the file and its size, 0 when that is not known.
func (c importCommand) open() (io.ReadCloser, int64, error) {
	if c.File == "-" {
		return io.NopCloser(os.Stdin), 0, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// refusals returns what to do with a refused record.
func (c importCommand) refusals(stderr io.Writer) (tell func(records.Refused), end func() error, err error) {
	if c.Refused == "" {
		return func(r records.Refused) {
			fmt.Fprintf(stderr, "line %d: %s %s\n", r.Line, r.Key, r.Reason)
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

// environment is the value of a variable, or "".
func environment(environ []string, name string) string {
	value := ""
	for _, pair := range environ {
		if v, ok := strings.CutPrefix(pair, name+"="); ok {
			value = v
		}
	}
	return value
}

// progress reads a file and shows how far it is: a bar on a terminal,
// otherwise a line now and then.
type progress struct {
	src      io.Reader
	w        io.Writer
	read     int64
	size     int64 // of the file; 0: not known
	terminal bool
	told     int // records at the last line
}

const (
	barWidth  = 40
	lineEvery = 100_000 // records
)

func newProgress(w io.Writer, src io.Reader, size int64) *progress {
	p := &progress{src: src, w: w, size: size}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.src.Read(b)
	p.read += int64(n)
	return n, err
}

func (p *progress) show(s records.Summary) {
	switch {
	case p.terminal && p.size > 0:
		done := min(float64(p.read)/float64(p.size), 1) // it may grow meanwhile
		full := int(done * barWidth)
		fmt.Fprintf(p.w, "\r[%s%s] %3.0f %%  %d records, %d refused", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100, s.Read, s.Refused)
	case p.terminal:
		fmt.Fprintf(p.w, "\r%d records, %d refused", s.Read, s.Refused)
	case s.Read-p.told >= lineEvery:
		p.told = s.Read
		fmt.Fprintf(p.w, "%d records read: %d accepted, %d unchanged, %d refused\n", s.Read, s.Accepted, s.Unchanged, s.Refused)
	}
}

// end leaves the bar's line.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprintln(p.w)
	}
}
