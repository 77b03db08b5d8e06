package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
)

// target is a platform: an operating system and a processor in Go's words.
type target struct{ os, arch string }

func (t target) String() string { return t.os + "/" + t.arch }

// targets are the usual platforms.
func targets() []target {
	return []target{
		{"linux", "amd64"},
		{"linux", "arm64"},
		{"darwin", "amd64"},
		{"darwin", "arm64"},
		{"windows", "amd64"},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	version := flags.String("version", "", "version to write into the program; without it, the tag that is checked out, and nothing may be changed")
	out := flags.String("out", "dist", "directory for the archives and SHA256SUMS; what it has of an earlier release is overwritten")
	only := flags.String("only", "", "platforms, with commas between them, such as linux/amd64; host is this machine's; without it, all of them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	root, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	list, err := chosen(*only)
	if err != nil {
		return err
	}
	r, err := newRelease(ctx, root, *version)
	if err != nil {
		return err
	}
	if r.out, err = filepath.Abs(*out); err != nil {
		return err
	}
	return r.make(ctx, list)
}

// chosen reads the platforms of the flag -only.
func chosen(only string) ([]target, error) {
	if only == "" {
		return targets(), nil
	}
	var list []target
	for name := range strings.SplitSeq(only, ",") {
		if name == "host" {
			name = runtime.GOOS + "/" + runtime.GOARCH
		}
		system, processor, ok := strings.Cut(name, "/")
		if !ok || system == "" || processor == "" {
			return nil, fmt.Errorf("%q is no platform: write it as linux/amd64", name)
		}
		list = append(list, target{system, processor})
	}
	return list, nil
}
