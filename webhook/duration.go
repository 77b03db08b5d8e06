package webhook

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time.Duration that is written as Go writes it ("15s", "1m30s")
// in JSON and YAML.
type Duration time.Duration

// MarshalText writes the duration in Go's form, without zero units at the end.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads Go's form of a duration; it must have a unit.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration: write a number and a unit, such as 500ms, 15s, 5m or 1h", clip(string(b)))
	}
	*d = Duration(v)
	return nil
}

func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
