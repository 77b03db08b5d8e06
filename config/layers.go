package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caarlos0/env/v11"
)

// The layers, in the words of Print.
const (
	fromDefault     = "default"
	fromFile        = "file"
	fromEnvironment = "environment"
	fromFlag        = "flag"
)

// origin is where a value came from.
type origin struct {
	layer string // one of the layers above
	place string // as the user wrote it: CARTEIRO_LISTEN, --listen, carteiro.yaml:3: listen
}

// given is a value as its source wrote it.
type given struct {
	text   string
	origin origin
}

// layers merges the sources into one text for each setting. Problems that it
// meets on the way are kept, so that they can be told together with others.
type layers struct {
	settings []Setting
	values   map[string]given // by Setting.Name; only what was given
	problems []Problem
}

func newLayers(o Options) *layers {
	l := &layers{settings: Settings(), values: map[string]given{}}
	environ := env.ToMap(o.Environ)
	file := o.File
	if file == "" {
		file = strings.TrimSpace(environ[FileEnv])
	}
	if file != "" {
		l.addFile(file)
	}
	l.addEnvironment(environ)
	l.addFlags(o.Flags)
	return l
}

// set notes a value; a later layer overwrites an earlier one.
func (l *layers) set(name, text string, from origin) {
	if text = strings.TrimSpace(text); text != "" {
		l.values[name] = given{text: text, origin: from}
	}
}

func (l *layers) problem(where, format string, args ...any) {
	l.problems = append(l.problems, Problem{Where: where, Message: fmt.Sprintf(format, args...)})
}

// addEnvironment takes the names with our prefix. An unknown one is a typing
// error that would otherwise go unnoticed.
func (l *layers) addEnvironment(environ map[string]string) {
	for _, key := range sortedKeys(environ) {
		if !strings.HasPrefix(key, Prefix) || strings.HasPrefix(key, testPrefix) || ofCommands(key) {
			continue
		}
		i := slices.IndexFunc(l.settings, func(s Setting) bool { return s.Env == key })
		if i < 0 {
			if !l.addSecretFile(key, environ) {
				l.unknown(key, environ[key])
			}
			continue
		}
		l.set(l.settings[i].Name, environ[key], origin{fromEnvironment, key})
	}
}

// unknown complains about a variable that is no setting. Kubernetes gives each
// container such names for each Service: one that is called carteiro would be
// in the way of the program.
func (l *layers) unknown(key, value string) {
	if strings.HasSuffix(key, "_SERVICE_HOST") || strings.HasSuffix(key, "_SERVICE_PORT") || strings.HasPrefix(value, "tcp://") {
		l.problem(key, "there is no such setting; Kubernetes made it for a Service: set enableServiceLinks to false in the pod")
		return
	}
	known := append(l.names(func(s Setting) string { return s.Env }), FileEnv)
	known = append(known, l.names(func(s Setting) string { return s.EnvFile })...)
	l.problem(key, "there is no such setting%s", didYouMean(key, known))
}

func (l *layers) addFlags(flags map[string]string) {
	for _, name := range sortedKeys(flags) {
		i := slices.IndexFunc(l.settings, func(s Setting) bool { return s.Name == name })
		if i < 0 {
			known := l.names(func(s Setting) string { return s.Name })
			l.problem("flag "+name, "there is no such setting%s", didYouMean(name, known))
			continue
		}
		l.set(name, flags[name], origin{fromFlag, "--" + l.settings[i].Flag})
	}
}

// names lists one of the names of every setting.
func (l *layers) names(of func(Setting) string) []string {
	names := make([]string, len(l.settings))
	for i, s := range l.settings {
		names[i] = of(s)
	}
	return names
}

// origins tells for each setting where its value came from.
func (l *layers) origins() map[string]origin {
	m := make(map[string]origin, len(l.settings))
	for _, s := range l.settings {
		m[s.Name] = origin{fromDefault, s.Env}
		if v, ok := l.values[s.Name]; ok {
			m[s.Name] = v.origin
		}
	}
	return m
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
