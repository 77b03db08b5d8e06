package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/docs/examples/verify"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

const snippets = "../../docs/examples/verify/"

// message is one request, with what a receiver has to say of it.
type message struct {
	Name    string            `json:"name"`
	Secret  string            `json:"secret"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Want    bool              `json:"want"`
}

// signed makes a message as the sender signs it.
func signed(name string, at time.Time, body string, keys ...webhook.Secret) message {
	id := webhook.NewMessageID()
	return message{
		Name: name, Secret: keys[0].Reveal(), Body: body, Want: true,
		Headers: map[string]string{
			"webhook-id": string(id), "webhook-timestamp": fmt.Sprint(at.Unix()),
			"webhook-signature": sender.Sign(keys, id, at, []byte(body)),
		},
	}
}

// changed is a message with something changed, which makes it wrong.
func (m message) changed(name string, change func(*message)) message {
	headers := map[string]string{}
	for k, v := range m.Headers {
		headers[k] = v
	}
	m.Name, m.Headers, m.Want = name, headers, false
	change(&m)
	return m
}

func messages() []message {
	now := time.Now()
	current, former := webhook.NewSecret(), webhook.NewSecret()
	const body = `{"event":{"name":"Resgate do Produto","slug":"shop.product.redemption","send_at":"2025-06-20 14:53:00"},"data":{"user":{"name":"João & <Zoë> \u00e9"}}}`
	good := signed("right", now, body, current)
	rotating := signed("while a rotation overlaps, by the new secret", now, body, current, former)
	older := rotating.changed("while a rotation overlaps, by the former secret", func(m *message) { m.Secret = former.Reveal() })
	older.Want = true
	set := func(header, value string) func(*message) {
		return func(m *message) { m.Headers[header] = value }
	}
	both := signed("ed25519 beside it", now, body, current, webhook.SigningEd25519.NewSecret())
	return []message{
		good, rotating, older, both,
		signed("an empty body", now, "", current),
		signed("four minutes old", now.Add(-4*time.Minute), body, current),
		good.changed("another secret", func(m *message) { m.Secret = webhook.NewSecret().Reveal() }),
		good.changed("the former secret, after the overlap", func(m *message) { m.Secret = former.Reveal() }),
		good.changed("a tampered body", func(m *message) { m.Body = strings.Replace(m.Body, "14:53", "14:54", 1) }),
		good.changed("a body that was parsed and written again", func(m *message) { m.Body = strings.Replace(m.Body, `\u00e9`, "é", 1) }),
		good.changed("another id", set("webhook-id", "evt_other")),
		good.changed("another time", set("webhook-timestamp", fmt.Sprint(now.Unix()-1))),
		good.changed("a time that is none", set("webhook-timestamp", "now")),
		good.changed("no time", set("webhook-timestamp", "")),
		good.changed("no signature", set("webhook-signature", "")),
		good.changed("another version", set("webhook-signature", strings.Replace(good.Headers["webhook-signature"], "v1,", "v2,", 1))),
		good.changed("a secret that is none", func(m *message) { m.Secret = "whsec_" }),
		stale("ten minutes old", now.Add(-10*time.Minute), body, current),
		stale("ten minutes ahead", now.Add(10*time.Minute), body, current),
	}
}

func stale(name string, at time.Time, body string, key webhook.Secret) message {
	m := signed(name, at, body, key)
	m.Want = false
	return m
}

func TestVerifyInGo(t *testing.T) {
	for _, m := range messages() {
		h := http.Header{}
		for name, value := range m.Headers {
			h.Set(name, value)
		}
		if got := verify.Verify(m.Secret, h, []byte(m.Body)); got != m.Want {
			t.Errorf("%s: %v", m.Name, got)
		}
	}
}

// The drivers read the messages and print a line for each: its name and what
// the snippet says.
const (
	pythonDriver = `
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from verify import verify
for m in json.load(sys.stdin):
    print(json.dumps([m["name"], verify(m["secret"], m["headers"], m["body"].encode())], separators=(",", ":")))
`
	nodeDriver = `
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
const { verify } = await import(pathToFileURL(process.argv[2] + "verify.mjs"));
for (const m of JSON.parse(readFileSync(0, "utf8")))
  console.log(JSON.stringify([m.name, verify(m.secret, m.headers, Buffer.from(m.body))]));
`
	phpDriver = `
require $argv[1] . 'verify.php';
foreach (json_decode(stream_get_contents(STDIN), true) as $m)
  echo json_encode([$m['name'], verify($m['secret'], $m['headers'], $m['body'])]), "\n";
`
)

func TestVerifyInPython(t *testing.T) { runSnippet(t, "python3", "-c", pythonDriver, snippets) }

func TestVerifyInNode(t *testing.T) {
	driver := t.TempDir() + "/driver.mjs"
	if err := os.WriteFile(driver, []byte(nodeDriver), 0o600); err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	runSnippet(t, "node", driver, here+"/"+snippets)
}

func TestVerifyInPHP(t *testing.T) { runSnippet(t, "php", "-r", phpDriver, "--", snippets) }

func runSnippet(t *testing.T, program string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CARTEIRO_TEST_SERVERS") == "required" {
			t.Fatalf("%s is not installed", program)
		}
		t.Skipf("%s is not installed", program)
	}
	all := messages()
	in, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(in)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, &complaints)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(all) {
		t.Fatalf("%d answers to %d messages:\n%s", len(lines), len(all), out)
	}
	for i, line := range lines {
		want, err := json.Marshal([]any{all[i].Name, all[i].Want})
		if err != nil {
			t.Fatal(err)
		}
		if line != string(want) {
			t.Errorf("%s, want %s", line, want)
		}
	}
}

// TestPagesShowTheSnippets: what a reader copies is what was tested.
func TestPagesShowTheSnippets(t *testing.T) {
	for _, page := range []string{"receiving.md", "recebendo.md"} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil {
			t.Fatal(err)
		}
		for file, fence := range map[string]string{"verify.go": "go", "verify.py": "python", "verify.mjs": "js", "verify.php": "php"} {
			snippet, err := os.ReadFile(snippets + file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "```"+fence+"\n"+string(snippet)+"```\n") {
				t.Errorf("docs/%s does not show %s as it is; UPDATE: copy the file between the fences", page, file)
			}
		}
	}
}
