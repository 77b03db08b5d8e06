package dispatcher

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/carteiro-webhooks/carteiro/internal/redact"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// maxArgument is the longest body that goes into a curl line as an argument:
// Linux takes no single argument of more than 128 KiB. A longer body goes
// through a pipe.
const maxArgument = 96 << 10

// Curl writes the request as a line for a POSIX shell, as a sight shows it.
func (r *SignedRequest) Curl(s redact.Sight) []byte {
	shown := *r
	shown.Body, shown.URL = s.JSON(r.Body), s.Text(r.URL)
	line := shown.line()
	if shown.URL != r.URL || !bytes.Equal(shown.Body, r.Body) {
		line = append([]byte(redactedCurl), line...)
	}
	return line
}

// redactedCurl is the line before a curl line that is not what would be sent.
const redactedCurl = "# Personal data are redacted, so the signature is not that of this body. With ?reveal=true, it is.\n"

// line writes the request as a line for a POSIX shell.
func (r *SignedRequest) line() []byte {
	var b bytes.Buffer
	if r.Redacted {
		b.WriteString("# Put the subscription's own values where it says " + webhook.Redacted + ".\n")
	}
	long := len(r.Body) > maxArgument
	if long {
		b.WriteString("printf '%s' " + quoteShell(string(r.Body)) + " | ")
	}
	b.WriteString("curl --include --globoff --path-as-is --request " + quoteShell(r.Method) + " --url " + quoteShell(r.URL))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			b.WriteString(" --header " + quoteShell(name+": "+value))
		}
	}
	if long {
		b.WriteString(" --data-binary @-\n")
	} else {
		b.WriteString(" --data-raw " + quoteShell(string(r.Body)) + "\n")
	}
	return b.Bytes()
}

// quoteShell makes one word of s that a POSIX shell leaves as it is: within
// single quotes nothing has a meaning but the quote itself.
func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
