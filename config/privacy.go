package config

import (
	"strings"
	"time"
)

// Period is how long something is kept; 0 is for ever.
type Period time.Duration

// String writes a period as a setting has it.
func (p Period) String() string {
	if p == 0 {
		return "off"
	}
	return shortDuration(time.Duration(p))
}

// Limits of the settings about personal data.
const (
	MinPeriod      = Period(time.Hour)
	MaxPeriod      = Period(876000 * time.Hour) // a hundred years
	MaxRedactPaths = 64
)

func parsePeriod(text string) (Period, error) {
	if text == "off" || text == "0" {
		return 0, nil
	}
	d, err := parseDuration(text)
	return Period(d), err
}

func checkPeriod(p Period) error {
	if p != 0 && (p < MinPeriod || p > MaxPeriod) {
		return fault("is out of range")
	}
	return nil
}

// RedactPath names fields of a JSON text: with one step, every field of this
// name; with more, the one at this place from the root.
type RedactPath []string

// String writes a path as a setting has it.
func (p RedactPath) String() string {
	if len(p) == 1 {
		return p[0]
	}
	return "$." + strings.Join(p, ".")
}

// parseRedactPath reads name, or $.step.step with * for any step.
func parseRedactPath(text string) (RedactPath, error) {
	rest, rooted := strings.CutPrefix(text, "$.")
	steps := strings.Split(rest, ".")
	for _, step := range steps {
		switch {
		case step == "":
			return nil, fault("has an empty step in %q", text)
		case strings.ContainsAny(step, "$[]'\"()?@ ") || step != "*" && strings.Contains(step, "*"):
			return nil, fault("has %q in %q: a step is a field's name or *, without brackets, quotes and filters", step, text)
		}
	}
	switch {
	case rooted && len(steps) == 1 && steps[0] != "*":
		return nil, fault("has %q: write %s for the field of this name anywhere, or $.%s.* for all that is in the one at the root", text, steps[0], steps[0])
	case rooted && len(steps) == 1, !rooted && rest == "*":
		return nil, fault("has %q, which would hide everything", text)
	case !rooted && len(steps) > 1:
		return nil, fault("has %q: a path begins at the root; write $.%s", text, text)
	}
	return steps, nil
}

func checkRedact(paths []RedactPath) error {
	if len(paths) > MaxRedactPaths {
		return fault("has %d paths", len(paths))
	}
	return nil
}

// periods are the settings that say how long something is kept, by name.
func (c *Config) periods() map[string]Period {
	return map[string]Period{
		"retention_payloads": c.RetentionPayloads, "retention_attempts": c.RetentionAttempts, "retention_log": c.RetentionLog,
		"retention_records": c.RetentionRecords, "retention_idempotency": c.RetentionIdempotency, "retention_audit": c.RetentionAudit,
	}
}

// checkRetention wants the log to outlive what hangs on it. A log of which
// nothing is said is kept as long as that.
func (l *layers) checkRetention(c *Config, wrong map[string]bool) {
	if wrong["retention_log"] || c.RetentionLog == 0 {
		return
	}
	said := c.origins["retention_log"]
	for _, name := range []string{"retention_payloads", "retention_attempts"} {
		p := c.periods()[name]
		switch {
		case wrong[name] || p != 0 && p <= c.RetentionLog:
		case said.layer != fromDefault:
			l.problem(said.place, "%s is shorter than %s%s, which is %s: a line of the log outlives what hangs on it",
				c.RetentionLog, Prefix, strings.ToUpper(name), p)
		case p == 0 || c.RetentionLog == 0:
			c.RetentionLog = 0
		default:
			c.RetentionLog = p
		}
	}
}
