package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/cli"
	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/store"
)

type configCommand struct{}

// Run prints the settings.
func (configCommand) Run(r runContext) error {
	c, err := config.Load(r.settings)
	if err != nil {
		return err
	}
	return c.Print(r.stdout)
}

type migrateCommand struct{}

// Run migrates the database.
func (migrateCommand) Run(r runContext) error {
	c, err := config.Load(r.settings)
	if err != nil {
		return err
	}
	if err := makeDataDir(c); err != nil {
		return err
	}
	s, err := store.Open(r, c.Database(), store.Options{})
	if err != nil {
		return err
	}
	steps, err := s.Migrate(r)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	fmt.Fprintf(r.stdout, "The %s schema is up to date; %d steps were applied.\n", s.Dialect(), steps)
	return s.Close()
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(r runContext) error {
	fmt.Fprintf(r.stdout, "carteiro %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// release is the version that deploy/release and the Dockerfile write into the
// program with the linker; nothing else sets it.
var release string

// version is the release, the module's version, or the commit it was built from.
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

type healthcheckCommand struct{}

// healthcheckTimeout is below the interval at which containers ask.
const healthcheckTimeout = 4 * time.Second

// Run asks /readyz of the server that the same settings describe.
func (healthcheckCommand) Run(r runContext) error {
	c, err := config.Load(r.settings)
	if err != nil {
		return err
	}
	base, err := cli.LocalURL(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r, healthcheckTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/readyz", nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the server does not answer: %w", err)
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the server is not ready: /readyz answered %s", res.Status)
	}
	return nil
}
