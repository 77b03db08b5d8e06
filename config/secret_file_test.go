package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/config"
)

// secretFile writes a value into a file, as a container's secret or a
// credential of systemd is one.
func secretFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestSecretsComeFromFiles(t *testing.T) {
	key := secretFile(t, secretKey+"\n")
	c := load(t, config.Options{
		File: settings(t, "admin_key: "+strings.Repeat("f", 32)+"\n"),
		Environ: []string{
			"CARTEIRO_SECRET_KEY_FILE=" + key, "CARTEIRO_SECRET_KEYS_OLD_FILE=" + key,
			"CARTEIRO_ADMIN_KEY_FILE=" + secretFile(t, planted),
			"CARTEIRO_DATABASE_URL_FILE=" + secretFile(t, " postgres://c:"+planted+"@h/d\n"),
			"CARTEIRO_REDIS_URL_FILE=" + secretFile(t, "redis://:"+planted+"@h:6379/0\r\n"),
			"CARTEIRO_MONGO_URL_FILE=", "CARTEIRO_MONGO_URL=mongodb://h/d",
		},
	})
	if c.SecretKey.Reveal() != secretKey || c.SecretKeysOld.Reveal() != secretKey || c.AdminKey.Reveal() != planted {
		t.Error("a secret is not what its file holds")
	}
	if c.DatabaseURL != "postgres://c:"+planted+"@h/d" || c.RedisURL != "redis://:"+planted+"@h:6379/0" || c.MongoURL != "mongodb://h/d" {
		t.Error("a URL is not what its file holds")
	}
	var printed strings.Builder
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(printed.String(), "# environment CARTEIRO_SECRET_KEY_FILE") || strings.Contains(printed.String(), "hunter2") {
		t.Errorf("printed as\n%s", printed.String())
	}
}

func TestFaultsOfSecretFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, tc := range []struct {
		environ []string
		want    string
	}{
		{[]string{"CARTEIRO_SECRET_KEY_FILE=" + missing}, "CARTEIRO_SECRET_KEY_FILE: cannot read " + missing + ": no such file"},
		{[]string{"CARTEIRO_ADMIN_KEY_FILE=" + secretFile(t, " \n")}, "which is empty"},
		{[]string{"CARTEIRO_ADMIN_KEY_FILE=" + secretFile(t, "hunter2")}, "CARTEIRO_ADMIN_KEY_FILE: the value (not shown) is only 7 characters long"},
		{[]string{"CARTEIRO_ADMIN_KEY=" + planted, "CARTEIRO_ADMIN_KEY_FILE=" + secretFile(t, planted)}, "CARTEIRO_ADMIN_KEY_FILE: is given together with CARTEIRO_ADMIN_KEY"},
		{[]string{"CARTEIRO_LISTEN_FILE=x"}, "CARTEIRO_LISTEN_FILE: there is no such setting"},
		{[]string{"CARTEIRO_SECRET_KEYFILE=x"}, "did you mean CARTEIRO_SECRET_KEY_FILE?"},
		{[]string{"CARTEIRO_PORT=tcp://10.0.0.1:80"}, "enableServiceLinks"},
		{[]string{"CARTEIRO_API_SERVICE_HOST=10.0.0.1"}, "enableServiceLinks"},
	} {
		got := problems(t, config.Options{Environ: tc.environ})
		if len(got) != 1 || !strings.Contains(got[0].String(), tc.want) || strings.Contains(got[0].String(), "hunter2") {
			t.Errorf("%q: problems %q, want %q", tc.environ, got, tc.want)
		}
	}
}
