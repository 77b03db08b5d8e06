package config

import (
	"fmt"
	"strings"
)

// Error lists everything that is wrong with the settings.
type Error struct {
	Problems []Problem
}

// Problem is one wrong setting.
type Problem struct {
	Where   string // as the user gave it: CARTEIRO_LISTEN, --listen, carteiro.yaml:3: listen
	Message string // the value unless it is secret, what is wrong with it, what is allowed
}

func (p Problem) String() string { return p.Where + ": " + p.Message }

func (e *Error) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d settings are wrong:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}
