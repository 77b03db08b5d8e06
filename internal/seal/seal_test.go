package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func ring(t *testing.T, keys ...byte) *Ring {
	t.Helper()
	var all [][32]byte
	for _, k := range keys {
		all = append(all, [32]byte{k})
	}
	r, err := NewRing(all[0], all[1:]...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealOpens(t *testing.T) {
	r := ring(t, 1)
	for _, plain := range [][]byte{{}, []byte("whsec_x"), bytes.Repeat([]byte{0}, 5000)} {
		sealed := r.Seal(plain, "a/1")
		if len(plain) > 0 && bytes.Contains(sealed, plain) {
			t.Errorf("the sealed value shows the plain text")
		}
		got, err := r.Open(sealed, "a/1")
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("Open = %q, %v; want %q", got, err, plain)
		}
	}
}

func TestSealIsFreshEachTime(t *testing.T) {
	r := ring(t, 1)
	if bytes.Equal(r.Seal([]byte("x"), "p"), r.Seal([]byte("x"), "p")) {
		t.Error("the same text was sealed to the same bytes twice")
	}
}

func TestOpenRefuses(t *testing.T) {
	r := ring(t, 1)
	sealed := r.Seal([]byte("secret"), "a/1")
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		sealed []byte
		place  string
	}{
		"another place": {sealed, "a/2"},
		"changed":       {flipped, "a/1"},
		"cut":           {sealed[:10], "a/1"},
		"empty":         {nil, "a/1"},
		"another form":  {append([]byte{9}, sealed[1:]...), "a/1"},
	} {
		if got, err := r.Open(c.sealed, c.place); err == nil {
			t.Errorf("%s: opened to %q", name, got)
		}
	}
}

func TestKeyChange(t *testing.T) {
	old := ring(t, 1).Seal([]byte("secret"), "p")
	both := ring(t, 2, 1)
	if got, err := both.Open(old, "p"); err != nil || string(got) != "secret" {
		t.Errorf("the new ring opens an old value to %q, %v", got, err)
	}
	fresh := both.Seal([]byte("secret"), "p")
	if _, err := ring(t, 1).Open(fresh, "p"); !errors.Is(err, ErrKey) {
		t.Errorf("the old key alone opens a new value: %v; want ErrKey", err)
	}
}

func TestReseal(t *testing.T) {
	old := ring(t, 1).Seal([]byte("secret"), "p")
	both := ring(t, 2, 1)
	fresh, err := both.Reseal(old, "p")
	if err != nil || !bytes.HasPrefix(fresh, both.Head()) || bytes.HasPrefix(old, both.Head()) {
		t.Fatalf("resealed: %v", err)
	}
	if got, err := ring(t, 2).Open(fresh, "p"); err != nil || string(got) != "secret" {
		t.Errorf("the new key alone opens it to %q, %v", got, err)
	}
	if _, err := both.Reseal(old, "another place"); err == nil {
		t.Error("a value was resealed for another place")
	}
	if !both.Knows(old[:5]) || !both.Knows(both.Head()) || ring(t, 2).Knows(old[:5]) || both.Knows(old[:4]) || both.Knows(append([]byte{9}, old[1:5]...)) {
		t.Error("the ring knows what it has no key for, or the reverse")
	}
}

// TestARingHidesItsKeys: the key itself, and the one of MAC that is made of it.
func TestARingHidesItsKeys(t *testing.T) {
	var log bytes.Buffer
	r := ring(t, 1, 2)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "ring", r)
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = "[ring of 2 keys]"
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, r); got != want {
			t.Errorf("%s shows %s", verb, got)
		}
	}
	if !strings.Contains(log.String(), want) || string(text) != `"`+want+`"` {
		t.Errorf("log %s, JSON %s", log.String(), text)
	}
}

// TestMACNeedsTheKey: it is the same for the same data and first key, and says
// nothing that a hash without the key would.
func TestMACNeedsTheKey(t *testing.T) {
	ring := func(keys ...[32]byte) *Ring {
		t.Helper()
		r, err := NewRing(keys[0], keys[1:]...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, two := [32]byte{1}, [32]byte{2}
	data := []byte("01234567890")
	mac := string(ring(one).MAC(data))
	if len(mac) != sha256.Size || mac != string(ring(one, two).MAC(data)) {
		t.Error("the same key gives another fingerprint")
	}
	plain := sha256.Sum256(data)
	for name, other := range map[string]string{
		"another key": string(ring(two).MAC(data)), "other data": string(ring(one).MAC(data[1:])), "no key": string(plain[:]),
	} {
		if other == mac {
			t.Errorf("%s gives the same fingerprint", name)
		}
	}
}
