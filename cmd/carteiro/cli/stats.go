package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type statsCommand struct {
	Flags
	Client string `predictor:"client" help:"Of this client only." placeholder:"ID"`
	Since  string `help:"Count from this time on: a time, a day, a weekday, or how long ago; 24h when nothing is given, 7d at most." placeholder:"TIME"`
}

// statsView is what the API counts.
type statsView struct {
	Since      time.Time `json:"since"`
	Deliveries struct {
		Quarantined int64            `json:"quarantined"`
		Complete    bool             `json:"complete"`
		States      map[string]int64 `json:"states"`
	} `json:"deliveries"`
	Queue struct {
		OldestDueAt *time.Time `json:"oldest_due_at"`
		OldestDueMS float64    `json:"oldest_due_ms"`
		Lanes       []struct {
			Lane      string     `json:"lane"`
			Due       int64      `json:"due"`
			InFlight  int64      `json:"in_flight"`
			Parked    int64      `json:"parked"`
			Scheduled int64      `json:"scheduled"`
			NextDueAt *time.Time `json:"next_due_at"`
		} `json:"lanes"`
	} `json:"queue"`
	Attempts struct {
		Sampled      int64     `json:"sampled"`
		Acknowledged int64     `json:"acknowledged"`
		Duration     quantiles `json:"duration"`
		Late         quantiles `json:"late"`
	} `json:"attempts"`
	Failing       []failingView `json:"failing"`
	Verifications struct {
		Pending   int64 `json:"pending"`
		Completed int64 `json:"completed"`
		Failed    int64 `json:"failed"`
		Expired   int64 `json:"expired"`
	} `json:"verifications"`
}

type quantiles struct {
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

func (q quantiles) String() string {
	return fmt.Sprintf("p50 %s, p95 %s, p99 %s, max %s", show.Milliseconds(q.P50), show.Milliseconds(q.P95), show.Milliseconds(q.P99), show.Milliseconds(q.Max))
}

type failingView struct {
	Error         string `json:"error"`
	Status        int    `json:"status"`
	Waiting       int64  `json:"waiting"`
	Failed        int64  `json:"failed"`
	Subscriptions []struct {
		SubscriptionID string `json:"subscription_id"`
		ClientID       string `json:"client_id"`
		Waiting        int64  `json:"waiting"`
		Failed         int64  `json:"failed"`
	} `json:"subscriptions"`
}

func (c statsCommand) Run(s *Session) error {
	q := query{}
	q.set("client_id", c.Client)
	since, err := s.since("--since", c.Since)
	if err != nil {
		return err
	}
	q.set("since", since)
	return one(s, get("/v1/stats", q), s.showStats)
}

func (s *Session) showStats(v *statsView) error {
	fields := []show.Field{field("since", s.out.Time(&v.Since)), {Name: "deliveries", Value: v.states()}}
	if v.Deliveries.Quarantined > 0 {
		fields = append(fields, show.Field{Name: "in quarantine", Value: show.Cell{Text: show.Number(v.Deliveries.Quarantined), Color: show.Red}})
	}
	waits := "nothing is due"
	if v.Queue.OldestDueAt != nil {
		waits = "the oldest is due for " + show.Milliseconds(v.Queue.OldestDueMS)
	}
	fields = append(fields, field("queue", waits))
	if v.Attempts.Sampled > 0 {
		fields = append(fields,
			field("newest attempts", fmt.Sprintf("%s acknowledged of %s", show.Number(v.Attempts.Acknowledged), show.Number(v.Attempts.Sampled))),
			field("took", v.Attempts.Duration.String()), field("late", v.Attempts.Late.String()),
		)
	}
	n := v.Verifications
	fields = append(fields, field("verifications", fmt.Sprintf("%s pending, %s completed, %s failed, %s expired",
		show.Number(n.Pending), show.Number(n.Completed), show.Number(n.Failed), show.Number(n.Expired))))
	if err := s.out.Fields(fields...); err != nil {
		return err
	}
	if err := s.laneTable(v); err != nil {
		return err
	}
	return s.failingTable(v.Failing)
}

func (v *statsView) states() show.Cell {
	var parts []string
	for _, state := range []string{"succeeded", "pending", "retrying", "held", "failed", "canceled"} {
		if n := v.Deliveries.States[state]; n > 0 {
			parts = append(parts, show.Number(n)+" "+state)
		}
	}
	text := strings.Join(parts, ", ")
	if text == "" {
		text = "none"
	}
	if !v.Deliveries.Complete {
		text += " (too many to count them all)"
	}
	return show.Text(text)
}

func (s *Session) laneTable(v *statsView) error {
	t := s.out.Table(
		show.Column{Head: "LANE"}, show.Column{Head: "DUE", Right: true}, show.Column{Head: "IN FLIGHT", Right: true},
		show.Column{Head: "PARKED", Right: true}, show.Column{Head: "SCHEDULED", Right: true}, show.Column{Head: "NEXT"},
	)
	for _, l := range v.Queue.Lanes {
		t.Row(show.Texts(l.Lane, show.Number(l.Due), show.Number(l.InFlight), show.Number(l.Parked), show.Number(l.Scheduled), s.out.In(l.NextDueAt))...)
	}
	if err := s.out.Line(""); err != nil {
		return err
	}
	return t.Flush()
}

func (s *Session) failingTable(failing []failingView) error {
	if len(failing) == 0 {
		return nil
	}
	t := s.out.Table(
		show.Column{Head: "FAILING"}, show.Column{Head: "STATUS"}, show.Column{Head: "CLIENT"}, show.Column{Head: "SUBSCRIPTION"},
		show.Column{Head: "WAITING", Right: true}, show.Column{Head: "FAILED", Right: true},
	)
	for _, f := range failing {
		status := ""
		if f.Status > 0 {
			status = strconv.Itoa(f.Status)
		}
		for _, sub := range f.Subscriptions {
			t.Row(show.Texts(f.Error, status, sub.ClientID, sub.SubscriptionID, show.Number(sub.Waiting), show.Number(sub.Failed))...)
		}
	}
	if err := s.out.Line(""); err != nil {
		return err
	}
	return t.Flush()
}
