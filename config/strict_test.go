package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/config"
)

func TestUnknownNamesAreErrors(t *testing.T) {
	for _, tc := range []struct {
		name string
		o    config.Options
		want string // the problem, where FILE stands for the file's name
	}{
		{"variable", config.Options{Environ: []string{"CARTEIRO_REDIS_URI=x"}}, "CARTEIRO_REDIS_URI: there is no such setting; did you mean CARTEIRO_REDIS_URL?"},
		{"variable of the file", config.Options{Environ: []string{"CARTEIRO_CONFG=x"}}, "CARTEIRO_CONFG: there is no such setting; did you mean CARTEIRO_CONFIG?"},
		{"variable like no other", config.Options{Environ: []string{"CARTEIRO_FROBNICATE=x"}}, "CARTEIRO_FROBNICATE: there is no such setting"},
		{"empty variable", config.Options{Environ: []string{"CARTEIRO_WORKER="}}, "CARTEIRO_WORKER: there is no such setting; did you mean CARTEIRO_WORKERS?"},
		{"flag", config.Options{Flags: map[string]string{"listn": "x"}}, "flag listn: there is no such setting; did you mean listen?"},
		{"key", config.Options{File: settings(t, "workers: 2\n\nredis-url: embedded\n")}, "FILE:3: redis-url: there is no such setting; did you mean redis_url?"},
		{"key with the prefix", config.Options{File: settings(t, "CARTEIRO_LISTEN: x\n")}, "FILE:1: CARTEIRO_LISTEN: there is no such setting"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := problems(t, tc.o)
			want := strings.ReplaceAll(tc.want, "FILE", tc.o.File)
			if len(got) != 1 || got[0].String() != want {
				t.Errorf("problems %q, want %q", got, want)
			}
		})
	}
}

func TestFaultsOfTheFile(t *testing.T) {
	for _, tc := range []struct{ text, want string }{
		{"listen: [a, [b]]\n", ":1: listen: must be a plain value"},
		{"listen:\n  host: x\n", ":1: listen: must be a plain value"},
		{"workers: 2\nlisten: &a x:1\n", ":2: listen: must be a plain value"},
		{"roles: []\n", ":1: roles: is an empty list"},
		{"retry_schedule: []\n", ":1: retry_schedule: is an empty list"},
		{"workers: 2\nworkers: 3\n", ":2: is not YAML: mapping key \"workers\" already defined"},
		{"listen: \"x\n", ":1: is not YAML"},
		{"workers: 2\n---\nworkers: 3\n", "2 YAML documents"},
		{"- listen\n", "must hold settings"},
		{"listen\n", "must hold settings"},
		{"\nworkers: many\n", `:2: workers: "many" is not a whole number; allowed: auto`},
	} {
		got := problems(t, config.Options{File: settings(t, tc.text)})
		if len(got) != 1 || !strings.Contains(got[0].String(), tc.want) {
			t.Errorf("file %q: problems %q, want %q", tc.text, got, tc.want)
		}
	}
	missing := filepath.Join(t.TempDir(), "none.yaml")
	if got := problems(t, config.Options{File: missing})[0]; got.Where != missing || !strings.Contains(got.Message, "no such file") {
		t.Errorf("missing file: %q", got)
	}
}

func TestAllFaultsAreToldAtOnce(t *testing.T) {
	file := settings(t, "workers: many\nlog_format: xml\nlog_levl: info\n")
	_, err := config.Load(config.Options{
		File:    file,
		Environ: []string{"CARTEIRO_LISTEN=8080", "CARTEIRO_FOO=1"},
		Flags:   map[string]string{"data_dirs": "x", "delivery_timeout": "2m"},
	})
	if err == nil {
		t.Fatal("no error")
	}
	got := strings.ReplaceAll(err.Error(), file, "FILE")
	want := `7 settings are wrong:
  FILE:3: log_levl: there is no such setting; did you mean log_level?
  CARTEIRO_FOO: there is no such setting
  flag data_dirs: there is no such setting; did you mean data_dir?
  FILE:1: workers: "many" is not a whole number; allowed: auto, or a number from 1 to 4096
  CARTEIRO_LISTEN: "8080" is not an address with a port; allowed: host:port, such as 127.0.0.1:8080
  --delivery-timeout: "2m" is out of range; allowed: a duration from 1s to 30s, such as 15s
  FILE:2: log_format: "xml" is not one of these; allowed: text or json`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

// planted must not be seen anywhere. It is long enough for an admin key.
const planted = "planted-hunter2-planted-hunter2-planted"

func TestSecretsAreNeverShown(t *testing.T) {
	c := load(t, config.Options{Environ: []string{
		"CARTEIRO_ADMIN_KEY=" + planted,
		"CARTEIRO_SECRET_KEY=" + secretKey, "CARTEIRO_SECRET_KEYS_OLD=" + secretKey,
		"CARTEIRO_DATABASE_URL=postgres://carteiro:" + planted + "@h/d?sslpassword=" + planted,
		"CARTEIRO_REDIS_URL=redis+sentinel://" + planted + "@a:1,b:2/main",
		"CARTEIRO_MONGO_URL=mongodb://u:p@" + planted + "/x@h1:1,h2:2/d?authMechanismProperties=AWS_SESSION_TOKEN:" + planted,
	}})
	if c.AdminKey.Reveal() != planted {
		t.Fatalf("Reveal gives %q", c.AdminKey.Reveal())
	}
	var printed, text, lines bytes.Buffer
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewTextHandler(&text, nil)).Info("start", "config", c, "value", *c, "key", c.AdminKey)
	slog.New(slog.NewJSONHandler(&lines, nil)).Info("start", "config", c, "key", c.AdminKey)
	wrapped := struct{ key config.Secret }{c.AdminKey}
	shown := map[string]string{"Print": printed.String(), "slog text": text.String(), "slog JSON": lines.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		shown["config "+verb] = fmt.Sprintf(verb+verb, c, *c)
		shown["secret "+verb] = fmt.Sprintf(verb+verb, c.AdminKey, &c.AdminKey)
		shown["inside "+verb] = fmt.Sprintf(verb, wrapped)
	}
	for name, value := range map[string]any{"config": c, "secret": c.AdminKey} {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		shown["JSON of "+name] = string(b)
	}
	for where, s := range shown {
		for _, secret := range []string{"hunter2", secretKey, fmt.Sprintf("%x", "hunter2")} {
			if strings.Contains(s, secret) {
				t.Errorf("%s shows a secret: %s", where, s)
			}
		}
	}
	if !strings.Contains(printed.String(), "postgres://carteiro:[redacted]@h/d?sslpassword=[redacted]") {
		t.Errorf("Print hides too much:\n%s", printed.String())
	}
}

func TestErrorsDoNotQuoteSecrets(t *testing.T) {
	for _, e := range []string{
		"CARTEIRO_ADMIN_KEY=hunter2",
		"CARTEIRO_SECRET_KEY=" + planted,
		"CARTEIRO_SECRET_KEYS_OLD=" + secretKey + "," + planted,
		"CARTEIRO_DATABASE_URL=mysql://u:" + planted + "@h/d",
		"CARTEIRO_DATABASE_URL=host=h password=" + planted,
		"CARTEIRO_DATABASE_URL=postgress://u:hunter2%zz@h/d",
		"CARTEIRO_REDIS_URL=" + planted,
		"CARTEIRO_REDIS_URL=redis://:" + planted + "@",
		"CARTEIRO_MONGO_URL=u:" + planted + "@h",
		"CARTEIRO_" + "FOO=" + planted,
	} {
		_, err := config.Load(config.Options{Environ: []string{e}})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v; want one without the value", e, err)
		}
	}
	for _, text := range []string{
		"admin_key: \"" + planted + "\n", "admin_key: {x: " + planted + "}\n", "admin_key: " + planted + "\n x: y\n",
		"admin_key:\n  - " + planted + "\n - y\n", "admin_key: hunter2\n",
	} {
		_, err := config.Load(config.Options{File: settings(t, text)})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("file %q: error %v; want one without the value", text, err)
		}
	}
}
