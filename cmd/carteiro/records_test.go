package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/sample"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

func writeFile(t *testing.T, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "records")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestRecordsImport loads files through a real server: more records than one
// call takes, again, with refused ones, and as an array.
func TestRecordsImport(t *testing.T) {
	p := start(t, t.TempDir(), nil, "serve")
	env := []string{"CARTEIRO_API_KEY=" + p.key}
	g := sample.New(1, sample.Window())
	load := func(file string, args ...string) (code int, stdout, stderr string) {
		return command(env, append([]string{"records", "import", file, "--api-url", p.base}, args...)...)
	}
	const n = 12_000
	file := writeFile(t, g.Lines(nil, webhook.Cadastros, 0, n))
	for _, want := range []string{"12000 records read: 12000 accepted, 0 unchanged, 0 refused.\n", "12000 records read: 0 accepted, 12000 unchanged, 0 refused.\n"} {
		if code, out, errs := load(file, "--dataset", "cadastros", "--client", "acme"); code != exitOK || out != want {
			t.Errorf("exit %d, %q, %q, want %q", code, out, errs, want)
		}
	}
	p.call("POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9/x","event_types":["cadastro_export"]}`, nil)
	var preview struct{ Clients []struct{ Records int64 } }
	p.call("GET", "/v1/exports/cadastros/preview?start_date=2025-06-15&end_date=2025-06-15&client_id=acme", "", &preview)
	if len(preview.Clients) != 1 || preview.Clients[0].Records != n {
		t.Errorf("the export would have %+v", preview)
	}

	array := "[" + strings.Join(strings.Split(strings.TrimSpace(string(g.Lines(nil, webhook.Vendas, 0, 5))), "\n"), ",\n") + `,{"_id":"x","total":1.5}]`
	code, out, errs := load(writeFile(t, []byte(array)), "--dataset", "vendas", "--client-field", "project_id")
	if code != exitFailed || !strings.Contains(out, "6 records read: 5 accepted, 0 unchanged, 1 refused") || !strings.Contains(errs, "line 6: x ") {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
	refused := filepath.Join(t.TempDir(), "refused.ndjson")
	code, _, errs = load(writeFile(t, []byte("{}\n{\"_id\":\"<&>\"}\n")), "--dataset", "vendas", "--client", "acme", "--refused", refused)
	text, err := os.ReadFile(refused)
	if code != exitFailed || err != nil || strings.Contains(errs, "line 1") {
		t.Fatalf("exit %d, %v, %q", code, err, errs)
	}
	var lines []map[string]any
	for dec := json.NewDecoder(bytes.NewReader(text)); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if len(lines) != 2 || lines[1]["line"] != 2.0 || lines[1]["key"] != "<&>" || lines[1]["reason"] != `"updatedAt" is missing` {
		t.Errorf("refused: %s", text)
	}
}

func TestRecordsImportSaysWhatIsWrong(t *testing.T) {
	file := writeFile(t, []byte("{}\n"))
	key := []string{"CARTEIRO_API_KEY=k"}
	for _, tc := range []struct {
		name string
		env  []string
		args []string
		code int
		want string
	}{
		{"no client", key, []string{file, "--dataset", "vendas"}, exitUsage, "--client"},
		{"two clients", key, []string{file, "--dataset", "vendas", "--client", "a", "--client-field", "b"}, exitUsage, "--client"},
		{"no dataset", key, []string{file, "--client", "a"}, exitUsage, "--dataset"},
		{"no such dataset", key, []string{file, "--dataset", "sales", "--client", "a"}, exitUsage, "cadastros, vendas, ingressos and financeiro"},
		{"no file", key, []string{file + "x", "--dataset", "vendas", "--client", "a"}, exitFailed, "no such file"},
		{"nobody answers", key, []string{file, "--dataset", "vendas", "--client", "a", "--api-url", "http://127.0.0.1:1"}, exitFailed, "records 1 to 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			code, _, stderr := command(tc.env, append([]string{"records", "import"}, tc.args...)...)
			if code != tc.code || !strings.Contains(stderr, tc.want) {
				t.Errorf("exit %d, %q, want %d and %q", code, stderr, tc.code, tc.want)
			}
		})
	}
}
