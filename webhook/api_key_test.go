package webhook

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestKeyTexts(t *testing.T) {
	form := regexp.MustCompile(`^carteiro_[0-9a-hjkmnp-tv-z]{58}$`) // as docs/api-keys.md has it
	seen := map[string]bool{}
	for range 100 {
		k := NewKeyText()
		text := k.Reveal()
		if !form.MatchString(text) || seen[text] {
			t.Fatalf("%q has not the form of a key, or was there before", text)
		}
		seen[text] = true
		again, fault := ParseKeyText(text)
		if fault != "" || again != k || again.Hash() != k.Hash() {
			t.Fatalf("a fresh key is refused: %s", fault)
		}
		if !strings.HasPrefix(text, k.Start()) || len(k.Start()) != 13 {
			t.Errorf("start %q", k.Start())
		}
	}
}

// Whatever single character is changed, lost or doubled, the form tells.
func TestAMistypedKeyIsTold(t *testing.T) {
	text := NewKeyText().Reveal()
	for i := range len(text) {
		for _, c := range idLetters + "ilouA\n" {
			wrong := text[:i] + string(c) + text[i+1:]
			if _, fault := ParseKeyText(wrong); (fault == "") != (wrong == text) {
				t.Errorf("%q for %q at %d: %q", c, text[i], i, fault)
			}
		}
		for _, wrong := range []string{text[:i], text[:i] + text[i+1:], text[:i] + text[i:i+1] + text[i:]} {
			if _, fault := ParseKeyText(wrong); fault == "" || strings.Contains(fault, text[9:20]) {
				t.Errorf("cut or doubled at %d: %q", i, fault)
			}
		}
	}
}

func TestKeyTextsHide(t *testing.T) {
	k := NewKeyText()
	b, err := json.Marshal(map[string]any{"k": k})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "k", k)
	for _, shown := range []string{string(b), fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s", k, k, k, k), log.String()} {
		if strings.Contains(shown, k.Reveal()[9:]) || !strings.Contains(shown, Redacted) {
			t.Errorf("%s", shown)
		}
	}
}

func TestAPIKeyFaults(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	client, bad, rate, over := ClientID("acme"), ClientID("a b"), -1, MaxKeyRateLimit+1
	for _, tc := range []struct {
		key  APIKey
		want string
	}{
		{APIKey{Name: "x", Role: RoleAdmin}, ""},
		{APIKey{Name: "x", Role: RoleProducer, ClientID: &client}, ""},
		{APIKey{Name: " ", Role: "root"}, "/name /role"},
		{APIKey{Name: strings.Repeat("x", 201), Role: RoleViewer}, "/name"},
		{APIKey{Name: "a\x00b", Role: RoleViewer}, "/name"},
		{APIKey{Name: "x", Role: RoleAdmin, ClientID: &client}, "/client_id"},
		{APIKey{Name: "x", Role: RoleViewer, ClientID: &bad}, "/client_id"},
		{APIKey{Name: "x", Role: RoleViewer, ExpiresAt: &now}, "/expires_at"},
		{APIKey{Name: "x", Role: RoleViewer, RateLimit: &rate}, "/rate_limit"},
		{APIKey{Name: "x", Role: RoleViewer, RateLimit: &over}, "/rate_limit"},
	} {
		var f Faults
		tc.key.Validate(&f, now)
		var got []string
		for _, fault := range f {
			got = append(got, fault.Path)
		}
		if strings.Join(got, " ") != tc.want {
			t.Errorf("%+v: %v, want %q", tc.key, f, tc.want)
		}
	}
}
