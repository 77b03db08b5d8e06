package testserver

import (
	"cmp"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrMissing says that this machine cannot run a server.
var ErrMissing = errors.New("not on this machine")

// program finds a server's program on PATH.
func program(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%w: the program %s", ErrMissing, name)
	}
	return path, nil
}

// postgresProgram finds a program of PostgreSQL, which Debian does not put on
// PATH.
func postgresProgram(name string) (string, error) {
	if path, err := program(name); err == nil {
		return path, nil
	}
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(version(b), version(a)) })
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	for _, dir := range dirs {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return program(name)
}

// version is the 17 in /usr/lib/postgresql/17/bin.
func version(dir string) float64 {
	v, err := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
	if err != nil {
		return 0
	}
	return v
}
