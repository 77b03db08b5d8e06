package sender

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A receiver that shows every header of a request in its answer leaves none of
// its secrets in what is kept, however it writes them.
func TestEchoedSecretsAreNotKept(t *testing.T) {
	const secret = `p/ss<&>"\tail-0123456789`
	for name, answer := range map[string]func(string) []byte{
		"plain": func(s string) []byte { return []byte("you sent " + s + ".") },
		"JSON": func(s string) []byte {
			b, _ := json.Marshal(s)
			return b
		},
		"JSON with its slashes escaped": func(s string) []byte {
			b, _ := json.Marshal(s)
			return bytes.ReplaceAll(b, []byte("/"), []byte(`\/`))
		},
		"cut off in the middle": func(s string) []byte {
			return []byte(strings.Repeat("x", webhook.MaxStoredBody-20) + s + s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := receive(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(answer(r.Header.Get("X-Key"))) })
			r := newRequest(t, srv.URL)
			r.Headers = webhook.StaticHeaders{"X-Key": secret}
			kept := string(send(t, newSender(t), r).ResponseBody)
			if strings.Contains(kept, "0123456789") || strings.Contains(kept, secret[:minEcho]) || !strings.Contains(kept, webhook.Redacted) {
				t.Errorf("kept: …%s", kept[max(0, len(kept)-80):])
			}
		})
	}
}
