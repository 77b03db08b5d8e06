package config_test

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/carteiro-webhooks/carteiro/config"
)

func TestRulesOfEachSetting(t *testing.T) {
	long := strings.Repeat("x", 31)
	for _, tc := range []struct {
		name  string // of the setting, in the environment, without the prefix
		good  []string
		wrong map[string]string // value to a part of the message
	}{
		{
			"LISTEN",
			[]string{"127.0.0.1:8080", ":8080", "[::1]:80", "localhost:0", "0.0.0.0:65535"},
			map[string]string{"8080": "not an address with", "localhost": "not an address with", "h:http": "port", "h:65536": "port", "h:-1": "port", "::1:80": "address with a port"},
		},
		{
			"DATABASE_URL",
			[]string{"sqlite:x.db", "sqlite:/srv/x.db", "postgres://u:p@h/d", "postgresql://h1:1,h2:2/d", "postgres:///d?host=/run"},
			map[string]string{"mysql://h/d": "no database", "x.db": "no database", "sqlite:": "no path", "sqlite:///x.db": "without slashes", "sqlite::memory:": "lose everything", "postgres:h": "no host", "postgres://": "no host"},
		},
		{
			"REDIS_URL",
			[]string{"embedded", "redis://h", "rediss://u:p@h:1/2", "redis+sentinel://a:1,b:2/main", "rediss+sentinel://u:p@a/main?db=1", "redis+cluster://a:1,b:2", "rediss+cluster://a"},
			map[string]string{"h:6379": "scheme", "http://h": "scheme", "redis://": "no host", "redis://:p@/0": "no host", "redis+sentinel://a:1,b:2": "names no master", "rediss+sentinel://a/": "names no master", "Embedded": "scheme", "unix:///run/redis": "scheme"},
		},
		{
			"ADMIN_KEY",
			[]string{long + "x", strings.Repeat("a b~!", 10)},
			map[string]string{long: "only 31 characters", long + "é": "printable ASCII", long + "\x7f": "printable ASCII", long + "\t\n.": "printable ASCII"},
		},
		{
			"RETRY_SCHEDULE",
			[]string{"1m", "1ns,168h", strings.Repeat("1s,", 19) + "1s"},
			map[string]string{"0s": "wait 0s", "-1m": "wait -1m0s", "168h1s": "168h0m1s", "5": "no unit", "1m,,5m": `no duration at ""`, "soon": "soon", strings.Repeat("1s,", 20) + "1s": "21 waits"},
		},
		{
			"DELIVERY_TIMEOUT",
			[]string{"1s", "30s", "1500ms"},
			map[string]string{"999ms": "out of range", "30.001s": "out of range", "15": "no unit", "x": "no duration", "0": "out of range"},
		},
		{
			"STOP_DELAY",
			[]string{"0s", "250ms", "30s"},
			map[string]string{"-1s": "out of range", "31s": "out of range", "3": "no unit"},
		},
		{
			"ALLOW_HTTP",
			[]string{"true", "false", "1", "0"},
			map[string]string{"yes": "true or false", "2": "true or false"},
		},
		{
			"ALLOW_NETWORKS",
			[]string{"127.0.0.0/8", "10.0.0.0/8,::1/128,fd00::/8", "0.0.0.0/0", "10.1.2.3/32"},
			map[string]string{"127.0.0.1": "127.0.0.1/32", "10.0.0.0/8,::1": "::1/128", "10.0.0.0/33": "no network", "10.1.0.0/8": "write 10.0.0.0/8", "::ffff:10.0.0.0/104": "IPv4 network", "localhost": "localhost", "fe80::1%eth0": "no network"},
		},
		{
			"TRUSTED_PROXIES",
			[]string{"10.0.0.0/8", "10.0.0.0/8,fd00::/8"},
			map[string]string{"10.0.0.1": "10.0.0.1/32", "10.1.0.0/8": "write 10.0.0.0/8", "nginx": "no network"},
		},
		{
			"API_RATE",
			[]string{"0", "1", "1000000"},
			map[string]string{"-1": "out of range", "1000001": "out of range", "auto": "whole number", "10/s": "whole number"},
		},
		{
			"WORKERS",
			[]string{"auto", "0", "1", "4096"},
			map[string]string{"-1": "out of range", "4097": "out of range", "many": "whole number", "1.5": "whole number"},
		},
		{
			"ROLES",
			[]string{"api", "worker,scheduler", "api,worker,scheduler", "api,api"},
			map[string]string{"web": `"web"`, "api,": `no role in ""`, "API": `"API"`, "api worker": `"api worker"`},
		},
		{
			"MONGO_URL",
			[]string{"mongodb://h/d", "mongodb+srv://u:p@h/d", "mongodb://a:1,b:2/d?replicaSet=r"},
			map[string]string{"h:27017": "scheme", "http://h": "scheme", "mongodb:///d": "no host"},
		},
		{
			"MONGO_COLLECTIONS",
			[]string{"vendas=orders:project_id", "vendas=a:b:x y,ingressos=c:d:-x -y.z,cadastros=e:f,financeiro=g:h.i"},
			map[string]string{
				"vendas": "not DATASET=", "vendas=orders": "not DATASET=", "vendas=:c": "not DATASET=", "vendas=o:": "not DATASET=",
				"sales=orders:c": `dataset "sales"`, "vendas=a:b,vendas=c:d": "vendas twice", "vendas=a:$b": "begins with a $",
				"vendas=a:b:x -y": "beside fields to leave out", "vendas=a:b:-": "no name", "vendas=a:b:$x": "no name", "vendas=a:b,": "not DATASET=",
			},
		},
		{"MONGO_DATABASE", []string{"platform"}, nil},
		{
			"REDACT",
			[]string{"full_name", "a,b-c,$.data.user.name", "$.*.x,$.a.*", "e-mail", strings.Repeat("a,", 63) + "a"},
			map[string]string{
				"$": `"$"`, "$.": "empty step", "$.a": "write a for", "$..a": "empty step", "data.user": "write $.data.user", "a,": "empty step",
				"$.a[0]": "without brackets", "$.a.b*": "without brackets", "*": "hide everything", "$.*": "hide everything",
				"$.a. b": "without brackets", `$['a']`: "without brackets", strings.Repeat("a,", 64) + "a": "65 paths",
			},
		},
		{
			"RETENTION_PAYLOADS",
			[]string{"1h", "720h", "8760h"},
			map[string]string{"59m": "out of range", "-1h": "out of range", "876001h": "out of range", "30d": "no duration", "30": "no unit", "never": "no duration"},
		},
		{"LOG_LEVEL", []string{"debug", "info", "warn", "error", "WARN"}, map[string]string{"verbose": "not understood", "info+1": "not one of"}},
		{"LOG_FORMAT", []string{"text", "json"}, map[string]string{"logfmt": "text or json"}},
		{"MIGRATE", []string{"auto", "manual"}, map[string]string{"true": "auto or manual"}},
		{"DATA_DIR", []string{"/srv", "."}, nil},
	} {
		name := "CARTEIRO_" + tc.name
		for _, value := range tc.good {
			if _, err := config.Load(config.Options{Environ: environ(name, value)}); err != nil {
				t.Errorf("%s=%q is allowed, but: %v", name, value, err)
			}
		}
		for value, part := range tc.wrong {
			got := problems(t, config.Options{Environ: environ(name, value)})
			if len(got) != 1 || got[0].Where != name || !strings.Contains(got[0].Message, part) || !strings.Contains(got[0].Message, "allowed: ") {
				t.Errorf("%s=%q: problems %q; want one that names it, tells %q and what is allowed", name, value, got, part)
			}
		}
	}
}

func TestSecretKeyForms(t *testing.T) {
	want := [32]byte{}
	for i := range want {
		want[i] = byte(255 - i)
	}
	for _, text := range []string{
		hex.EncodeToString(want[:]),
		strings.ToUpper(hex.EncodeToString(want[:])),
		base64.StdEncoding.EncodeToString(want[:]),
		base64.RawStdEncoding.EncodeToString(want[:]),
		base64.URLEncoding.EncodeToString(want[:]),
		base64.RawURLEncoding.EncodeToString(want[:]),
	} {
		got, err := load(t, config.Options{Flags: map[string]string{"secret_key": text}}).EncryptionKey()
		if err != nil || got != want {
			t.Errorf("key %q: %x, %v; want %x", text, got, err, want)
		}
	}
	for text, part := range map[string]string{
		strings.Repeat("ab", 31):                     "decodes to",
		strings.Repeat("ab", 33):                     "decodes to",
		base64.StdEncoding.EncodeToString(nil) + "!": "neither",
		"change me":    "neither",
		secretKey[:40]: "decodes to 30 bytes",
	} {
		got := problems(t, config.Options{Flags: map[string]string{"secret_key": text}})
		if len(got) != 1 || got[0].Where != "--secret-key" || !strings.Contains(got[0].Message, part) || strings.Contains(got[0].Message, text) {
			t.Errorf("key %q: problems %q; want one that tells %q and not the key", text, got, part)
		}
	}
	former := load(t, config.Options{Flags: map[string]string{"secret_keys_old": hex.EncodeToString(want[:]) + ", " + secretKey}})
	if keys, err := former.FormerKeys(); err != nil || len(keys) != 2 || keys[0] != want {
		t.Errorf("former keys: %x, %v", keys, err)
	}
	if keys, err := load(t, config.Options{}).FormerKeys(); err != nil || keys != nil {
		t.Errorf("no former keys: %x, %v", keys, err)
	}
	bad := problems(t, config.Options{Flags: map[string]string{"secret_keys_old": secretKey + ",change me"}})
	if len(bad) != 1 || !strings.Contains(bad[0].Message, "at place 2 what is neither") || strings.Contains(bad[0].Message, secretKey) {
		t.Errorf("a bad former key: %q", bad)
	}
	if _, err := load(t, config.Options{}).EncryptionKey(); err == nil {
		t.Error("no key, but EncryptionKey gives one")
	}
}

func TestSettingsThatDoNotGoTogether(t *testing.T) {
	const postgres, redis = "CARTEIRO_DATABASE_URL=postgres://h/d", "CARTEIRO_REDIS_URL=redis://h"
	key := "CARTEIRO_SECRET_KEY=" + secretKey
	for _, tc := range []struct {
		name    string
		environ []string
		want    []string // a part of each problem
	}{
		{"PostgreSQL without a key", []string{postgres}, []string{"CARTEIRO_SECRET_KEY: is not set, but is required with PostgreSQL: every process and every restart needs the same key; make one with: openssl rand -base64 32"}},
		{"PostgreSQL with a key and embedded Redis", []string{postgres, key}, nil},
		{"SQLite without a key", []string{"CARTEIRO_DATABASE_URL=sqlite:x.db"}, nil},
		{"SQLite with a Redis server", []string{redis}, nil},
		{"a split with everything embedded", []string{"CARTEIRO_ROLES=api"}, []string{"CARTEIRO_REDIS_URL to a Redis server", "CARTEIRO_DATABASE_URL to a PostgreSQL server"}},
		{"a split with SQLite", []string{"CARTEIRO_ROLES=worker", redis}, []string{"SQLite cannot be shared"}},
		{"a split with embedded Redis", []string{"CARTEIRO_ROLES=api,scheduler", postgres, key}, []string{"embedded Redis cannot be shared"}},
		{"a split with shared parts", []string{"CARTEIRO_ROLES=scheduler", postgres, key, redis}, nil},
		{"all roles in any order", []string{"CARTEIRO_ROLES=scheduler,worker,api"}, nil},
		{"collections of no server", []string{"CARTEIRO_MONGO_COLLECTIONS=vendas=a:b"}, []string{"MONGO_URL does not say", "MONGO_DATABASE does not say"}},
		{"collections of no database", []string{"CARTEIRO_MONGO_COLLECTIONS=vendas=a:b", "CARTEIRO_MONGO_URL=mongodb://h"}, []string{"MONGO_DATABASE does not say"}},
		{"a log that is shorter than what hangs on it", []string{"CARTEIRO_RETENTION_LOG=24h"}, []string{"shorter than CARTEIRO_RETENTION_PAYLOADS", "shorter than CARTEIRO_RETENTION_ATTEMPTS, which is 2160h"}},
		{"a log for ever", []string{"CARTEIRO_RETENTION_LOG=off", "CARTEIRO_RETENTION_PAYLOADS=off"}, nil},
		{"payloads for ever and a log that is not", []string{"CARTEIRO_RETENTION_PAYLOADS=off", "CARTEIRO_RETENTION_LOG=9000h"}, []string{"shorter than CARTEIRO_RETENTION_PAYLOADS, which is off"}},
		{"a wrong URL is told once", []string{"CARTEIRO_ROLES=api", "CARTEIRO_REDIS_URL=redis:h", postgres, key}, []string{"CARTEIRO_REDIS_URL: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.want == nil {
				load(t, config.Options{Environ: tc.environ})
				return
			}
			got := problems(t, config.Options{Environ: tc.environ})
			if len(got) != len(tc.want) {
				t.Fatalf("problems %q, want %q", got, tc.want)
			}
			for i, part := range tc.want {
				if !strings.Contains(got[i].String(), part) {
					t.Errorf("problem %q does not say %q", got[i], part)
				}
			}
		})
	}
}

func TestTheLogIsKeptAsLongAsWhatHangsOnIt(t *testing.T) {
	for _, tc := range []struct {
		payloads, attempts string
		want               config.Period
	}{
		{"1h", "1h", config.Period(8760 * time.Hour)},
		{"9000h", "9001h", config.Period(9001 * time.Hour)},
		{"off", "9001h", 0},
		{"9000h", "0", 0},
	} {
		c := load(t, config.Options{Environ: []string{"CARTEIRO_RETENTION_PAYLOADS=" + tc.payloads, "CARTEIRO_RETENTION_ATTEMPTS=" + tc.attempts}})
		if c.RetentionLog != tc.want {
			t.Errorf("payloads %s, attempts %s: the log is kept for %s, want %s", tc.payloads, tc.attempts, c.RetentionLog, tc.want)
		}
	}
}
