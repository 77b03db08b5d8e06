package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

const madeUp = "v9.8.7-rc.1"

func theRoot(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// made makes a release of this machine's platform, or of all of them where
// CARTEIRO_TEST_RELEASE=all asks for it: that takes minutes.
func made(t *testing.T, root string) *release {
	t.Helper()
	r := &release{root: root, version: madeUp, time: time.Unix(1_700_000_000, 0).UTC(), out: t.TempDir()}
	list := []target{{runtime.GOOS, runtime.GOARCH}}
	if os.Getenv("CARTEIRO_TEST_RELEASE") == "all" {
		list = targets()
	}
	if err := r.make(t.Context(), list); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAReleaseIsTheSameWhereverItIsMade builds the program twice, in two
// directories, and looks at what came out.
func TestAReleaseIsTheSameWhereverItIsMade(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	elsewhere := t.TempDir()
	copySource(t, theRoot(t), elsewhere)
	first, second := made(t, theRoot(t)), made(t, elsewhere)
	names, err := os.ReadDir(first.out)
	if err != nil {
		t.Fatal(err)
	}
	sums := read(t, filepath.Join(first.out, "SHA256SUMS"))
	for _, entry := range names {
		text := read(t, filepath.Join(first.out, entry.Name()))
		if !bytes.Equal(text, read(t, filepath.Join(second.out, entry.Name()))) {
			t.Errorf("%s is another one when it is made in another directory", entry.Name())
		}
		if entry.Name() == "SHA256SUMS" {
			continue
		}
		if line := fmt.Sprintf("%x  %s\n", sha256.Sum256(text), entry.Name()); !bytes.Contains(sums, []byte(line)) {
			t.Errorf("SHA256SUMS has not the line %q", line)
		}
		files := unpack(t, entry.Name(), text)
		folder := strings.TrimSuffix(strings.TrimSuffix(entry.Name(), ".tar.gz"), ".zip") + "/"
		for _, want := range []string{"LICENSE", "README.md"} {
			if !bytes.Equal(files[folder+want].text, read(t, filepath.Join(theRoot(t), want))) {
				t.Errorf("%s: %s is not ours", entry.Name(), want)
			}
		}
		checkHost(t, folder, files)
	}
}

// checkHost runs this machine's program, and looks into it.
func checkHost(t *testing.T, folder string, files map[string]packed) {
	t.Helper()
	if folder != "carteiro_"+madeUp+"_"+runtime.GOOS+"_"+runtime.GOARCH+"/" {
		return
	}
	program := filepath.Join(t.TempDir(), "carteiro")
	f := files[folder+programName(target{runtime.GOOS, runtime.GOARCH})]
	if f.mode != 0o755 {
		t.Errorf("the program's mode is %o", f.mode)
	}
	if err := os.WriteFile(program, f.text, 0o700); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(program, "version").Output()
	want := fmt.Sprintf("carteiro %s (%s, %s/%s)\n", madeUp, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if err != nil || string(out) != want {
		t.Errorf("carteiro version: %q, %v; want %q", out, err, want)
	}
	if bytes.Contains(f.text, []byte(theRoot(t))) {
		t.Error("the program has paths of this machine in it")
	}
	if runtime.GOOS != "linux" {
		return
	}
	if _, ok := files[folder+"carteiro.service"]; !ok {
		t.Error("the unit of systemd is not in the archive")
	}
	binary, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if slices.ContainsFunc(binary.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("the program is not static")
	}
	if binary.Section(".symtab") != nil || binary.Section(".debug_info") != nil {
		t.Error("the program is not stripped")
	}
}

// TestThePlatformsHaveAllPackages: no package that the program needs is
// without files on one of them. Building them all takes minutes, and is done
// for a release.
func TestThePlatformsHaveAllPackages(t *testing.T) {
	for _, p := range targets() {
		cmd := exec.Command("go", "list", "-deps", "./cmd/carteiro")
		cmd.Dir = theRoot(t)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", p, err, out)
		}
	}
	for _, tc := range []struct {
		only string
		want []target
	}{
		{"", targets()},
		{"host", []target{{runtime.GOOS, runtime.GOARCH}}},
		{"linux/arm64,windows/amd64", []target{{"linux", "arm64"}, {"windows", "amd64"}}},
		{"linux", nil},
	} {
		if got, err := chosen(tc.only); !slices.Equal(got, tc.want) || (err == nil) != (tc.want != nil) {
			t.Errorf("-only %q: %v, %v", tc.only, got, err)
		}
	}
}

// TestOnlyATagIsARelease: what is built by mistake from a changed tree, or
// from anything that is no tag, must not look like a release.
func TestOnlyATagIsARelease(t *testing.T) {
	root := t.TempDir()
	do := func(args ...string) {
		t.Helper()
		if _, err := git(t.Context(), root, args...); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(root, "x")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	commit := []string{"-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-qm", "x", "--date=@1700000000"}
	t.Setenv("GIT_COMMITTER_DATE", "@1700000000")
	do("init", "-q")
	write("1")
	do("add", "x")
	do(commit...)
	version := func(given, want, fault string) {
		t.Helper()
		r, err := newRelease(t.Context(), root, given)
		if fault != "" {
			if err == nil || !strings.Contains(err.Error(), fault) {
				t.Errorf("error %v, want %q", err, fault)
			}
			return
		}
		if err != nil || r.version != want || r.time.Unix() != 1_700_000_000 {
			t.Errorf("release %+v, %v; want %s", r, err, want)
		}
	}
	version("", "", "no version is checked out")
	do("tag", "v1.2")
	version("", "", `"v1.2" is no version`)
	do("tag", "-d", "v1.2")
	do("tag", "v1.2.3")
	version("", "v1.2.3", "")
	version("v2.0.0-rc.1", "v2.0.0-rc.1", "")
	version("v1 -X main.x=y", "", "is no version")
	write("2")
	version("", "", "differs from what is committed")
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// copySource copies what a build reads.
func copySource(t *testing.T, from, to string) {
	t.Helper()
	err := filepath.WalkDir(from, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch base := entry.Name(); {
		case entry.IsDir() && rel != "." && (strings.HasPrefix(base, ".") || base == "data" || base == "out" || base == "dist"):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !entry.Type().IsRegular() || strings.HasPrefix(base, "."):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, name string, text []byte) map[string]packed {
	t.Helper()
	files := map[string]packed{}
	if strings.HasSuffix(name, ".zip") {
		archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.File {
			entry, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			files[f.Name] = packed{f.Name, int64(f.Mode().Perm()), all(t, entry)}
		}
		return files
	}
	zipped, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for archive := tar.NewReader(zipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = packed{header.Name, header.Mode, all(t, archive)}
	}
}

func all(t *testing.T, r io.Reader) []byte {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
