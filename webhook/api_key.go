package webhook

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"log/slog"
	"strings"
	"time"
)

// Role is what an API key may do.
type Role string

// The roles. What each may do is declared route by route, in api/api.go.
const (
	RoleAdmin    Role = "admin"    // everything
	RoleOperator Role = "operator" // subscriptions, deliveries, exports, event types; every read
	RoleProducer Role = "producer" // brings events, verifications and records in, and reads what it brought
	RoleViewer   Role = "viewer"   // every read, no secrets
)

// Valid tells whether there is such a role.
func (r Role) Valid() bool {
	switch r {
	case RoleAdmin, RoleOperator, RoleProducer, RoleViewer:
		return true
	}
	return false
}

// APIKey is an API key without its text, which nobody knows but its owner.
type APIKey struct {
	ID         KeyID      `json:"id"`
	Name       string     `json:"name"`         // for people
	Role       Role       `json:"role"`         // what it may do
	ClientID   *ClientID  `json:"client_id"`    // it sees nothing of another client; nil: it sees all
	Start      string     `json:"start"`        // the first characters of its text, to tell keys apart
	ExpiresAt  *time.Time `json:"expires_at"`   // from then on it is refused; nil: never
	RateLimit  *int       `json:"rate_limit"`   // requests a second in each process, 0: any number; nil: the server's setting
	CreatedAt  time.Time  `json:"created_at"`   // UTC
	CreatedBy  KeyID      `json:"created_by"`   // the key that made it
	LastUsedAt *time.Time `json:"last_used_at"` // about a minute exact; nil: never
}

// AdminKeyID stands for the key of the setting CARTEIRO_ADMIN_KEY. It is no
// row: it cannot be listed, changed or revoked.
const AdminKeyID KeyID = "key_admin"

// Limits of an API key.
const (
	MaxKeyName      = 200 // bytes
	MaxKeyRateLimit = 1_000_000
)

// Validate notes what is wrong with a key that is to be made at now.
func (k *APIKey) Validate(f *Faults, now time.Time) {
	switch {
	case strings.TrimSpace(k.Name) == "":
		f.Add("/name", "must not be empty: it tells people whose key this is")
	case len(k.Name) > MaxKeyName:
		f.Add("/name", "is %d bytes long; at most %d are allowed", len(k.Name), MaxKeyName)
	}
	plainText(f, "/name", k.Name)
	if !k.Role.Valid() {
		f.Add("/role", "%q is no role; roles are admin, operator, producer and viewer", clip(string(k.Role)))
	}
	k.validateClient(f)
	if k.ExpiresAt != nil && !k.ExpiresAt.After(now) {
		f.Add("/expires_at", "%s is over: the key could never be used", k.ExpiresAt.UTC().Format(time.RFC3339))
	}
	if k.RateLimit != nil && (*k.RateLimit < 0 || *k.RateLimit > MaxKeyRateLimit) {
		f.Add("/rate_limit", "%d is not allowed: from 0 (any number) to %d requests a second", *k.RateLimit, MaxKeyRateLimit)
	}
}

func (k *APIKey) validateClient(f *Faults) {
	if k.ClientID == nil {
		return
	}
	if msg := k.ClientID.Fault(); msg != "" {
		f.Add("/client_id", "%s", msg)
	} else if k.Role == RoleAdmin {
		f.Add("/client_id", "an admin's key sees all clients; take another role for a key of one client")
	}
}

// BoundTo is the client that the key is bound to, or "".
func (k *APIKey) BoundTo() ClientID {
	if k.ClientID == nil {
		return ""
	}
	return *k.ClientID
}

// Expired tells whether the key's time is over.
func (k *APIKey) Expired(now time.Time) bool { return k.ExpiresAt != nil && !k.ExpiresAt.After(now) }

// NewKeyID returns a fresh id for an API key.
func NewKeyID() KeyID { return KeyID(NewID(PrefixKey)) }

// KeyText is the text of an API key: "carteiro_" and 58 base32 characters, of
// 256 random bits and their CRC-32. The prefix lets a secret scanner find a key
// that got into a repository; the checksum lets the scanner, and us, tell a
// key from what only looks like one without asking the database. It hides
// itself from logs, formats and JSON; Reveal is the only way to its text.
type KeyText struct{ text string }

const (
	keyPrefix    = "carteiro_"
	keyRandom    = 32 // bytes
	keyStart     = len(keyPrefix) + 4
	keyTextChars = 58
)

// NewKeyText makes a fresh key.
func NewKeyText() KeyText {
	key := make([]byte, keyRandom, keyRandom+crc32.Size)
	rand.Read(key) // never fails (crypto/rand)
	return KeyText{keyPrefix + idEncoding.EncodeToString(checked(key))}
}

// checked appends the checksum of a key's random bytes.
func checked(key []byte) []byte {
	return binary.BigEndian.AppendUint32(key[:keyRandom:keyRandom], crc32.ChecksumIEEE(key[:keyRandom]))
}

// ParseKeyText checks the form of a key. The fault is a sentence on what is
// wrong that does not repeat the text; it is "" when the text may be a key.
func ParseKeyText(s string) (k KeyText, fault string) {
	rest, ok := strings.CutPrefix(s, keyPrefix)
	if !ok {
		return k, fmt.Sprintf("A key begins with %q.", keyPrefix)
	}
	if len(rest) != keyTextChars {
		return k, fmt.Sprintf("A key has %d characters, and this one has %d: it was not copied exactly.", len(keyPrefix)+keyTextChars, len(s))
	}
	raw, err := idEncoding.DecodeString(rest)
	// Encoding it again finds what the decoder lets pass: line ends, and bits that
	// nothing stands on.
	if err != nil || len(raw) != keyRandom+crc32.Size || !bytes.Equal(raw, checked(raw)) || idEncoding.EncodeToString(raw) != rest {
		return k, "The key's checksum is wrong: a character of it was changed."
	}
	return KeyText{s}, ""
}

// Reveal returns the key's text.
func (k KeyText) Reveal() string { return k.text }

// Start is the beginning of the key, which may be shown: 20 of its 256 bits.
func (k KeyText) Start() string { return k.text[:keyStart] }

// Hash is what is stored of a key. A plain SHA-256 is enough: nobody can try
// 256 random bits.
func (k KeyText) Hash() [sha256.Size]byte { return sha256.Sum256([]byte(k.text)) }

// String hides the key.
func (k KeyText) String() string { return Redacted }

// GoString hides the key from %#v.
func (k KeyText) GoString() string { return Redacted }

// LogValue hides the key from slog.
func (k KeyText) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText hides the key from JSON.
func (k KeyText) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
