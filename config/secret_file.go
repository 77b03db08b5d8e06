package config

import (
	"os"
	"slices"
	"strings"
)

// fileSuffix ends the name of a variable that gives the file of a value
// instead of the value: secrets of containers and credentials of systemd are
// files, and what a file holds is in no list of processes and no "inspect".
const fileSuffix = "_FILE"

// addSecretFile takes a variable that names the file of a secret, or of a URL
// that may have a password inside. It tells whether there is such a setting.
func (l *layers) addSecretFile(key string, environ map[string]string) bool {
	i := slices.IndexFunc(l.settings, func(s Setting) bool { return s.EnvFile == key })
	if i < 0 {
		return false
	}
	setting, name := l.settings[i], strings.TrimSpace(environ[key])
	switch {
	case name == "":
		return true
	case strings.TrimSpace(environ[setting.Env]) != "":
		l.problem(key, "is given together with %s: leave one of the two out", setting.Env)
		return true
	}
	text, err := os.ReadFile(name)
	switch {
	case err != nil:
		l.problem(key, "cannot read %s: %s", name, cause(err))
	case strings.TrimSpace(string(text)) == "":
		l.problem(key, "names the file %s, which is empty", name)
	default:
		l.set(setting.Name, string(text), origin{fromEnvironment, key})
	}
	return true
}
