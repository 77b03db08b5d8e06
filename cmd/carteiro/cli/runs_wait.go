package cli

import (
	"errors"
	"fmt"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

// waitForRun shows how far a run is until every page is a delivery, or until
// every delivery has ended. Ctrl-C ends the waiting; the run goes on.
func (s *Session) waitForRun(id ID, ended bool) error {
	bar := s.note.Progress("run "+string(id), 0)
	defer bar.End()
	again := s.poll()
	for {
		answer, err := s.do(get(runPath(id, ""), query{"limit": {"1"}}))
		if err != nil {
			return err
		}
		var v runView
		if err := apiclient.Decode(answer.Body, &v); err != nil {
			return err
		}
		acknowledged, failed := v.outcome()
		done, total, note := v.Sent, v.Pages, show.Count(v.Records, "record", "records")+" in "+show.Count(v.Pages, "page", "pages")
		if ended {
			done, note = acknowledged+failed, note+fmt.Sprintf(", %s acknowledged, %s failed", show.Number(acknowledged), show.Number(failed))
		}
		if v.Error != "" {
			note = v.Error
		}
		bar.At(done, total, note)
		if v.State == "finished" && (!ended || v.CompletedAt != nil) {
			bar.End()
			return s.runIsOver(id, failed, ended)
		}
		if err := again.wait(); err != nil {
			_ = s.note.Line("The run goes on: \"carteiro runs get %s\" shows how far it is.", id)
			return err
		}
	}
}

// outcome is what became of the pages.
func (v *runView) outcome() (acknowledged, failed int64) {
	for _, c := range v.Clients {
		acknowledged, failed = acknowledged+c.Acknowledged, failed+c.Failed
	}
	return acknowledged, failed
}

func (s *Session) runIsOver(id ID, failed int64, ended bool) error {
	err := one(s, get(runPath(id, ""), nil), func(v *runView) error {
		if v.Pages == 0 {
			if err := s.note.Line("There was nothing to send: no records of these days, or nobody who has subscribed to %s.", v.Event); err != nil {
				return err
			}
		}
		return s.showRun(v)
	})
	if err == nil && ended && failed > 0 {
		err = errors.New(show.Count(failed, "page was", "pages were") + " not acknowledged")
	}
	return err
}
