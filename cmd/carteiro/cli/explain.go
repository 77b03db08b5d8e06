package cli

import (
	"strings"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/show"
)

type explainDelivery struct {
	ID ID `arg:"" predictor:"delivery" help:"The delivery's id."`
	spoken
}

// spoken is what answers in sentences.
type spoken struct {
	Lang string `predictor:"language" help:"Language of the sentences: en or pt-BR; that of LC_ALL, LC_MESSAGES or LANG when nothing is given." placeholder:"LANG"`
}

// Run tells in plain words what happened to a delivery.
func (c explainDelivery) Run(s *Session) error {
	r := get(deliveryPath(c.ID, "/explain"), nil)
	r.Lang = c.language(s)
	type explanation struct {
		State      string   `json:"state"`
		Summary    string   `json:"summary"`
		Steps      []string `json:"steps"`
		Cause      string   `json:"cause"`
		Remedy     string   `json:"remedy"`
		Next       string   `json:"next"`
		TellClient string   `json:"tell_client"`
		Language   string   `json:"language"`
	}
	return one(s, r, func(v *explanation) error {
		parts := []show.Cell{
			{Text: v.Summary, Color: stateCell(v.State).Color},
			show.Text(strings.Join(v.Steps, "\n")),
			show.Text(v.Cause), show.Text(v.Remedy), show.Text(v.Next), show.Text(v.TellClient),
		}
		fields := make([]show.Field, len(parts))
		for i, name := range explainWords(v.Language) {
			fields[i] = show.Field{Name: name, Value: parts[i], Prose: true}
		}
		return s.out.Fields(fields...)
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
func (c spoken) language(s *Session) string {
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
