package webhook_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// TestStateMachineIsAsDrawn holds docs/state_machine.md and the code together.
func TestStateMachineIsAsDrawn(t *testing.T) {
	text, err := os.ReadFile("../docs/state_machine.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z]+)` \\|.*\\| ([^|]*) \\|$")
	word := regexp.MustCompile("`([a-z]+)`")
	drawn := map[webhook.DeliveryState][]webhook.DeliveryState{}
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		drawn[webhook.DeliveryState(m[1])] = nil
		for _, to := range word.FindAllStringSubmatch(m[2], -1) {
			drawn[webhook.DeliveryState(m[1])] = append(drawn[webhook.DeliveryState(m[1])], webhook.DeliveryState(to[1]))
		}
	}
	if len(drawn) != len(webhook.States) {
		t.Fatalf("the page draws %d states, the code has %d", len(drawn), len(webhook.States))
	}
	for _, from := range webhook.States {
		for _, to := range webhook.States {
			if got, want := from.CanBecome(to), slices.Contains(drawn[from], to); got != want {
				t.Errorf("%s → %s: the code says %v, the page %v", from, to, got, want)
			}
		}
	}
}

func TestFinalStates(t *testing.T) {
	for _, s := range webhook.States {
		want := s == webhook.StateSucceeded || s == webhook.StateFailed || s == webhook.StateCanceled
		if s.Final() != want || !s.Valid() {
			t.Errorf("%s: final %v, valid %v", s, s.Final(), s.Valid())
		}
	}
	if webhook.DeliveryState("lost").Valid() {
		t.Error("\"lost\" passes for a state")
	}
	if err := webhook.Check("dlv_1", webhook.StateCanceled, webhook.StateRetrying); err == nil || !strings.Contains(err.Error(), "dlv_1") {
		t.Errorf("canceled → retrying: %v", err)
	}
}

func attempt(trigger webhook.Trigger, ok bool, ended time.Time) *webhook.Attempt {
	a := &webhook.Attempt{Trigger: trigger, StartedAt: ended.Add(-time.Second), Duration: time.Second}
	if !ok {
		a.Error = &webhook.AttemptError{Code: webhook.ErrorStatus}
	}
	return a
}

// TestDefaultSchedule is the contract's table (verification-callback.md): 1, 5,
// 15, 30 minutes and 1 hour after the end of the attempt before, then failed.
func TestDefaultSchedule(t *testing.T) {
	waits := []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	was := webhook.Standing{State: webhook.StatePending}
	now := time.Date(2025, 6, 15, 3, 0, 0, 0, time.UTC)
	for i, wait := range waits {
		out := webhook.DefaultSchedule().After(was, attempt(webhook.TriggerAutomatic, false, now))
		if out.State != webhook.StateRetrying || !out.NextAttemptAt.Equal(now.Add(wait)) || out.Spent != i+1 {
			t.Fatalf("after attempt %d: %+v; want a retry %v after its end", i+1, out, wait)
		}
		was, now = webhook.Standing(out), out.NextAttemptAt.Add(2*time.Second)
	}
	out := webhook.DefaultSchedule().After(was, attempt(webhook.TriggerAutomatic, false, now))
	if out.State != webhook.StateFailed || !out.NextAttemptAt.IsZero() || out.Spent != 6 {
		t.Errorf("after the sixth attempt: %+v; want failed", out)
	}
}

// TestScheduleProperty: whatever happens in whatever order, at most one
// attempt more than the schedule is long is automatic, a manual one that
// fails changes nothing, and an acknowledged one ends it.
func TestScheduleProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schedule := webhook.Schedule(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "wait"))
		}), 1, 8).Draw(t, "schedule"))
		was := webhook.Standing{State: webhook.StatePending}
		now := time.Unix(0, 0)
		automatic := 0
		for !was.State.Final() {
			manual := rapid.Bool().Draw(t, "manual")
			ok := rapid.IntRange(0, 9).Draw(t, "luck") == 0
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "later")))
			trigger := webhook.TriggerAutomatic
			if manual {
				trigger = webhook.TriggerManual
			} else {
				automatic++
			}
			out := schedule.After(was, attempt(trigger, ok, now))
			if err := webhook.Check("dlv", was.State, out.State); err != nil {
				t.Fatal(err)
			}
			switch {
			case ok && out.State != webhook.StateSucceeded:
				t.Fatalf("acknowledged, but %+v", out)
			case manual && !ok && out != webhook.Outcome(was):
				t.Fatalf("a manual attempt failed and changed %+v to %+v", was, out)
			case !manual && !ok && out.State == webhook.StateRetrying && !out.NextAttemptAt.Equal(now.Add(schedule[automatic-1])):
				t.Fatalf("attempt %d failed at %v; next at %v", automatic, now, out.NextAttemptAt)
			}
			if out.Spent != automatic {
				t.Fatalf("%d automatic attempts, %d spent", automatic, out.Spent)
			}
			was = webhook.Standing(out)
		}
		if automatic > len(schedule)+1 {
			t.Fatalf("%d automatic attempts for %d retries", automatic, len(schedule))
		}
	})
}
