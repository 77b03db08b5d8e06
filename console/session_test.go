package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

func TestSignInWithABrowser(t *testing.T) {
	h := newHouse(t, 0)
	_, text := h.key(webhook.RoleOperator, "")
	b := h.stranger().browse(t)
	b.open("/console/sign-in").check()
	b.fill("#key", "wrong").click("button.primary")
	b.forgive("401")
	if got := b.text("#key-fault"); !strings.Contains(got, "does not open") || strings.Contains(got, "wrong key") {
		t.Errorf("a wrong key is told: %q", got)
	}
	b.check()
	b.fill("#key", text).click("button.primary")
	if got := b.path(); got != "/console" {
		t.Errorf("signing in leads to %s", got)
	}
	b.check()
	if got := b.focusOrder(3); got[0] != "#main" || got[1] != "/console" || got[2] != "/console" {
		t.Errorf("the focus goes to %q; want first the link past the navigation, then the brand", got)
	}
	b.size(390, 800)
	b.press(".menu-button").wait("#side nav a")
	b.do(chromedp.KeyEvent("\x1b"), chromedp.WaitNotVisible(chromedp.CSS("#side nav a")))
	b.size(1280, 800)
	b.click("form[action$='preferences'] button[value=dark]").wait(":root[data-theme=dark]")
	b.click("form[action$='preferences'] button[value='pt-BR']").wait(":root[lang='pt-BR']")
	b.check()
	b.click("form[action$='sign-out'] button")
	if got := b.text("h1"); got != "Entrar" {
		t.Errorf("the title is %s, want Entrar", got)
	}
}

func TestASessionIsWhatItsKeyIs(t *testing.T) {
	eachDatabase(t, 0, func(t *testing.T, h *house) {
		h.stranger().get("/console?since=1").want(200).has(`name="key"`)
		id, text := h.key(webhook.RoleViewer, "")
		v := h.withKey(text)
		p := v.get("/console").want(200)
		for _, secret := range []string{text, text[20:40]} {
			p.hasNot(secret)
			if strings.Contains(h.log.String(), secret) {
				t.Error("the key is in the log")
			}
		}
		must(t, h.access.Revoke(context.Background(), id))
		if got := v.get("/console").path(); got != "/console/sign-in" {
			t.Errorf("with a revoked key the session leads to %s", got)
		}
		v = h.admin()
		v.get("/console").want(200)
		h.late.Store(int64(sessionTime))
		if got := v.get("/console").path(); got != "/console/sign-in" {
			t.Errorf("after its time the session leads to %s", got)
		}
	})
}

func TestSessionCookie(t *testing.T) {
	h := newHouse(t, 0)
	for _, tc := range []struct {
		name, forwarded, cookie string
		secure                  bool
	}{
		{"plain", "", sessionCookie, false},
		{"behind TLS", "https", "__Host-" + sessionCookie, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := http.NewRequest("POST", h.url+"/console/sign-in", strings.NewReader("key="+testKey))
			must(t, err)
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-Proto", tc.forwarded)
			res, err := http.DefaultTransport.RoundTrip(r)
			must(t, err)
			must(t, res.Body.Close())
			for _, k := range res.Cookies() {
				if k.Name != tc.cookie {
					continue
				}
				if !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Secure != tc.secure || k.Path != "/" || k.MaxAge != int(sessionTime/time.Second) {
					t.Errorf("the cookie is %s", k)
				}
				if strings.Contains(k.Value, testKey) {
					t.Error("the key is in the cookie")
				}
				return
			}
			t.Errorf("no cookie %s in %v", tc.cookie, res.Cookies())
		})
	}
}

func TestWhoMayNotSignIn(t *testing.T) {
	h := newHouse(t, 0)
	_, producer := h.key(webhook.RoleProducer, "")
	h.stranger().post("/console/sign-in", "key", producer).want(403).has("role producer")
	h.stranger().post("/console/sign-in", "key", "").want(422).has("Enter an API key")
	v := h.stranger()
	for range 100 {
		if p := v.post("/console/sign-in", "key", "wrong"); p.status == 429 {
			if p.header.Get("Retry-After") == "" {
				t.Error("it is not said how long to wait")
			}
			v.post("/console/sign-in", "key", testKey).want(200) // a right one is never slowed down
			return
		}
	}
	t.Error("a hundred wrong keys were not slowed down")
}

// TestWhereAFormLeads: not out of the console.
func TestWhereAFormLeads(t *testing.T) {
	h := newHouse(t, 0)
	for next, want := range map[string]string{
		"/console/assets/icon.svg?a=b": "/console/assets/icon.svg", "": "/console", "//evil.example/": "/console", "https://evil.example/": "/console",
		"/console/../v1": "/console", "/consolex": "/console", "/console//evil.example": "/console", "/console\\evil.example": "/console", "/v1/clients": "/console",
	} {
		v := h.stranger()
		v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		got := v.post("/console/sign-in", "key", testKey, "next", next).want(303).header.Get("Location")
		if path, _, _ := strings.Cut(got, "?"); path != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
}
