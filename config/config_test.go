package config_test

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/config"
)

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	c := load(t, config.Options{})
	type facts struct {
		Listen, DataDir, Database, Redis string
		Schedule                         []time.Duration
		Timeout, TTL                     time.Duration
		HTTP                             bool
		Networks                         int
		Workers                          int
		Roles                            config.Roles
		Mongo                            string
		Level                            slog.Level
		Format                           config.LogFormat
		Migrate                          config.Migrate
		Admin, Key                       bool
	}
	got := facts{
		c.Listen, c.DataDir, c.Database(), c.RedisURL, c.RetrySchedule, c.DeliveryTimeout, c.VerificationTTL, c.AllowHTTP,
		len(c.AllowNetworks), c.Workers, c.Roles, c.MongoURL, c.LogLevel, c.LogFormat, c.Migrate,
		!c.AdminKey.Empty(), !c.SecretKey.Empty(),
	}
	want := facts{
		Listen: "127.0.0.1:8080", DataDir: "./data", Database: "sqlite:data/carteiro.db", Redis: "embedded",
		Schedule: []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour},
		Timeout:  15 * time.Second, TTL: 30 * 24 * time.Hour, Workers: min(256*runtime.GOMAXPROCS(0), 4096),
		Roles: config.Roles{API: true, Worker: true, Scheduler: true},
		Level: slog.LevelInfo, Format: "text", Migrate: "auto",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
}

func TestALaterLayerWins(t *testing.T) {
	file := settings(t, "listen: 127.0.0.1:1\n")
	flags := map[string]string{"listen": "127.0.0.1:3"}
	for _, tc := range []struct {
		name string
		o    config.Options
		want string
	}{
		{"default", config.Options{}, "127.0.0.1:8080"},
		{"file over default", config.Options{File: file}, "127.0.0.1:1"},
		{"environment over file", config.Options{File: file, Environ: []string{"CARTEIRO_LISTEN=127.0.0.1:2"}}, "127.0.0.1:2"},
		{"flag over environment", config.Options{File: file, Environ: []string{"CARTEIRO_LISTEN=127.0.0.1:2"}, Flags: flags}, "127.0.0.1:3"},
		{"flag over file", config.Options{File: file, Flags: flags}, "127.0.0.1:3"},
		{"an empty variable is not given", config.Options{File: file, Environ: []string{"CARTEIRO_LISTEN="}}, "127.0.0.1:1"},
		{"an empty flag is not given", config.Options{File: file, Flags: map[string]string{"listen": ""}}, "127.0.0.1:1"},
		{"CARTEIRO_CONFIG names the file", config.Options{Environ: []string{"CARTEIRO_CONFIG=" + file}}, "127.0.0.1:1"},
		{"the flag's file is taken instead of the variable's", config.Options{File: file, Environ: []string{"CARTEIRO_CONFIG=/nowhere.yaml"}}, "127.0.0.1:1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := load(t, tc.o).Listen; got != tc.want {
				t.Errorf("listen = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEveryLayerKnowsEverySetting(t *testing.T) {
	// A value that differs from the default, in the form in which Print shows it.
	values := map[string]string{
		"listen": "0.0.0.0:9", "data_dir": "/srv/c", "database_url": "sqlite:/srv/x.db",
		"redis_url": "redis://r:6379", "admin_key": strings.Repeat("a", 32), "secret_key": secretKey, "secret_keys_old": secretKey,
		"retry_schedule": "1s,2m30s", "delivery_timeout": "3s", "verification_ttl": "48h", "allow_http": "true",
		"trusted_proxies": "10.0.0.0/8,fd00::/8", "api_rate": "50",
		"allow_networks": "127.0.0.0/8,fd00::/8", "workers": "7", "roles": "scheduler,worker,api", "stop_delay": "1.5s",
		"mongo_url": "mongodb://m1:27017,m2:27017/db", "mongo_database": "platform",
		"mongo_collections": "vendas=orders:project_id:-__v -notes,cadastros=people:client", "log_level": "warn",
		"redact": "full_name,$.data.*.note", "retention_payloads": "24h", "retention_attempts": "48h", "retention_log": "off",
		"retention_records": "36h30m", "retention_idempotency": "5h", "retention_audit": "876000h", "log_format": "json", "migrate": "manual", "otlp_endpoint": "https://otel.example.com:4318",
	}
	var file strings.Builder
	var environ []string
	flags := map[string]string{}
	for _, s := range config.Settings() {
		value, ok := values[s.Name]
		if !ok {
			t.Fatalf("the test has no value for the setting %s", s.Name)
		}
		file.WriteString(s.Name + ": " + value + "\n")
		environ = append(environ, s.Env+"="+value)
		flags[s.Name] = value
		if s.Help == "" || s.Allowed == "" {
			t.Errorf("%s: help %q, allowed %q; both must be told", s.Name, s.Help, s.Allowed)
		}
	}
	print := func(o config.Options) (values, comments []string) {
		var b strings.Builder
		if err := load(t, o).Print(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			value, comment, _ := strings.Cut(line, " # ")
			values, comments = append(values, value), append(comments, strings.Fields(comment)[0])
		}
		return values, comments
	}
	fromFile, source := print(config.Options{File: settings(t, file.String())})
	if i := slices.IndexFunc(source, func(s string) bool { return s != "file" }); i >= 0 {
		t.Errorf("%s comes from %s, want the file", fromFile[i], source[i])
	}
	for name, o := range map[string]config.Options{"environment": {Environ: environ}, "flag": {Flags: flags}} {
		got, source := print(o)
		if diff := cmp.Diff(fromFile, got); diff != "" {
			t.Errorf("%s differs from the file (-file +%s):\n%s", name, name, diff)
		}
		if i := slices.IndexFunc(source, func(s string) bool { return s != name }); i >= 0 {
			t.Errorf("%s comes from %s, want %s", got[i], source[i], name)
		}
	}
}

func TestValuesAreRead(t *testing.T) {
	c := load(t, config.Options{Environ: []string{
		"CARTEIRO_DATA_DIR= /srv/carteiro ", "CARTEIRO_RETRY_SCHEDULE=100ms, 168h",
		"CARTEIRO_ALLOW_NETWORKS=127.0.0.0/8, ::1/128", "CARTEIRO_ALLOW_HTTP=1",
		"CARTEIRO_DATABASE_URL=postgresql://u@h/d", "CARTEIRO_SECRET_KEY=" + secretKey,
		"CARTEIRO_ROLES=worker, api", "CARTEIRO_REDIS_URL=rediss+cluster://a:1,b:2",
		"CARTEIRO_MONGO_COLLECTIONS=vendas=orders:project._id:total  _id , ingressos=tickets:client",
		"CARTEIRO_MONGO_URL=mongodb://h", "CARTEIRO_MONGO_DATABASE=d",
		"CARTEIRO_TEST_SERVERS=required", "CARTEIRO_API_KEY=of a command", "PATH=/bin",
	}})
	if got, want := c.Database(), "postgresql://u@h/d"; got != want || !c.PostgreSQL() {
		t.Errorf("database %q (PostgreSQL %v), want %q", got, c.PostgreSQL(), want)
	}
	if c.DataDir != "/srv/carteiro" {
		t.Errorf("data dir %q: blanks around a value do not belong to it", c.DataDir)
	}
	if diff := cmp.Diff([]time.Duration{100 * time.Millisecond, 168 * time.Hour}, c.RetrySchedule); diff != "" {
		t.Error(diff)
	}
	networks := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	if !slices.Equal(networks, c.AllowNetworks) {
		t.Errorf("networks %v, want %v", c.AllowNetworks, networks)
	}
	collections := []config.MongoCollection{
		{Dataset: "vendas", Collection: "orders", ClientField: "project._id", Fields: []string{"total", "_id"}},
		{Dataset: "ingressos", Collection: "tickets", ClientField: "client", Fields: []string{}},
	}
	if diff := cmp.Diff(collections, c.MongoCollections); diff != "" {
		t.Error(diff)
	}
	if want := (config.Roles{API: true, Worker: true}); c.Roles != want || c.Roles.All() {
		t.Errorf("roles %v, want %v", c.Roles, want)
	}
	if !c.AllowHTTP || c.EmbeddedRedis() {
		t.Errorf("allow http %v, embedded Redis %v; want true, false", c.AllowHTTP, c.EmbeddedRedis())
	}
}

func TestAFileMayBeWrittenInSeveralWays(t *testing.T) {
	for _, tc := range []struct{ name, text string }{
		{"comma string", "retry_schedule: 1m,5m\n"},
		{"list", "retry_schedule:\n  - 1m\n  - 5m # five\n"},
		{"flow list", "# waits\nretry_schedule: [1m, \"5m\"]\n"},
		{"null values", "retry_schedule: [1m, 5m]\nlisten:\nredis_url: ~\nadmin_key: \"\"\nallow_networks: []\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := load(t, config.Options{File: settings(t, tc.text)})
			if diff := cmp.Diff([]time.Duration{time.Minute, 5 * time.Minute}, c.RetrySchedule); diff != "" {
				t.Errorf("schedule (-want +got):\n%s", diff)
			}
			if c.Listen != "127.0.0.1:8080" || c.RedisURL != "embedded" {
				t.Errorf("listen %q, redis %q: want the defaults", c.Listen, c.RedisURL)
			}
		})
	}
}

func TestAnEmptyFileLeavesTheDefaults(t *testing.T) {
	for _, text := range []string{"", "\n", "# nothing yet\n", "---\n", "null\n"} {
		c := load(t, config.Options{File: settings(t, text)})
		if c.Listen != "127.0.0.1:8080" || len(c.RetrySchedule) != 5 {
			t.Errorf("file %q: listen %q, schedule %v; want the defaults", text, c.Listen, c.RetrySchedule)
		}
	}
}

func TestPrint(t *testing.T) {
	c := load(t, config.Options{
		Environ: []string{
			"CARTEIRO_DATABASE_URL=postgres://carteiro:hunter2@db:5432/carteiro?sslmode=require", "CARTEIRO_WORKERS=64",
			"CARTEIRO_SECRET_KEY=" + secretKey, "CARTEIRO_ADMIN_KEY=" + strings.Repeat("k", 32),
		},
		File:  settings(t, "retry_schedule: [1m, 90s]\nredis_url: redis://:hunter2@redis:6379/0\n"),
		Flags: map[string]string{"allow_http": "true", "log_level": "DEBUG"},
	})
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	// The file stands in a directory of its own in each run.
	got := regexpFile.ReplaceAllString(b.String(), "file carteiro.yaml:")
	golden := filepath.Join("testdata", "print.yaml")
	if os.Getenv("CARTEIRO_TEST_UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("Print (-want +got); set CARTEIRO_TEST_UPDATE=1 to accept it:\n%s", diff)
	}
}

func TestPrintCanBeReadAgain(t *testing.T) {
	first := load(t, config.Options{Flags: map[string]string{"listen": "[::1]:80", "workers": "3"}})
	var text, again strings.Builder
	if err := first.Print(&text); err != nil {
		t.Fatal(err)
	}
	second := load(t, config.Options{File: settings(t, text.String())})
	if err := second.Print(&again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(withoutComments(text.String()), withoutComments(again.String())); diff != "" {
		t.Errorf("printed, read, printed (-first +second):\n%s", diff)
	}
}
