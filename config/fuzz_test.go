package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/config"
)

// FuzzDecodeKey: a secret key is 32 bytes in hex or base64, and nothing else
// stands in its text; an error does not repeat it.
func FuzzDecodeKey(f *testing.F) {
	key := bytes.Repeat([]byte{0xfb, 0xff}, 16)
	f.Add(base64.StdEncoding.EncodeToString(key))
	f.Add(base64.RawURLEncoding.EncodeToString(key))
	f.Add(hex.EncodeToString(key))
	f.Add(strings.ToUpper(hex.EncodeToString(key)) + "==")
	f.Add(base64.StdEncoding.EncodeToString(key[:31]))
	f.Add(base64.StdEncoding.EncodeToString(key) + "\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := config.DecodeKey(text)
		if err != nil {
			if len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Fatalf("the error repeats %q: %v", text, err)
			}
			return
		}
		spelled := strings.TrimRight(text, "=")
		for _, again := range []string{
			base64.RawStdEncoding.EncodeToString(got[:]), base64.RawURLEncoding.EncodeToString(got[:]),
			hex.EncodeToString(got[:]), strings.ToUpper(hex.EncodeToString(got[:])),
		} {
			if again == spelled || (len(again) == 64 && strings.EqualFold(again, spelled)) {
				return
			}
		}
		t.Fatalf("%q was taken for %x", text, got)
	})
}

// FuzzFile: a settings file is taken or told what is wrong with it, without a
// secret that is in it.
func FuzzFile(f *testing.F) {
	const planted = "planted-7f3a9c-planted-7f3a9c-planted"
	for _, seed := range []string{
		"admin_key: " + planted + "\n", "secret_key: " + planted + "\n", "database_url: postgres://u:" + planted + "@\n", "redis_url: redis://:" + planted + "@:x/\n",
		"workers: 2\nlisten: 127.0.0.1:1\n", "admin_key: [" + planted + "\n", "admin_key:\n  - " + planted + "\n", "a: &a [*a]\n", "--- \n---\n", "\x00", "{", "roles: [api, worker]\n", "admin_key: |\n  " + planted + "\n",
		"admin_key: \"" + planted + "\\q\"\n", "? " + planted + "\n: x\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := config.Load(config.Options{File: settings(t, text)})
		if err == nil {
			return
		}
		if err.Error() == "" {
			t.Fatalf("%q is refused without a reason", text)
		}
		// A key of the file is named in the error; a value of a secret setting is not.
		for line := range strings.SplitSeq(text, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			secret := name == "admin_key" || name == "secret_key"
			if secret && strings.Count(value, planted) == 1 && strings.Contains(err.Error(), planted) && strings.Count(text, planted) == 1 {
				t.Fatalf("%q: the error repeats a secret: %v", text, err)
			}
		}
	})
}
