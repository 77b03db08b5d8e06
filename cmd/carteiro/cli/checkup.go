package cli

import (
	"errors"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/apiclient"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

type checkSubscription struct {
	ID ID `arg:"" predictor:"subscription" help:"The subscription's id."`
	spoken
}

// Run has the server look at a receiver on the whole way to it. The requests
// are tests: a wrongly signed one, a good one, and the good one again.
func (c checkSubscription) Run(s *Session) error {
	r := post(subscriptionPath(c.ID, "/check"), nil)
	r.Lang = c.language(s)
	answer, err := s.do(r)
	if err != nil {
		return err
	}
	var v struct {
		Result     webhook.CheckResult `json:"result"`
		Findings   []webhook.Finding   `json:"findings"`
		DeliveryID string              `json:"delivery_id"`
	}
	if err := apiclient.Decode(answer.Body, &v); err != nil {
		return err
	}
	if s.o.Flags.JSON {
		err = s.json(answer.Body)
	} else {
		err = s.showFindings(v.Findings, v.DeliveryID)
	}
	if err == nil && v.Result == webhook.CheckFail {
		err = errors.New("the receiver is not well")
	}
	return err
}

func (s *Session) showFindings(findings []webhook.Finding, delivery string) error {
	t := s.out.Table(show.Column{Head: "CHECK"}, show.Column{Head: "RESULT"}, show.Column{Head: "FINDING", Flex: true})
	var remedies []show.Field
	for _, f := range findings {
		t.Row(show.Text(string(f.Check)), resultCell(f.Result), show.Text(f.Message))
		if f.Remedy != "" {
			remedies = append(remedies, show.Field{Name: string(f.Check), Value: show.Text(f.Remedy), Prose: true})
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if len(remedies) > 0 {
		if err := s.out.Line("\nWhat mends it:"); err != nil {
			return err
		}
		if err := s.out.Fields(remedies...); err != nil {
			return err
		}
	}
	if delivery == "" {
		return nil
	}
	return s.note.Line("The requests are recorded: carteiro deliveries get %s -v", delivery)
}

func resultCell(r webhook.CheckResult) show.Cell {
	return show.Cell{Text: string(r), Color: map[webhook.CheckResult]show.Color{
		webhook.CheckOK: show.Green, webhook.CheckWarn: show.Yellow, webhook.CheckFail: show.Red, webhook.CheckSkipped: show.Faint,
	}[r]}
}
