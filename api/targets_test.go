package api

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/carteiro-webhooks/carteiro/dispatcher/sender"
	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// TestRefusedTargets: each host that the sender's list names is refused
// wherever a URL is taken, with a pointer to it and a reason in the answer.
func TestRefusedTargets(t *testing.T) {
	testserver.NeedAlone(t)
	list, err := os.ReadFile("../dispatcher/sender/testdata/refused_hosts.txt")
	must(t, err)
	h := newHouseWith(t, 0, "sqlite:"+filepath.Join(t.TempDir(), "carteiro.db"), sender.PolicyOptions{})
	public := "/v1/subscriptions/" + h.subscribe("https://8.8.8.8/hook")
	tried := 0
	for line := range strings.Lines(string(list)) {
		host, says, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		tried++
		url, err := json.Marshal("https://" + host + "/hook?token=canary")
		must(t, err)
		refused(t, h.do("POST", "/v1/subscriptions", `{"client_id":"acme","event_types":["*"],"url":`+string(url)+`}`), "/url", says)
		refused(t, h.do("PATCH", public, `{"url":`+string(url)+`}`), "/url", says)
		refused(t, h.do("POST", "/v1/verifications",
			`{"nationalId":"012345678900","verifications":{},"callback":{"method":"PUT","url":`+string(url)+`}}`), "/callback/url", says)
	}
	if tried < 60 || h.count("/v1/subscriptions") != 1 || h.count("/v1/verifications") != 0 {
		t.Errorf("%d hosts were tried; %d subscriptions, %d verifications", tried, h.count("/v1/subscriptions"), h.count("/v1/verifications"))
	}
	const plain = `"http://8.8.8.8/hook?token=canary"`
	refused(t, h.do("POST", "/v1/subscriptions", `{"client_id":"acme","event_types":["*"],"url":`+plain+`}`), "/url", "CARTEIRO_ALLOW_HTTP")
	refused(t, h.do("POST", "/v1/verifications",
		`{"nationalId":"012345678900","verifications":{},"callback":{"method":"PUT","url":`+plain+`}}`), "/callback/url", "CARTEIRO_ALLOW_HTTP")
}

func refused(t *testing.T, got *answer, path, says string) {
	t.Helper()
	got.problem(422, "invalid_request")
	if diff := cmp.Diff([]string{path}, got.paths()); diff != "" {
		t.Errorf("%s: %s", diff, got.body)
	}
	if message := got.text("errors", 0, "message"); !strings.Contains(message, says) {
		t.Errorf("%q does not say %q", message, says)
	}
	if strings.Contains(got.body, "canary") {
		t.Errorf("the URL's secret is repeated: %s", got.body)
	}
}
