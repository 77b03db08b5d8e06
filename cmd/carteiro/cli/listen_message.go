package cli

import (
	"fmt"
	"strings"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/listen"
	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

// tell prints a request that came. That it cannot be printed stops nothing.
func (s *Session) tell(m listen.Message, quiet bool) {
	if s.o.Flags.JSON {
		if m.Body != nil {
			if body, err := compact(m.Body); err == nil {
				m.Body = body
			}
		}
		_ = s.encode(m)
		return
	}
	_ = s.out.Line("%s", s.headline(&m))
	if quiet {
		return
	}
	_ = s.out.Fields(messageFields(&m)...)
	_ = s.out.Line("%s\n", bodyText(&m))
}

// mostLines is how much of a body is printed: a page of an export has
// thousands of lines.
const mostLines = 60

// bodyText is a body for people. One that has come before is not printed again.
func bodyText(m *listen.Message) string {
	if m.Seen > 1 && !m.Changed {
		return "(the same body as before)"
	}
	body := show.JSON(m.Body)
	if m.Body == nil {
		body = m.Text
	}
	lines := strings.Split(show.Clean(body), "\n")
	if len(lines) > mostLines {
		rest := show.Count(int64(len(lines)-mostLines), "line more", "lines more")
		lines = append(lines[:mostLines], "… "+rest+"; --json has all")
	}
	return strings.Join(lines, "\n")
}

// headline is a request in one line.
func (s *Session) headline(m *listen.Message) string {
	parts := []string{
		s.out.Paint(show.Faint, m.At.In(s.out.Zone).Format("15:04:05.000")),
		show.OneLine(m.Method + " " + m.Path),
	}
	if m.EventType != "" {
		parts = append(parts, s.out.Paint(show.Bold, show.OneLine(m.EventType)))
	}
	if m.Attempt > 0 {
		parts = append(parts, fmt.Sprintf("attempt %d", m.Attempt))
	}
	if m.Pages > 0 {
		parts = append(parts, fmt.Sprintf("page %d of %d", m.Page, m.Pages))
	}
	if m.Test {
		parts = append(parts, "test")
	}
	parts = append(parts, s.out.Paint(verdictColor(m.Signature), verdictText(m.Signature)))
	if m.Changed {
		parts = append(parts, s.out.Paint(show.Red, "ANOTHER BODY THAN BEFORE"))
	}
	if m.Seen > 1 {
		parts = append(parts, s.out.Paint(show.Yellow, fmt.Sprintf("repeat, came %d times", m.Seen)))
	}
	return strings.Join(append(parts, s.outcome(m)), "  ")
}

func verdictText(v listen.Verdict) string {
	return map[listen.Verdict]string{
		listen.Valid: "signature valid", listen.Invalid: "SIGNATURE INVALID", listen.Unsigned: "NOT SIGNED", listen.Unchecked: "signature not checked",
	}[v]
}

func verdictColor(v listen.Verdict) show.Color {
	return map[listen.Verdict]show.Color{listen.Valid: show.Green, listen.Invalid: show.Red, listen.Unsigned: show.Red, listen.Unchecked: show.Yellow}[v]
}

// outcome is how it was answered.
func (s *Session) outcome(m *listen.Message) string {
	took := " after " + show.Milliseconds(m.TookMS)
	switch {
	case m.Status == 0 && m.Outcome == "closed":
		return s.out.Paint(show.Red, "-> connection reset"+took)
	case m.Status == 0:
		return s.out.Paint(show.Red, "-> no answer"+took)
	case m.Status/100 == 2:
		return s.out.Paint(show.Green, fmt.Sprintf("-> %d", m.Status)) + took
	}
	return s.out.Paint(show.Red, fmt.Sprintf("-> %d", m.Status)) + took
}

func messageFields(m *listen.Message) []show.Field {
	why := m.Why
	if m.Signature == listen.Unchecked {
		why = ""
	}
	return []show.Field{
		field("webhook-id", m.ID), field("delivery", m.DeliveryID), field("run", m.RunID), field("signature", why), field("problem", m.Error),
	}
}
