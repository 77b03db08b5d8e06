package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Every block of commands (```sh) of the README and of docs/ is run here, page
// by page, in order, against a server of its own. A block that cannot run here
// has a comment in the line before it that says why:
//
//	<!-- not run: it needs a cluster -->
//
// and one that the server may refuse, as things stand, says that:
//
//	<!-- may be refused: the job may have ended -->
//
// An id such as dlv_… stands for the last one of its kind that was shown.

// block is one block of commands.
type block struct {
	line   int
	text   string
	reason string // why it is not run; "": it is
	lax    bool   // the server may refuse it
}

var remark = regexp.MustCompile(`^<!-- (not run|may be refused): (.+) -->$`)

func blocksOf(page string) (blocks []block) {
	var open *block
	before := ""
	for i, line := range strings.Split(page, "\n") {
		switch {
		case open != nil && line == "```":
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		case line == "```sh":
			open = &block{line: i + 1}
			if m := remark.FindStringSubmatch(before); m != nil && m[1] == "not run" {
				open.reason = m[2]
			} else if m != nil {
				open.lax = true
			}
		}
		before = line
	}
	return blocks
}

// serveLine is what the README tells a reader to start; the servers of these
// tests are started alike.
const serveLine = "CARTEIRO_ALLOW_HTTP=true CARTEIRO_ALLOW_NETWORKS=127.0.0.0/8 go run ./cmd/carteiro serve\n"

// mostNotRun bounds the blocks that nobody runs.
const mostNotRun = 28

func TestCommandsOfTheDocs(t *testing.T) {
	for _, program := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CARTEIRO_TEST_SERVERS") == "required" {
				t.Fatalf("%s is not installed", program)
			}
			t.Skipf("%s is not installed", program)
		}
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for _, page := range append([]string{"../../README.md"}, pages...) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var run []block
		for _, b := range blocksOf(string(text)) {
			switch {
			case b.text == serveLine: // what follows uses it
			case b.reason == "":
				run = append(run, b)
			default:
				left++
				t.Logf("%s:%d is not run: %s", filepath.Base(page), b.line, b.reason)
			}
		}
		if len(run) > 0 {
			t.Run(strings.TrimSuffix(filepath.Base(page), ".md"), func(t *testing.T) {
				t.Parallel()
				runBlocks(t, filepath.Base(page), run)
			})
		}
	}
	if left > mostNotRun {
		t.Errorf("%d blocks are not run; at most %d may be left out", left, mostNotRun)
	}
}

// prelude is what the blocks run in: carteiro and curl are functions that note
// what they show and put ids for placeholders; a refusal of the server ends it.
const prelude = `set -euo pipefail
latest() { # the last id of a kind that was shown
  local file id
  local form="$1_[0-9a-z]{26}"
  [[ $1 != whsec ]] || form='whsec_[A-Za-z0-9+/=]+'
  for file in $(ls -r "$SEEN"); do
    id=$(grep -ohm1 -E "\b$form" "$SEEN/$file" | head -n 1 || true)
    [[ -z $id ]] || { printf %s "$id"; return; }
  done
  echo "no id $1_… was shown yet" >&2
  return 1
}
resolve() {
  args=()
  local a kind
  for a in "$@"; do
    for kind in dlv sub evt run ver key job aud whsec; do
      [[ $a != *"${kind}_…"* ]] || a=${a//"${kind}_…"/$(latest $kind)}
    done
    args+=("$a")
  done
}
note() { local out; out=$SEEN/$(printf %06d $((10#$(ls "$SEEN" | wc -l) + 1))); tee "$out"; }
strict=--fail-with-body
curl() { resolve "$@"; command curl $strict --max-time 20 "${args[@]}" | note; }
carteiro() {
  resolve "$@"
  case "$*" in
  listen* | *tail*) # until Ctrl-C; on any port
    local code=0
    timeout -s INT 1 "$CARTEIRO" "${args[@]/#9000/0}" || code=$?
    [[ $code == 124 ]] || { echo "carteiro $* ended with $code" >&2; return 1; }
    ;;
  *) "$CARTEIRO" "${args[@]}" | note ;;
  esac
}
command -v jq >/dev/null || jq() { cat >/dev/null; } # it is not the program that is tried here
go() { echo "go $*"; } # it has tests of its own, and pprof is built first
`

// world is there before the first block: one of each thing that a placeholder
// may stand for.
const world = `
export AUTH="Authorization: Bearer $(cat data/admin.key)" API=http://127.0.0.1:8080/v1
{
curl -sH "$AUTH" $API/subscriptions --json '{"client_id":"acme","url":"http://127.0.0.1:9000/failing","event_types":["*"]}'
curl -sH "$AUTH" $API/events --json '{"type":"shop.product.redemption","client_id":"acme","data":{"user":{"id":"123","name":"Aluno"},"exchange":{"id":"321","quantity":"1"}}}'
curl -sH "$AUTH" $API/verifications --json '{"nationalId":"012345678900","verifications":{},"callback":{"url":"http://127.0.0.1:9000/x","method":"POST"}}'
curl -sH "$AUTH" $API/api-keys --json '{"name":"first","role":"producer"}'
curl -sH "$AUTH" $API/exports/vendas/runs --json '{}'
} >/dev/null
`

// recordFiles are the files that the page on records imports.
var recordFiles = map[string]string{
	"vendas.ndjson": `{"_id":"60d21b4667d0d8992e610c85","total":2990,"updatedAt":"2025-06-15T18:00:00Z"}` + "\n",
	"tickets.json":  `[{"_id":"60d21b4667d0d8992e610c86","project_id":"acme","checkin":true,"updatedAt":"2025-06-15T18:00:00Z"}]`,
}

func runBlocks(t *testing.T, page string, blocks []block) {
	t.Helper()
	scratch := t.TempDir()
	seen := filepath.Join(scratch, "seen")
	root, err := filepath.Abs("../..")
	if err == nil {
		err = os.Mkdir(seen, 0o700)
	}
	for name, text := range recordFiles {
		if err == nil {
			err = os.WriteFile(filepath.Join(scratch, name), []byte(text), 0o600)
		}
	}
	if err == nil {
		err = os.Symlink(filepath.Join(root, "docs"), filepath.Join(scratch, "docs"))
	}
	if err != nil {
		t.Fatal(err)
	}
	var failed atomic.Bool
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/failing" && !failed.Swap(true) {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte(`{"status":"received"}`)) // who sends looks at what arrives
	}))
	t.Cleanup(receiver.Close)
	p := start(t, filepath.Join(scratch, "data"), nil, "serve")
	var script strings.Builder
	script.WriteString(prelude + world)
	for _, b := range blocks {
		strict := "--fail-with-body"
		if b.lax {
			strict = ""
		}
		fmt.Fprintf(&script, "echo '== %s:%d' >&2\nstrict=%s\n%s\n", page, b.line, strict, b.text)
	}
	text := strings.NewReplacer(
		"go run ./cmd/carteiro", "carteiro", "profile?seconds=5", "profile?seconds=1", "http://127.0.0.1:8080", p.base, "127.0.0.1:9000", strings.TrimPrefix(receiver.URL, "http://"),
	).Replace(script.String())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", text)
	cmd.Dir = scratch
	cmd.Env = []string{
		"SEEN=" + seen, "CARTEIRO=" + self, runAsProgram + "=1", "PATH=" + os.Getenv("PATH"), "HOME=" + scratch, "LC_ALL=C.UTF-8",
		"CARTEIRO_LISTEN=" + strings.TrimPrefix(p.base, "http://"), "CARTEIRO_ADMIN_KEY=" + p.key,
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, lastLines(out.String(), 40))
	}
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// TestBlocksOfAPage: what a page is read as.
func TestBlocksOfAPage(t *testing.T) {
	got := blocksOf("a\n```sh\none\n\ntwo\n```\n<!-- not run: because -->\n```sh\nthree\n```\n```json\n{}\n```\n")
	if len(got) != 2 || got[0] != (block{2, "one\n\ntwo\n", "", false}) || got[1] != (block{8, "three\n", "because", false}) {
		t.Errorf("%+v", got)
	}
}
