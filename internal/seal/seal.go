package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
)

// The form of a sealed value: version, key id, nonce, ciphertext with tag.
const (
	version   = 1
	keyIDSize = 4
	nonceSize = 12
	headSize  = 1 + keyIDSize + nonceSize
)

// Ring is a set of keys. It is safe for concurrent use.
type Ring struct {
	first keyID
	keys  map[keyID]cipher.AEAD
	mac   [sha256.Size]byte // the key of MAC, made of the first key
}

type keyID [keyIDSize]byte

// NewRing returns a ring that seals with the first key and opens with all.
func NewRing(first [32]byte, more ...[32]byte) (*Ring, error) {
	r := &Ring{keys: map[keyID]cipher.AEAD{}}
	for i, key := range append([][32]byte{first}, more...) {
		block, err := aes.NewCipher(key[:])
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		sum := sha256.Sum256(key[:])
		id := keyID(sum[:keyIDSize])
		if i == 0 {
			r.first = id
			r.mac = sha256.Sum256(append([]byte("carteiro: key for MAC\x00"), key[:]...))
		}
		r.keys[id] = aead
	}
	return r, nil
}

// Seal encrypts plain for a place, such as "subscriptions/sub_…/secret".
func (r *Ring) Seal(plain []byte, place string) []byte {
	out := make([]byte, headSize, headSize+len(plain)+16)
	out[0] = version
	copy(out[1:], r.first[:])
	rand.Read(out[1+keyIDSize:]) // never fails (crypto/rand)
	return r.keys[r.first].Seal(out, out[1+keyIDSize:headSize], plain, []byte(place))
}

// Head is how a value begins that was sealed with the first key: its form and
// the key's id.
func (r *Ring) Head() []byte { return append([]byte{version}, r.first[:]...) }

// Knows tells whether the ring has the key of values that begin so.
func (r *Ring) Knows(head []byte) bool {
	if len(head) != 1+keyIDSize || head[0] != version {
		return false
	}
	_, ok := r.keys[keyID(head[1:])]
	return ok
}

// Reseal seals a value of this ring anew, with the first key, for the same place.
func (r *Ring) Reseal(sealed []byte, place string) ([]byte, error) {
	plain, err := r.Open(sealed, place)
	if err != nil {
		return nil, err
	}
	return r.Seal(plain, place), nil
}

// Format keeps every verb of fmt from showing keys.
func (r *Ring) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "[ring of %d keys]", len(r.keys)) }

// LogValue keeps log/slog from showing keys.
func (r *Ring) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// MarshalText keeps JSON from showing keys.
func (r *Ring) MarshalText() ([]byte, error) { return fmt.Append(nil, r), nil }

// MAC is a fingerprint of data (HMAC-SHA-256) that nobody without the first
// key can find the data of by trying: for what has few possible values, such
// as a CPF. It changes when the first key does.
func (r *Ring) MAC(data []byte) []byte {
	h := hmac.New(sha256.New, r.mac[:])
	h.Write(data)
	return h.Sum(nil)
}

// ErrKey says that a value was sealed with a key that is not in the ring.
var ErrKey = errors.New("sealed with a key that is not configured; set CARTEIRO_SECRET_KEY to the key that this database was made with, or put that one into CARTEIRO_SECRET_KEYS_OLD beside a new CARTEIRO_SECRET_KEY")

// Open decrypts what was sealed for the place.
func (r *Ring) Open(sealed []byte, place string) ([]byte, error) {
	if len(sealed) < headSize || sealed[0] != version {
		return nil, fmt.Errorf("%s: not a sealed value", place)
	}
	aead, ok := r.keys[keyID(sealed[1:1+keyIDSize])]
	if !ok {
		return nil, fmt.Errorf("%s: %w", place, ErrKey)
	}
	plain, err := aead.Open(nil, sealed[1+keyIDSize:headSize], sealed[headSize:], []byte(place))
	if err != nil {
		return nil, fmt.Errorf("%s: the sealed value was changed or belongs elsewhere", place)
	}
	return plain, nil
}
