package cli

import (
	"errors"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

// applyEventTypes brings event types to what files say. Types that no file
// names stay as they are.
type applyEventTypes struct {
	Dir    string `arg:"" help:"Directory of YAML files, one event type each."`
	DryRun bool   `help:"Check everything and show the difference; change nothing."`
}

// Run has the server check all files before it changes anything: a directory
// with a fault changes nothing.
func (c applyEventTypes) Run(s *Session) error {
	changes, err := s.compareAll(c.Dir)
	if err != nil {
		return err
	}
	if !c.DryRun {
		for _, change := range changes {
			if change.what() == unchanged {
				continue
			}
			if _, err := s.do(putRequest(change.file, false)); err != nil {
				return fmt.Errorf("%s: %w", change.file.path, err)
			}
		}
	}
	return s.showChanges(changes, c.DryRun)
}

type diffCommand struct {
	Dir string `arg:"" help:"Directory of YAML files, one event type each."`
}

func (c diffCommand) Run(s *Session) error {
	changes, err := s.compareAll(c.Dir)
	if err != nil {
		return err
	}
	if err := s.showChanges(changes, true); err != nil {
		return err
	}
	for _, change := range changes {
		if change.what() != unchanged {
			return errors.New("the server's event types differ from the files")
		}
	}
	return nil
}

// What becomes of an event type.
const (
	created   = "created"
	changed   = "changed"
	unchanged = "unchanged"
)

// eventTypeChange is a file and how it differs from what the server has.
type eventTypeChange struct {
	file  eventTypeFile
	isNew bool
	lines []string // the difference; empty: none
}

func (c eventTypeChange) what() string {
	switch {
	case c.isNew:
		return created
	case len(c.lines) > 0:
		return changed
	}
	return unchanged
}

// compareAll reads the files of a directory and has each checked. The error
// lists everything that is wrong in all of them.
func (s *Session) compareAll(dir string) ([]eventTypeChange, error) {
	files, err := readEventTypes(dir)
	if err != nil {
		return nil, err
	}
	changes := make([]eventTypeChange, len(files))
	var wrong []error
	for i, f := range files {
		if changes[i], err = s.compare(f); err != nil {
			if !apiclient.Is(err, apiclient.Invalid) {
				return nil, err // it would be the same for all others
			}
			wrong = append(wrong, fmt.Errorf("%s: %w", f.path, err))
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(append(wrong, errors.New("nothing was changed"))...)
	}
	return changes, nil
}

// compare has the server check a file, and tells how it differs from what the
// server has.
func (s *Session) compare(f eventTypeFile) (eventTypeChange, error) {
	change := eventTypeChange{file: f}
	want, err := s.do(putRequest(f, true))
	if err != nil {
		return change, err
	}
	have, err := s.do(get(eventTypePath(f.slug), nil))
	switch {
	case apiclient.Is(err, apiclient.NotFound):
		change.isNew = true
		change.lines, err = diffEventTypes(nil, want.Body)
	case err == nil:
		change.lines, err = diffEventTypes(have.Body, want.Body)
	}
	return change, err
}

// changeView is a change for pipes.
type changeView struct {
	Slug string   `json:"slug"`
	What string   `json:"what"`
	Diff []string `json:"diff"`
}

func (s *Session) showChanges(changes []eventTypeChange, dryRun bool) error {
	counts := map[string]int{}
	for _, change := range changes {
		what := change.what()
		counts[what]++
		if s.o.Flags.JSON {
			if err := s.encode(changeView{change.file.slug, what, append([]string{}, change.lines...)}); err != nil {
				return err
			}
			continue
		}
		if err := s.out.Line("%-9s  %s", what, change.file.slug); err != nil {
			return err
		}
		for _, line := range change.lines {
			if err := s.out.Line("    %s", s.out.Paint(diffColor(line), show.Clean(line))); err != nil {
				return err
			}
		}
	}
	done := "done"
	if dryRun {
		done = "dry run, nothing was changed"
	}
	return s.done("%d created, %d changed, %d unchanged (%s)", counts[created], counts[changed], counts[unchanged], done)
}

func diffColor(line string) show.Color {
	switch {
	case len(line) > 2 && line[2] == '+':
		return show.Green
	case len(line) > 2 && line[2] == '-':
		return show.Red
	}
	return show.Plain
}
