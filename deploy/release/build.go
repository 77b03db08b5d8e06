package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is one version, to be built for several platforms.
type release struct {
	root    string    // of the source
	version string    // v1.2.3
	time    time.Time // of the commit; every file in the archives has it
	out     string
}

// aVersion is what a tag must look like to be a release.
var aVersion = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

// newRelease asks git which version is checked out, unless it is given.
func newRelease(ctx context.Context, root, version string) (*release, error) {
	if version == "" {
		changed, err := git(ctx, root, "status", "--porcelain")
		if err != nil {
			return nil, err
		}
		if changed != "" {
			return nil, fmt.Errorf("the source differs from what is committed; commit or stash it, or give -version:\n%s", changed)
		}
		if version, err = git(ctx, root, "describe", "--tags", "--exact-match", "--match", "v*"); err != nil {
			return nil, fmt.Errorf("no version is checked out: git checkout v1.2.3, or give -version (%w)", err)
		}
	}
	if !aVersion.MatchString(version) {
		return nil, fmt.Errorf("%q is no version: it has the form v1.2.3 or v1.2.3-rc.1", version)
	}
	text, err := git(ctx, root, "log", "-1", "--format=%ct")
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the commit's time: %w", err)
	}
	return &release{root: root, version: version, time: time.Unix(seconds, 0).UTC()}, nil
}

// git runs git in a directory and returns what it prints.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(complaint.Bytes()))
	}
	return strings.TrimSpace(string(out)), nil
}

// make builds and packs each platform, and writes the sums of all.
func (r *release) make(ctx context.Context, list []target) (err error) {
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "carteiro-release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	var sums []string
	for _, t := range list {
		program := filepath.Join(work, t.os+"-"+t.arch, programName(t))
		if err := r.build(ctx, t, program); err != nil {
			return fmt.Errorf("build %s: %w", t, err)
		}
		name, text, err := r.pack(t, program)
		if err != nil {
			return fmt.Errorf("pack %s: %w", t, err)
		}
		if err := os.WriteFile(filepath.Join(r.out, name), text, 0o644); err != nil {
			return err
		}
		sums = append(sums, fmt.Sprintf("%x  %s\n", sha256.Sum256(text), name))
		fmt.Printf("%s (%.1f MB)\n", name, float64(len(text))/1e6)
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[sha256.Size*2:], b[sha256.Size*2:]) })
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644)
}

// build makes the program: static, without the paths of this machine and
// without symbols. What could change its bytes is set here, and not taken from
// the environment.
func (r *release) build(ctx context.Context, t target, program string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags", "-s -w -buildid= -X main.release="+r.version, "-o", program, "./cmd/carteiro")
	cmd.Dir = r.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch,
		"GOFLAGS=", "GOEXPERIMENT=", "GOFIPS140=off", "GOAMD64=v1", "GOARM64=v8.0", "GOWORK=off")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func programName(t target) string {
	if t.os == "windows" {
		return "carteiro.exe"
	}
	return "carteiro"
}
