package webhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestFaultsAreToldInPortuguese(t *testing.T) {
	for en, pt := range map[string]string{
		"must not be empty": "não pode ficar em branco",
		`"a b" is no client id: 1 to 64 letters, digits, '.', '_' or '-'`:                                            `"a b" não é um id de cliente: de 1 a 64 letras, dígitos, '.', '_' ou '-'`,
		"is 201 bytes long; at most 200 are allowed":                                                                 "tem 201 bytes; o máximo é 200",
		`"Shop" must be lower-case words of letters, digits or '_', joined by dots, such as shop.product.redemption`: `"Shop" não serve: use palavras minúsculas com letras, dígitos ou '_', unidas por pontos, como shop.product.redemption`,
		`"" must not be empty`: `"" não pode ficar em branco`,
		"The name a.example cannot be used. The address 10.0.0.1 is refused: it is in a private network (RFC 1918). Use a public address, or open its network with CARTEIRO_ALLOW_NETWORKS.": "O nome a.example não pode ser usado. O endereço 10.0.0.1 é recusado: fica em uma rede privada (RFC 1918). Use um endereço público ou libere a rede com CARTEIRO_ALLOW_NETWORKS.",
		`There is no event type "x".`:                                                      `Não existe tipo de evento "x".`,
		"must be a string or null, but is an integer":                                      "precisa ser um texto ou null, mas é um número inteiro",
		"must be at least 2 characters long, but has 1":                                    "precisa ter pelo menos 2 caracteres, mas tem 1",
		"The payload of delivery x was removed on 2026-01-02 at the end of its retention.": "O conteúdo da entrega x foi removido em 2026-01-02, no fim do prazo de retenção.",
		"Isto já é português.":                                                             "Isto já é português.",
	} {
		if got := webhook.Translated(en, webhook.Portuguese); got != pt {
			t.Errorf("%q\nis told as  %q\nand not as  %q", en, got, pt)
		}
		if got := webhook.Translated(en, webhook.English); got != en {
			t.Errorf("in English, %q is told as %q", en, got)
		}
	}
}

// TestEveryMessageOfAnOwnerIsInTheTables reads the sources of those whose
// faults and errors a person of the console sees: whoever writes a new one
// writes it in both languages.
func TestEveryMessageOfAnOwnerIsInTheTables(t *testing.T) {
	n := 0
	for _, dir := range []string{".", "../access", "../console", "../dispatcher", "../dispatcher/sender", "../scheduler", "../store", "../subscriptions"} {
		names, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_words.go") && dir == "." {
				continue
			}
			for _, text := range messagesOf(t, name) {
				n++
				if got := webhook.Translated(text, webhook.Portuguese); got == text && !untold[text] {
					t.Errorf("%s says %q, which has no Portuguese", name, text)
				}
			}
		}
	}
	if n < 150 {
		t.Errorf("only %d messages were found in the sources: the test looks in the wrong places", n)
	}
}

// untold are the messages that nobody sees in the console as they stand here.
var untold = map[string]bool{
	// Whole in the tables, with what their functions put together.
	"The request was understood, but 7 not valid.": true, "7 7 or changed": true, "7 7 or changed.": true, "There is no 7 \"7\".": true,
	// Only of the API.
	"There is no dataset \"7\"; there are cadastros, vendas, ingressos and financeiro.":                    true,
	"\"7\" is no known event type. Known are 7; add one with PUT /v1/event-types/{slug}.":                  true,
	"This needs a key. Send the header \"Authorization: Bearer <api key>\" with a key that is valid here.": true,
}

var (
	goVerb = regexp.MustCompile(`%[a-z]`)
	words  = regexp.MustCompile(`\pL{2,} \pL{2,}|^is `)
)

// saysWhy are the functions whose text is what is wrong.
var saysWhy = []string{
	"Fault", "ParseKeyText", "textFault", "parseTarget", "setPort", "setHost", "nameFault", "words", "numberWords", "wantType", "noneOf", "parseCron", "parseZone", "statusAdvice",
	"dnsText", "connectText", "tlsText",
}

// messagesOf are the messages of a file, with 7 in each place.
func messagesOf(t *testing.T, name string) (out []string) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	add := func(before string, e ast.Expr, after string) {
		if text := exampleOf(e); words.MatchString(text) {
			out = append(out, before+text+after)
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.FuncDecl:
			if slices.Contains(saysWhy, n.Name.Name) {
				ast.Inspect(n, func(node ast.Node) bool {
					if r, ok := node.(*ast.ReturnStmt); ok {
						for _, e := range r.Results {
							add(map[string]string{"statusAdvice": "The server answered 7"}[n.Name.Name], e, "")
						}
					}
					return true
				})
			}
		case *ast.CallExpr:
			switch called := nameOf(n.Fun); {
			case called == "Add" && len(n.Args) > 1, called == "Conflict", called == "Malformed", called == "unauthorized" && len(n.Args) > 1:
				add("", n.Args[1], "")
			case called == "failed" && len(n.Args) > 1:
				before := ""
				if strings.HasPrefix(exampleOf(n.Args[1]), "7,") { // a status
					before = "The server answered "
				}
				add(before, n.Args[1], "")
			case called == "NotFound":
				kind := exampleOf(n.Args[0])
				if strings.HasPrefix(webhook.Translated("There is no "+kind+" \"x\".", webhook.Portuguese), "Não existe "+kind+" ") && kind != "7" {
					t.Errorf("%s says that there is no %s, which has no Portuguese", name, kind)
				}
			}
		case *ast.KeyValueExpr:
			switch nameOf(n.Key) {
			case "Message":
				add("", n.Value, "")
			case "reason":
				add("The address 7 is refused: ", n.Value, ".")
			}
		case *ast.AssignStmt:
			if name == "../dispatcher/sender/failure.go" && n.Tok == token.ADD_ASSIGN {
				add("No answer within 7", n.Rhs[0], "")
			}
		case *ast.ValueSpec:
			if said := n.Names[0].Name; strings.HasPrefix(said, "msg") && name == "../dispatcher/sender/failure.go" {
				add(map[string]string{"msgBodyOther": "The server answered 7"}[said], n.Values[0], "")
			}
		case *ast.CompositeLit:
			if strings.HasSuffix(name, "networks.go") && len(n.Elts) == 2 {
				add("The address 7 is refused: it ", n.Elts[1], ".")
			}
		}
		return true
	})
	return out
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// exampleOf is a text as it may come out.
func exampleOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return goVerb.ReplaceAllString(strings.ReplaceAll(text, "%q", `"7"`), "7")
		}
	case *ast.BinaryExpr:
		return exampleOf(e.X) + exampleOf(e.Y)
	case *ast.CallExpr:
		if name := nameOf(e.Fun); name == "Sprintf" || name == "Errorf" {
			return exampleOf(e.Args[0])
		}
	}
	return "7"
}
