package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/config"
)

// session is one whose server is never called.
func session(t *testing.T, flags Flags, environ ...string) *Session {
	t.Helper()
	s := Open(t.Context(), Options{
		Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Environ: environ, Flags: &flags, Settings: config.Options{Environ: environ},
	})
	t.Cleanup(s.Close)
	return s
}

// TestTheLocalKeyStaysOnThisMachine: the key of the data directory is for the
// server beside it, and is sent to no other that an address names.
func TestTheLocalKeyStaysOnThisMachine(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, AdminKeyFile), []byte("local-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "other.key")
	if err := os.WriteFile(file, []byte("file-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, admin := "CARTEIRO_DATA_DIR="+dir, "CARTEIRO_ADMIN_KEY="+strings.Repeat("a", 32)
	for _, tc := range []struct {
		name     string
		flags    Flags
		environ  []string
		url, key string
	}{
		{"nothing is said", Flags{}, []string{data}, "http://127.0.0.1:8080", "local-key"},
		{"the settings say where", Flags{}, []string{data, "CARTEIRO_LISTEN=0.0.0.0:9"}, "http://localhost:9", "local-key"},
		{"the settings have the key", Flags{}, []string{data, admin}, "http://127.0.0.1:8080", strings.Repeat("a", 32)},
		{"another port of this machine", Flags{APIURL: "http://127.0.0.1:9"}, []string{data}, "http://127.0.0.1:9", "local-key"},
		{"another machine", Flags{APIURL: "https://carteiro.example"}, []string{data, admin}, "https://carteiro.example", ""},
		{"a name that begins alike", Flags{APIURL: "https://localhost.example"}, []string{data, admin}, "https://localhost.example", ""},
		{"by the environment", Flags{}, []string{data, "CARTEIRO_API_URL=https://carteiro.example/", "CARTEIRO_API_KEY=env-key"}, "https://carteiro.example", "env-key"},
		{"the flags count more", Flags{APIURL: "http://[::1]:9", APIKeyFile: file}, []string{data, "CARTEIRO_API_URL=https://carteiro.example", "CARTEIRO_API_KEY=env-key"}, "http://[::1]:9", "file-key"},
		{"a file of the environment", Flags{}, []string{data, "CARTEIRO_API_KEY_FILE=" + file}, "http://127.0.0.1:8080", "file-key"},
		{"no key anywhere", Flags{}, []string{"CARTEIRO_DATA_DIR=" + t.TempDir()}, "http://127.0.0.1:8080", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			api, err := session(t, tc.flags, tc.environ...).client()
			if err != nil {
				t.Fatal(err)
			}
			if api.URL() != tc.url || api.Key() != tc.key {
				t.Errorf("%s with %q, want %s with %q", api.URL(), api.Key(), tc.url, tc.key)
			}
		})
	}
}

func TestParseWhen(t *testing.T) {
	zone := time.FixedZone("", -3*60*60)
	now := time.Date(2025, 6, 20, 14, 53, 7, 0, zone) // a Friday
	for text, want := range map[string]string{
		"now": "2025-06-20T14:53:07-03:00", "today": "2025-06-20T00:00:00-03:00", "yesterday": "2025-06-19T00:00:00-03:00",
		"tuesday": "2025-06-17T00:00:00-03:00", "Fri": "2025-06-20T00:00:00-03:00", "sat": "2025-06-14T00:00:00-03:00",
		"90m": "2025-06-20T13:23:07-03:00", "7d": "2025-06-13T14:53:07-03:00", "2w": "2025-06-06T14:53:07-03:00",
		"2025-06-15": "2025-06-15T00:00:00-03:00", "2025-06-15 08:30": "2025-06-15T08:30:00-03:00", "2025-06-15T08:30:00Z": "2025-06-15T08:30:00Z",
		"14:53": "2025-06-20T14:53:00-03:00", "08:30:15": "2025-06-20T08:30:15-03:00",
	} {
		got, ok := parseWhen(text, now, -1)
		if !ok || got.Format(time.RFC3339) != want {
			t.Errorf("%q is %s (%v), want %s", text, got.Format(time.RFC3339), ok, want)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "25:00", "2025-13-01", "d", "-3d", "99999d"} {
		if got, ok := parseWhen(text, now, -1); ok {
			t.Errorf("%q is taken for %s", text, got)
		}
	}
	if got, ok := parseWhen("90d", now, 1); !ok || !got.Equal(now.Add(90*24*time.Hour)) {
		t.Errorf("in 90 days is %s", got)
	}
}

func TestEventsOfAFile(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1}` + "\n\n" + `{"a":2}`: `{"a":1}|{"a":2}`,
		` [ {"a":1.50} , {"a":2} ] `:   `{"a":1.50}|{"a":2}`,
		`{"events":[{"a":1}]}`:         `{"a":1}`,
		`{"events":[{"a":1}]} {"a":2}`: `{"events":[{"a":1}]}|{"a":2}`,
		``:                             "error: there are no events in it",
		`{"a":1}` + "\n" + `{"a"`:      "error: value 2 is no JSON: unexpected EOF",
		`[{"a":1},`:                    "error: unexpected end of JSON input",
		`{"events":[]}`:                "error: there are no events in it",
	} {
		events, err := splitEvents([]byte(text))
		var parts []string
		for _, e := range events {
			parts = append(parts, string(e))
		}
		got := strings.Join(parts, "|")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestWithMember(t *testing.T) {
	for object, want := range map[string]string{
		`{"a": 1.50, "b":{}}`: `{"client_id":"x\"y","a": 1.50, "b":{}}`,
		`{ }`:                 `{"client_id":"x\"y"}`,
	} {
		if got := withMember([]byte(object), "client_id", `x"y`); string(got) != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
