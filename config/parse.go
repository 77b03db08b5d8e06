package config

import (
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// parse makes a Config of the merged texts, checks it, and returns all
// problems, those of the merging included.
func (l *layers) parse() (*Config, []Problem) {
	c := &Config{origins: l.origins()}
	wrong := l.read(c)
	if c.Workers == 0 {
		c.Workers = workersByCPU()
	}
	for _, s := range l.settings {
		if wrong[s.Name] {
			continue
		}
		if err := c.check(s.Name); err != nil {
			wrong[s.Name] = true
			l.complain(s, err)
		}
	}
	l.checkTogether(c, wrong)
	return c, l.problems
}

// read fills c from the texts and from the defaults in the tags. It returns
// the names of the settings that could not be read.
func (l *layers) read(c *Config) (wrong map[string]bool) {
	wrong = map[string]bool{}
	texts := map[string]string{}
	for _, s := range l.settings {
		if v, ok := l.values[s.Name]; ok {
			texts[s.Env] = v.text
		}
	}
	err := env.ParseWithOptions(c, env.Options{
		Prefix:      Prefix,
		Environment: texts,
		FuncMap: map[reflect.Type]env.ParserFunc{
			reflect.TypeFor[int]():               func(s string) (any, error) { return parseWorkers(s) },
			reflect.TypeFor[Rate]():              func(s string) (any, error) { return parseRate(s) },
			reflect.TypeFor[time.Duration]():     func(s string) (any, error) { return parseDuration(s) },
			reflect.TypeFor[[]time.Duration]():   func(s string) (any, error) { return parseList(s, parseDuration) },
			reflect.TypeFor[[]netip.Prefix]():    func(s string) (any, error) { return parseList(s, parseNetwork) },
			reflect.TypeFor[Period]():            func(s string) (any, error) { return parsePeriod(s) },
			reflect.TypeFor[[]RedactPath]():      func(s string) (any, error) { return parseList(s, parseRedactPath) },
			reflect.TypeFor[[]MongoCollection](): func(s string) (any, error) { return parseList(s, parseMongoCollection) },
		},
	})
	var all env.AggregateError
	if !errors.As(err, &all) {
		return wrong
	}
	for _, err := range all.Errors {
		var field env.ParseError
		if !errors.As(err, &field) {
			l.problem("settings", "the table of settings is broken: %v", err)
			continue
		}
		for _, s := range l.settings {
			if s.field == field.Name {
				wrong[s.Name] = true
				l.complain(s, field.Err)
			}
		}
	}
	return wrong
}

// complain notes that a setting's value is wrong, and why.
func (l *layers) complain(s Setting, err error) {
	v, ok := l.values[s.Name]
	if !ok {
		v = given{text: s.Default, origin: origin{fromDefault, s.Env}}
	}
	shown := strconv.Quote(v.text)
	switch {
	case s.Secret:
		shown = "the value (not shown)"
	case s.url:
		shown = strconv.Quote(redactURL(v.text))
	}
	why := "is not understood"
	var own faultError
	if errors.As(err, &own) {
		why = own.Error()
	}
	l.problem(v.origin.place, "%s %s; allowed: %s", shown, why, s.Allowed)
}

// parseList reads items with commas between them.
func parseList[T any](text string, parse func(string) (T, error)) ([]T, error) {
	var list []T
	for item := range strings.SplitSeq(text, ",") {
		v, err := parse(strings.TrimSpace(item))
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			return 0, fault("has no unit at %q: write %ss or %sm", text, text, text)
		}
		return 0, fault("has no duration at %q", text)
	}
	return d, nil
}

func parseNetwork(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err == nil {
		return prefix, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		return netip.Prefix{}, fault("has the bare address %s: write %s/%d for this address alone", addr, addr, addr.BitLen())
	}
	return netip.Prefix{}, fault("has no network at %q", text)
}

// parseWorkers reads auto as 0.
func parseWorkers(text string) (int, error) {
	if text == "auto" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault("is not a whole number")
	}
	return n, nil
}

func parseRate(text string) (Rate, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fault("is not a whole number")
	}
	return Rate(n), nil
}

// faultError is a complaint in our own words, which may be shown; those of
// the libraries may quote a secret.
type faultError string

func (f faultError) Error() string { return string(f) }

func fault(format string, args ...any) error { return faultError(fmt.Sprintf(format, args...)) }
