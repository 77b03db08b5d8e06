package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

// What is planted, so that it can be searched for everywhere.
const (
	canaryAdminKey   = "canary-admin-key-5d1f8a90c3e74b26"
	canaryDatabase   = "canary-database-password-88ab"
	canaryRedis      = "canary-redis-password-41fe"
	canaryHeader     = "canary-static-header-907b"
	canaryPassword   = "canary-basic-password-2c6d"
	canaryBearer     = "canary-bearer-token-77e1"
	canaryURLToken   = "canary-url-token-3b9f"
	canaryCPF        = "98765432100"
	canaryCPFDotted  = "987.654.321-00"
	canaryEmail      = "canary.person@example.com"
	canaryNationalID = "11122233396"
	canaryWrongKey   = "canary-wrong-key-0123456789-0123456789"
)

var canarySecretKey = base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("canary-2"), 4))

// canary is a run of the program with everything planted.
type canary struct {
	*process
	redis  *testserver.RedisServer
	traces *traceCollector
	// secrets must be nowhere as they are, but where somebody asks for one.
	secrets plants
	// inURLs may stand where a URL is shown or stored.
	inURLs plants
	// persons may stand in the tables and answers of one event or delivery.
	persons plants
	// never is not even stored.
	never plants
}

// TestCanary plants secrets and personal data in a real program and looks for
// them everywhere: they are where they belong, and nowhere else.
func TestCanary(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		c := newCanary(t, dir, "sqlite:"+filepath.Join(dir, "carteiro.db"))
		c.live()
		c.checkAnswers()
		c.checkTables("sqlite", "file:"+filepath.Join(dir, "carteiro.db")+"?mode=ro")
		c.stopAndCheck(dir)
	})
	t.Run("postgres", func(t *testing.T) {
		address, err := url.Parse(testserver.Postgres(t))
		if err != nil {
			t.Fatal(err)
		}
		address.User = url.UserPassword(address.User.Username(), canaryDatabase) // the server asks for none
		dir := t.TempDir()
		c := newCanary(t, dir, address.String())
		c.live()
		c.checkAnswers()
		c.checkTables("pgx", address.String())
		c.stopAndCheck(dir)
	})
}

func newCanary(t *testing.T, dir, database string) *canary {
	c := &canary{redis: testserver.Redis(t, testserver.AppendOnly(), testserver.Password(canaryRedis)), traces: newTraceCollector(t)}
	c.process = start(t, dir, []string{
		"CARTEIRO_ADMIN_KEY=" + canaryAdminKey, "CARTEIRO_SECRET_KEY=" + canarySecretKey, "CARTEIRO_DATABASE_URL=" + database, "CARTEIRO_MIGRATE=auto",
		"CARTEIRO_REDIS_URL=" + c.redis.URL(), "CARTEIRO_LOG_LEVEL=debug", "CARTEIRO_RETRY_SCHEDULE=1s,1s",
		"CARTEIRO_OTLP_ENDPOINT=" + c.traces.URL,
	}, "serve")
	c.key = canaryAdminKey
	c.secrets = plants{
		"admin key": canaryAdminKey, "secret key": canarySecretKey, "database password": canaryDatabase, "Redis password": canaryRedis,
		"static header": canaryHeader, "basic password": canaryPassword, "bearer token": canaryBearer,
		"basic credentials": base64.StdEncoding.EncodeToString([]byte("u:" + canaryPassword)), "wrong key": canaryWrongKey,
	}
	c.inURLs = plants{"URL's token": canaryURLToken}
	c.persons = plants{"CPF": canaryCPF, "dotted CPF": canaryCPFDotted, "e-mail": canaryEmail}
	c.never = plants{"national id": canaryNationalID}
	return c
}

// must makes a call that succeeds, and returns its answer.
func (c *canary) must(method, path, body string) map[string]any {
	c.t.Helper()
	var out map[string]any
	if status := c.call(method, path, body, &out); status >= 300 {
		c.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

func (c *canary) secret(name string, answer map[string]any, field string) {
	c.t.Helper()
	text, ok := answer[field].(string)
	if !ok {
		c.t.Fatalf("no %s in %v", field, answer)
	}
	c.secrets[name] = strings.TrimPrefix(strings.TrimPrefix(text, "whsec_"), "whsk_")
}

// echo is a receiver that sends back all that it was given. It fails twice, so
// that errors are logged too.
func (c *canary) echo() (address string, answered chan int) {
	answered = make(chan int, 1000)
	var n atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		status := http.StatusOK
		if n.Add(1)%3 != 0 {
			status = http.StatusInternalServerError
		}
		for name, values := range r.Header {
			w.Header()["X-Echo-"+name] = values
		}
		w.Header().Set("X-Person", canaryEmail)
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %s %v\n%s", r.Method, r.URL, r.Header, body)
		answered <- status
	}))
	c.t.Cleanup(s.Close)
	return s.URL, answered
}

// live uses all that takes in something secret or personal.
func (c *canary) live() {
	target, answered := c.echo()
	target += "/hook?token=" + canaryURLToken
	c.secret("API key", c.must("POST", "/v1/api-keys", `{"name":"ci","role":"producer"}`), "key")
	subscribe := func(more string) string {
		a := c.must("POST", "/v1/subscriptions", `{"client_id":"acme","url":"`+target+`","event_types":["*"],"headers":{"X-Key":"`+canaryHeader+`"}`+more+`}`)
		if a["public_key"] == nil { // a private key is never shown
			c.secret("subscription's secret", a, "secret")
		}
		return a["id"].(string)
	}
	basic := subscribe(`,"auth":{"type":"basic","username":"u","password":"` + canaryPassword + `"}`)
	subscribe(`,"auth":{"type":"bearer","token":"` + canaryBearer + `"},"signing":"ed25519"`)
	c.secret("secret after a rotation", c.must("POST", "/v1/subscriptions/"+basic+"/rotate-secret", ""), "secret")
	c.secret("client's secret", c.must("GET", "/v1/clients/acme/secret", ""), "secret")
	c.must("PUT", "/v1/event-types/person", `{"name":"Person","envelope":"event_data","schema":{"type":"object","properties":{"n":{"type":"integer"}}}}`)

	person := `{"cpf":"` + canaryCPF + `","doc":"` + canaryCPFDotted + `","email":"` + canaryEmail + `"}`
	c.must("POST", "/v1/events", `{"type":"person","client_id":"acme","data":`+person+`}`)
	c.must("POST", "/v1/events/batch", `{"events":[{"type":"person","client_id":"acme","data":`+person+`},{"type":"person","client_id":"acme","data":`+person+`}]}`)
	c.must("PUT", "/v1/records/ingressos?client_id=acme", `[{"_id":"r1","updatedAt":"2025-06-15T18:00:00Z","person":`+person+`}]`)
	c.must("POST", "/v1/exports/ingressos/runs", `{"start_date":"2025-06-15","end_date":"2025-06-15"}`)
	v := c.must("POST", "/v1/verifications", `{"nationalId":"`+canaryNationalID+`","verifications":{"type":"full"},"callback":{"url":"`+target+`","method":"POST"},"client_id":"acme"}`)
	c.must("POST", "/v1/verifications/"+v["id"].(string)+"/status", `{"status":"COMPLETED"}`)
	c.must("POST", "/v1/subscriptions/"+basic+"/test", `{"event_type":"shop.product.redemption"}`)
	c.settle(answered)
}

// settle waits until nothing waits any more.
func (c *canary) settle(answered chan int) {
	c.t.Helper()
	late := time.After(limit)
	for {
		open := 0
		for _, state := range []string{"pending", "retrying"} {
			open += len(c.must("GET", "/v1/deliveries?state="+state, "")["data"].([]any))
		}
		runs := c.must("GET", "/v1/exports/ingressos/runs", "")["data"].([]any)
		if open == 0 && runs[0].(map[string]any)["state"] == "finished" {
			return
		}
		select {
		case <-answered: // something has moved: look again
		case <-time.After(100 * time.Millisecond): // the last answer may not be recorded yet
		case <-late:
			c.t.Fatalf("%d deliveries are open, runs %v\n%s", open, runs, c.logged())
		}
	}
}

// get reads an answer whatever its status.
func (c *canary) get(method, path, key, body string) (status int, text []byte) {
	c.t.Helper()
	req, err := http.NewRequest(method, c.base+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err = io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	for name, values := range res.Header {
		text = fmt.Appendf(text, "\n%s: %v", name, values)
	}
	return res.StatusCode, text
}

// checkAnswers reads every list, every metric and many errors.
func (c *canary) checkAnswers() {
	c.t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ Parameters []struct{ In, Name string } }
	}
	c.call("GET", "/openapi.json", "", &doc)
	lists := []string{"/v1/exports/ingressos/runs", "/v1/exports/ingressos"}
	for path, methods := range doc.Paths {
		if _, there := methods["get"]; there && !strings.Contains(path, "{") {
			lists = append(lists, path)
		}
	}
	for _, want := range []string{"/v1/deliveries", "/v1/subscriptions", "/v1/verifications", "/v1/events", "/v1/audit-log", "/v1/api-keys", "/v1/stats", "/metrics"} {
		if !slices.Contains(lists, want) {
			c.t.Errorf("%s is not in the document", want)
		}
	}
	for _, path := range lists {
		status, text := c.get("GET", path, c.key, "")
		if status != http.StatusOK {
			c.t.Errorf("%s: %d", path, status)
		}
		c.nowhere("the answer of "+path, text, c.secrets, c.persons, c.never)
	}
	for _, d := range c.must("GET", "/v1/deliveries", "")["data"].([]any) { // with what the receiver sent back
		path := "/v1/deliveries/" + d.(map[string]any)["id"].(string)
		for _, part := range []string{"", "/payload", "/curl"} {
			_, text := c.get("GET", path+part, c.key, "")
			c.nowhere("the answer of a delivery's "+part, text, c.secrets, c.never)
		}
	}
	c.checkErrors()
}

func (c *canary) checkErrors() {
	c.t.Helper()
	person := `"` + canaryCPF + `"`
	for _, e := range [][3]string{
		{"POST", "/v1/events", `{"type":"person","client_id":"acme","data":{"n":` + person + `,"email":"` + canaryEmail + `"}}`},
		{"POST", "/v1/events", `{"type":"person","client_id":` + person + `0,"data":1}`},
		{"POST", "/v1/events", `{"type":"person","client_id":"acme","data":{"email":"` + canaryEmail + `"`},
		{"POST", "/v1/verifications", `{"nationalId":"` + canaryNationalID + strings.Repeat("1", 40) + `","verifications":{}}`},
		{"POST", "/v1/verifications", `{"nationalId":"` + canaryNationalID + `","verifications":{},"callback":{"url":"ftp://x/?` + canaryURLToken + `","method":"GET"}}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://u:` + canaryPassword + `@127.0.0.1/?` + canaryURLToken + `","event_types":["*"]}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"headers":{"X-Key":"` + canaryHeader + `\u0000"}}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"auth":{"type":"basic","username":"a:b","password":"` + canaryPassword + `"}}`},
		{"POST", "/v1/subscriptions", `{"client_id":"acme","url":"http://127.0.0.1:9","event_types":["*"],"auth":{"type":"bearer","token":"` + canaryBearer + ` x"}}`},
		{"PUT", "/v1/records/ingressos?client_id=acme", `[{"_id":"r2","updatedAt":"` + canaryEmail + `","checkin":` + person + `}`},
	} {
		status, text := c.get(e[0], e[1], c.key, e[2])
		if status < 400 || status >= 500 {
			c.t.Errorf("%s: %d %s", e[1], status, text)
		}
		c.nowhere("an error of "+e[1], text, c.secrets, c.inURLs, c.persons, c.never)
	}
	status, text := c.get("GET", "/v1/clients", canaryWrongKey, "")
	if status != http.StatusUnauthorized {
		c.t.Errorf("a wrong key: %d", status)
	}
	c.nowhere("the answer to a wrong key", text, c.secrets)
}

// nowhere fails for each planted text that is in data.
func (c *canary) nowhere(place string, data []byte, kinds ...plants) {
	c.t.Helper()
	for _, p := range kinds {
		for _, name := range p.find(data) {
			c.t.Errorf("the %s is in %s", name, place)
		}
	}
}

// stopAndCheck ends the program and reads what it left behind: its output,
// Redis with its whole history, and the files of its data directory.
func (c *canary) stopAndCheck(dir string) {
	c.t.Helper()
	ctx := context.Background()
	client := redis.NewClient(&redis.Options{Addr: c.redis.Addr(), Password: canaryRedis})
	defer client.Close()
	redisDir, err := client.ConfigGet(ctx, "dir").Result()
	if err != nil {
		c.t.Fatal(err)
	}
	if code := terminate(c.process); code != exitOK {
		c.t.Errorf("exit code %d", code)
	}
	log := []byte(c.logged())
	for line := range c.lines {
		log = append(log, line...)
	}
	if !bytes.Contains(log, []byte("msg=attempt ")) {
		c.t.Error("the log has no lines of attempts: the test looks at the wrong place")
	}
	if !bytes.Contains(log, []byte("level=DEBUG")) || !bytes.Contains(log, []byte("/v1/verifications")) {
		c.t.Error("the log has no lines of requests: the test looks at the wrong place")
	}
	c.nowhere("the log", log, c.secrets, c.inURLs, c.persons, c.never)

	spans := c.traces.everything()
	if !bytes.Contains(spans, []byte("dlv_")) {
		c.t.Error("no span of a delivery came: the test looks at the wrong place")
	}
	c.nowhere("the traces", spans, c.secrets, c.inURLs, c.persons, c.never)

	hints := everyFile(c.t, redisDir["dir"])
	if !bytes.Contains(hints, []byte("dlv_")) {
		c.t.Error("no hint was seen in Redis: the test looks at the wrong place")
	}
	inRedis := plants{}
	for name, text := range c.secrets {
		if name != "Redis password" { // its own settings file
			inRedis[name] = text
		}
	}
	c.nowhere("Redis", hints, inRedis, c.inURLs, c.persons, c.never)
	c.nowhere("the data directory", everyFile(c.t, dir), c.secrets, c.never)
}
