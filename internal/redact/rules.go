package redact

import (
	"strings"
)

// Mark stands wherever something was taken out.
const Mark = "[redacted]"

// MaxPaths is how many paths Rules take beside the names that they know.
const MaxPaths = 64

// AnyStep in a path stands for every field and every place of an array.
const AnyStep = "*"

// names are fields that hold personal data wherever they are, as normal writes
// them. A person's name is not among them: an event and a product have one too.
var names = []string{
	"cpf", "rg", "nationalid", "taxid", "documentnumber", "documento", "numerodocumento",
	"email", "phone", "phonenumber", "mobile", "mobilephone", "telephone", "telefone", "celular", "whatsapp",
	"birthdate", "dateofbirth", "datanascimento", "nascimento", "password", "senha",
}

// Rules say which fields of a JSON text are personal, whatever is in them. The
// zero value knows none. Rules do not change and are safe for concurrent use.
type Rules struct {
	names map[string]bool
	paths [][]string
}

// New returns rules with the names that everybody has and some paths more. A
// path of one step is the name of a field anywhere; a longer one counts from
// the root of the text. Of more than [MaxPaths] paths the rest is not used.
func New(paths [][]string) *Rules {
	r := &Rules{names: map[string]bool{}}
	for _, name := range names {
		r.names[name] = true
	}
	for _, p := range paths {
		switch {
		case len(p) == 1:
			r.names[normal(p[0])] = true
		case len(p) > 1 && len(r.paths) < MaxPaths:
			r.paths = append(r.paths, p)
		}
	}
	return r
}

// normal writes nationalId, national_id and National-ID alike.
func normal(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_', r == '-', r == ' ':
			return -1
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// place is where in a text a value stands, as far as the rules care.
type place struct {
	live   uint64 // the paths whose steps have all matched so far
	depth  int    // how many steps that were
	hidden bool   // it is personal, and so is all that is in it
}

func (r *Rules) root() place {
	return place{live: 1<<len(r.paths) - 1}
}

// child is the place one step further. A step of an array has no name.
func (r *Rules) child(p place, name string, named bool) place {
	next := place{depth: p.depth + 1, hidden: p.hidden || named && r.names[normal(name)]}
	for i, path := range r.paths {
		if p.live&(1<<i) == 0 || p.depth >= len(path) {
			continue
		}
		if step := path[p.depth]; step != AnyStep && (!named || step != name) {
			continue
		}
		next.live |= 1 << i
		next.hidden = next.hidden || len(path) == next.depth
	}
	return next
}

// String is [Text] of a string.
func String(s string) string {
	found := find([]byte(s))
	if len(found) == 0 {
		return s
	}
	return string(cutOut(nil, []byte(s), found))
}

// Text takes CPFs, CNPJs, e-mail addresses and Brazilian phone numbers out of
// a text of any kind. It returns text itself when there is nothing.
func Text(text []byte) []byte {
	found := find(text)
	if len(found) == 0 {
		return text
	}
	return cutOut(nil, text, found)
}

// cutOut appends text with a mark in the place of each span.
func cutOut(out, text []byte, found []span) []byte {
	from := 0
	for _, f := range found {
		out = append(append(out, text[from:f.from]...), Mark...)
		from = f.to
	}
	return append(out, text[from:]...)
}
