package webhook

import (
	"regexp"
	"slices"
	"strings"
)

// sentence is a row of the tables of what is said of faults and errors: the
// English that the rule's owner says, and the Portuguese of Brazil. A {name}
// stands for what the owner puts in; of {why…} and {kind…}, what is put in is a
// row as well.
type sentence struct{ en, pt string }

// Translated is the message of an [Error], a [Fault] or an [AttemptError] in a
// language. English is what the rules' owners speak; what no table has, such as
// the words of a library, stays as it is.
func Translated(message string, lang Language) string {
	if lang != Portuguese {
		return message
	}
	for _, table := range [][]sentence{urlWords(), errorWords(), failureWords(), faultWords()} {
		if text, there := translated(message, table); there {
			return text
		}
	}
	return message
}

var sentencePlace = regexp.MustCompile(`\{[a-z]+\}`)

// translated finds the first row of a table that says the text.
func translated(text string, table []sentence) (string, bool) {
	for _, row := range table {
		begin, _, _ := strings.Cut(row.en, "{")
		if !strings.HasPrefix(text, begin) {
			continue
		}
		if values, says := row.read(text); says {
			return strings.NewReplacer(values...).Replace(row.pt), true
		}
	}
	return "", false
}

// read tells whether a text is the sentence, and returns its places and what
// stands there, in turn and in Portuguese.
func (s sentence) read(text string) (values []string, says bool) {
	fixed, places := sentencePlace.Split(s.en, -1), sentencePlace.FindAllString(s.en, -1)
	rest, says := strings.CutPrefix(text, fixed[0])
	if !says || len(places) == 0 {
		return nil, says && rest == ""
	}
	for i, place := range places {
		after := fixed[i+1]
		at := strings.Index(rest, after)
		if i == len(places)-1 {
			at = len(rest) - len(after)
		}
		if at < 0 || !strings.HasPrefix(rest[at:], after) {
			return nil, false
		}
		values = append(values, place, inPlace(place, rest[:at]))
		rest = rest[at+len(after):]
	}
	return values, true
}

// inPlace is what stands in a place, in Portuguese where it is a row itself.
func inPlace(place, value string) string {
	if !strings.HasPrefix(place, "{why") && !strings.HasPrefix(place, "{kind") {
		return value
	}
	for _, table := range [][]sentence{partWords(), urlWords(), errorWords(), faultWords(), joinedWords()} {
		if text, there := translated(value, table); there {
			return text
		}
	}
	return value
}

// partWords are what stands in the places of other rows.
func partWords() []sentence {
	return slices.Concat(thingWords(), refusalWords(), []sentence{
		{"failed", "falhou"},
		{"succeeded", "foi entregue"},
		{"was removed on {at} when the client's personal data were erased", "foi removido em {at}, na eliminação dos dados pessoais do cliente"},
		{"was removed when the client's personal data were erased", "foi removido na eliminação dos dados pessoais do cliente"},
		{"was removed on {at} at the end of its retention", "foi removido em {at}, no fim do prazo de retenção"},
		{"was removed at the end of its retention", "foi removido no fim do prazo de retenção"},
		{"this names no time within five years", "não indica nenhum momento nos próximos cinco anos"},
		{"end of range ({n}) above maximum ({max}): {part}", "{n} passa do máximo, {max}"},
		{"beginning of range ({n}) below minimum ({min}): {part}", "{n} é menor que o mínimo, {min}"},
		{"beginning of range ({n}) beyond end of range ({end}): {part}", "o intervalo {part} termina antes de começar"},
		{"step of range should be a positive number: {part}", "o passo de {part} precisa ser maior que zero"},
		{"failed to parse int from {part}: {rest}", "{part} não é um número"},
		{"too many hyphens: {part}", "{part} tem hifens demais"},
		{"too many slashes: {part}", "{part} tem barras demais"},
		{"1 character", "1 caractere"},
		{"{n} characters", "{n} caracteres"},
		{"1 element", "1 elemento"},
		{"{n} elements", "{n} elementos"},
		{"1 field", "1 campo"},
		{"{n} fields", "{n} campos"},
		{"null", "null"},
		{"a string", "um texto"},
		{"a number", "um número"},
		{"an integer", "um número inteiro"},
		{"a boolean", "true ou false"},
		{"an object", "um objeto"},
		{"an array", "uma lista"},
	})
}

// joinedWords put several rows together. They say next to nothing by
// themselves, so they are asked last.
func joinedWords() []sentence {
	return []sentence{
		{"{whya}; {whyb}", "{whya}; {whyb}"},
		{"({n}) {path} {why}", "({n}) {path} {why}"},
		{"{kind} or {kinds}", "{kind} ou {kinds}"},
	}
}

// thingWords are the kinds of things that can be missing.
func thingWords() []sentence {
	return []sentence{
		{"client", "cliente"},
		{"subscription", "assinatura"},
		{"event type", "tipo de evento"},
		{"event", "evento"},
		{"message", "mensagem"},
		{"delivery", "entrega"},
		{"verification", "verificação"},
		{"export", "exportação"},
		{"run", "execução"},
		{"job", "trabalho em lote"},
		{"API key", "chave de API"},
		{"asset", "arquivo"},
		{"secret of client", "segredo do cliente"},
		{"erasure of the personal data of client", "eliminação dos dados pessoais do cliente"},
	}
}
