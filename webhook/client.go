package webhook

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// ClientID is the operator's own slug for a client.
type ClientID string

// AllClients is the client id of a subscription to every client's events.
const AllClients ClientID = "*"

var clientIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Fault returns what is wrong with the id, or "" when it may name a client.
func (id ClientID) Fault() string {
	switch {
	case id == "":
		return "must not be empty"
	case !clientIDForm.MatchString(string(id)) || id == "." || id == "..":
		return fmt.Sprintf("%q is no client id: 1 to 64 letters, digits, '.', '_' or '-'", clip(string(id)))
	}
	return ""
}

// Client is a customer company of the platform (a tenant).
type Client struct {
	ID        ClientID  `json:"id"`         // the operator's slug
	Name      string    `json:"name"`       // for people; the id when nothing was given
	CreatedAt time.Time `json:"created_at"` // UTC
	UpdatedAt time.Time `json:"updated_at"` // UTC
}

// MaxClientName is the longest name of a client, in bytes.
const MaxClientName = 200

// SetDefaults fills what was left out.
func (c *Client) SetDefaults() {
	if c.Name == "" {
		c.Name = string(c.ID)
	}
}

// Validate notes what is wrong with the client.
func (c *Client) Validate(f *Faults) {
	if msg := c.ID.Fault(); msg != "" {
		f.Add("/client_id", "%s", msg)
	}
	if len(c.Name) > MaxClientName {
		f.Add("/name", "is %d bytes long; at most %d are allowed", len(c.Name), MaxClientName)
	}
	plainText(f, "/name", c.Name)
}

// plainText notes what no database stores as text: broken UTF-8 and NUL.
func plainText(f *Faults, path, s string) {
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		f.Add(path, "must be valid UTF-8 without the character U+0000")
	}
}

// Clip shortens a value that goes into a message for people, to about 80
// bytes.
func Clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

func clip(s string) string { return Clip(s) }
