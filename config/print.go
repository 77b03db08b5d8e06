package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Print writes the settings in effect as a YAML file that could be read
// again, but for the secrets, which are redacted. A comment tells where each
// value came from.
func (c *Config) Print(w io.Writer) error {
	text, err := c.yaml()
	if err != nil {
		return fmt.Errorf("write the settings as YAML: %w", err)
	}
	_, err = w.Write(text)
	return err
}

func (c *Config) yaml() ([]byte, error) {
	var values yaml.MapSlice
	comments := yaml.CommentMap{}
	for _, s := range Settings() {
		values = append(values, yaml.MapItem{Key: s.Name, Value: c.shown(s)})
		if from := c.origins[s.Name]; from.layer != "" {
			comments["$."+s.Name] = []*yaml.Comment{yaml.LineComment(" " + from.String())}
		}
	}
	return yaml.MarshalWithOptions(values, yaml.WithComment(comments))
}

// String is the comment of Print.
func (o origin) String() string {
	if o.layer == fromDefault {
		return o.layer
	}
	return o.layer + " " + o.place
}

// shown is the value of a setting as Print shows it.
func (c *Config) shown(s Setting) any {
	if s.Name == "database_url" {
		return redactURL(c.Database())
	}
	switch v := reflect.ValueOf(c).Elem().FieldByName(s.field).Interface().(type) {
	case bool, int:
		return v
	case time.Duration:
		return shortDuration(v)
	case []time.Duration:
		return joined(v, shortDuration)
	case []netip.Prefix:
		return joined(v, netip.Prefix.String)
	case []RedactPath:
		return joined(v, RedactPath.String)
	case []MongoCollection:
		return joined(v, MongoCollection.String)
	case slog.Level:
		return strings.ToLower(v.String())
	case string:
		if s.url {
			return redactURL(v)
		}
		return v
	default:
		return fmt.Sprint(v) // a Secret hides itself
	}
}

// Format hides the secrets and the passwords in URLs from every verb of fmt.
func (c Config) Format(f fmt.State, _ rune) { _ = c.Print(f) }

// LogValue hides the secrets and the passwords in URLs from slog.
func (c Config) LogValue() slog.Value {
	var attrs []slog.Attr
	for _, s := range Settings() {
		attrs = append(attrs, slog.Any(s.Name, c.shown(s)))
	}
	return slog.GroupValue(attrs...)
}

// MarshalText hides the secrets and the passwords in URLs from JSON.
func (c Config) MarshalText() ([]byte, error) { return c.yaml() }

func joined[T any](items []T, text func(T) string) string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = text(item)
	}
	return strings.Join(texts, ",")
}

// shortDuration writes 5m where Go writes 5m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
