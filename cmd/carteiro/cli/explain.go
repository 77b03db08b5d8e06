package cli

import (
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type explainDelivery struct {
	ID   ID     `arg:"" help:"The delivery's id."`
	Lang string `help:"Language of the sentences: en or pt-BR; that of LC_ALL, LC_MESSAGES or LANG when nothing is given." placeholder:"LANG"`
}

// Run tells in plain words what happened to a delivery.
func (c explainDelivery) Run(s *Session) error {
	r := get(deliveryPath(c.ID, "/explain"), nil)
	r.Lang = c.language(s)
	type explanation struct {
		State         string     `json:"state"`
		Summary       string     `json:"summary"`
		Steps         []string   `json:"steps"`
		Cause         string     `json:"cause"`
		Remedy        string     `json:"remedy"`
		Next          string     `json:"next"`
		NextAttemptAt *time.Time `json:"next_attempt_at"`
		TellClient    string     `json:"tell_client"`
		Language      string     `json:"language"`
	}
	return one(s, r, func(v *explanation) error {
		w := explainWords(v.Language)
		return s.out.Fields(
			show.Field{Name: w[0], Value: show.Cell{Text: v.Summary, Color: stateCell(v.State).Color}},
			field(w[1], strings.Join(v.Steps, "\n")), field(w[2], v.Cause), field(w[3], v.Remedy), field(w[4], v.Next), field(w[5], v.TellClient),
		)
	})
}

// explainWords are the names of the parts.
func explainWords(lang string) [6]string {
	if lang == "pt-BR" {
		return [6]string{"em resumo", "o que houve", "por quê", "o que fazer", "a seguir", "ao cliente"}
	}
	return [6]string{"in short", "what happened", "why", "what to do", "what is next", "to the client"}
}

// language is the one that was asked for, or that of the environment: pt_BR.UTF-8.
func (c explainDelivery) language(s *Session) string {
	if c.Lang != "" {
		return c.Lang
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if text, _, _ := strings.Cut(s.env(name), "."); text != "" {
			return strings.ReplaceAll(text, "_", "-")
		}
	}
	return ""
}
