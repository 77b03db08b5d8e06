package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/config"
)

// secretKey is 32 bytes as openssl rand -base64 32 prints them.
const secretKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// settings writes a YAML file and returns its name.
func settings(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "carteiro.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// load wants settings without a fault.
func load(t *testing.T, o config.Options) *config.Config {
	t.Helper()
	c, err := config.Load(o)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// problems wants faults and returns them.
func problems(t *testing.T, o config.Options) []config.Problem {
	t.Helper()
	c, err := config.Load(o)
	var wrong *config.Error
	if !errors.As(err, &wrong) {
		t.Fatalf("Load: error %v, want an *Error", err)
	}
	if c != nil {
		t.Error("Load returned settings together with an error")
	}
	return wrong.Problems
}

// environ sets one variable and whatever the rules want beside it.
func environ(name, value string) []string {
	list := []string{name + "=" + value}
	if name == "CARTEIRO_DATABASE_URL" && strings.HasPrefix(value, "postgres") {
		list = append(list, "CARTEIRO_SECRET_KEY="+secretKey)
	}
	if name == "CARTEIRO_MONGO_COLLECTIONS" {
		list = append(list, "CARTEIRO_MONGO_URL=mongodb://h", "CARTEIRO_MONGO_DATABASE=d")
	}
	if name == "CARTEIRO_ROLES" {
		list = append(
			list,
			"CARTEIRO_REDIS_URL=redis://r:6379",
			"CARTEIRO_DATABASE_URL=postgres://d/c",
			"CARTEIRO_SECRET_KEY="+secretKey,
		)
	}
	return list
}

// regexpFile finds the place of a value from a file in what Print writes.
var regexpFile = regexp.MustCompile(`file \S*carteiro\.yaml:`)

func withoutComments(text string) string {
	return regexp.MustCompile(`(?m) #.*$`).ReplaceAllString(text, "")
}
