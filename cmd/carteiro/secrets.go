package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/internal/reseal"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/store"
)

// keyRing is the key that seals, and the former ones that still open.
func keyRing(c *config.Config) (*seal.Ring, error) {
	first, err := secretKey(c)
	if err != nil {
		return nil, err
	}
	former, err := c.FormerKeys()
	if err != nil {
		return nil, err
	}
	return seal.NewRing(first, former...)
}

// checkKeys refuses to start with keys that do not open what is sealed: a
// server that did would fail at some delivery, later.
func (h *house) checkKeys(ctx context.Context) error {
	state, err := reseal.Check(ctx, h.store, h.keys)
	if err != nil {
		return err
	}
	if state.Former > 0 {
		h.log.Info("some secrets are sealed with a former key; \"carteiro secrets reseal\" seals them with the present one",
			"former", state.Former, "present", state.Present)
	}
	return nil
}

type secretsCommand struct {
	Reseal resealCommand `cmd:"" help:"Seal all secrets in the database with the present CARTEIRO_SECRET_KEY; CARTEIRO_SECRET_KEYS_OLD opens them. The server may run meanwhile."`
}

type resealCommand struct {
	DryRun bool `help:"Only count."`
}

// Run seals everything anew.
func (cmd resealCommand) Run(r runContext) error {
	c, err := config.Load(r.settings)
	if err != nil {
		return err
	}
	s, err := store.Open(r, c.Database(), store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(cmd.reseal(r, c, s), s.Close())
}

func (cmd resealCommand) reseal(r runContext, c *config.Config, s *store.Store) error {
	if missing, _, err := s.SchemaPending(r); err != nil || missing > 0 {
		return errors.Join(err, errors.New("the database's schema is not up to date; run \"carteiro migrate\" first"))
	}
	keys, err := keyRing(c)
	if err != nil {
		return err
	}
	state, err := reseal.Check(r, s, keys)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.stdout, "%d values are sealed with the present key, %d with a former one.\n", state.Present, state.Former)
	if cmd.DryRun {
		return nil
	}
	done, err := reseal.Run(r, s, keys)
	for _, d := range done {
		fmt.Fprintf(r.stdout, "%6d %s sealed anew\n", d.Resealed, d.Kind)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(r.stdout, "Nothing is left under another key. Take CARTEIRO_SECRET_KEYS_OLD out of the settings of every process.")
	return nil
}
