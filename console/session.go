package console

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/carteiro-webhooks/carteiro/access"
	"github.com/carteiro-webhooks/carteiro/internal/guard"
	"github.com/carteiro-webhooks/carteiro/internal/seal"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// A session is a cookie, and nothing is kept here: sealed, when it ends and
// the SHA-256 of the key that began it. Each request has the key checked anew,
// so that a key that is revoked, is over or has got another role ends or
// changes its sessions at once.

// sessionTime is how long a session lasts: a shift and a bit.
const sessionTime = 12 * time.Hour

const sessionCookie = "carteiro_session"

// secure tells whether the visitor's connection is encrypted. A caller who
// invents the proxy's header gets a cookie that the browser does not keep.
func (v *visit) secure() bool {
	return v.r.TLS != nil || strings.EqualFold(v.r.Header.Get("X-Forwarded-Proto"), "https")
}

// cookie makes a cookie of a name and value for this connection.
func (v *visit) cookie(name, value string) *http.Cookie {
	k := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: v.secure(),
	}
	if k.Secure {
		k.Name = "__Host-" + name
	}
	return k
}

// cookieValue reads a cookie that cookie made; "" when there is none.
func (v *visit) cookieValue(name string) string {
	k, err := v.r.Cookie(v.cookie(name, "").Name)
	if err != nil {
		return ""
	}
	return k.Value
}

func (v *visit) setCookie(k *http.Cookie, lasts time.Duration) {
	k.MaxAge = int(lasts.Seconds())
	http.SetCookie(v.w, k)
}

// dropCookie ends a cookie.
func (v *visit) dropCookie(name string) {
	k := v.cookie(name, "")
	k.MaxAge = -1
	http.SetCookie(v.w, k)
}

var errNoSession = &webhook.Error{Kind: webhook.KindUnauthorized, Code: "no_session", Message: "Sign in first."}

// session returns the key of the visitor's session.
func (v *visit) session() (*access.Grant, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(v.cookieValue(sessionCookie))
	if err != nil || len(sealed) == 0 {
		return nil, errNoSession
	}
	plain, err := v.c.o.Keys.Open(sealed, seal.Session())
	if err != nil || len(plain) != 8+sha256.Size {
		return nil, errNoSession // of another server, or of a key that is not in the ring any more
	}
	if ends := time.Unix(int64(binary.BigEndian.Uint64(plain)), 0); !v.now.Before(ends) {
		return nil, errNoSession
	}
	return v.c.o.Access.CheckHash(v.ctx, [sha256.Size]byte(plain[8:]))
}

// begin starts a session of a key.
func (v *visit) begin(who *access.Grant) {
	plain := binary.BigEndian.AppendUint64(nil, uint64(v.now.Add(sessionTime).Unix()))
	sum := who.Hash()
	plain = append(plain, sum[:]...)
	sealed := v.c.o.Keys.Seal(plain, seal.Session())
	v.setCookie(v.cookie(sessionCookie, base64.RawURLEncoding.EncodeToString(sealed)), sessionTime)
}

type signInPage struct {
	Next  string // where to go afterwards
	Fault string // what is wrong with the key
}

func (c *console) showSignIn(v *visit) error {
	next := v.next()
	if v.can(viewer) {
		return v.to(next)
	}
	return v.show("sign_in", signInPage{Next: next})
}

// signIn takes an API key for a session. Wrong keys are counted as the API's.
func (c *console) signIn(v *visit) error {
	text := strings.TrimSpace(v.r.PostForm.Get("key"))
	if text == "" {
		return v.refuseKey(http.StatusUnprocessableEntity, v.t("sign_in.empty"))
	}
	who, err := c.o.Access.Check(v.ctx, text, guard.RemoteAddr(v.r, c.o.TrustedProxies))
	switch {
	case webhook.IsKind(err, webhook.KindUnauthorized):
		return v.refuseKey(http.StatusUnauthorized, v.t("sign_in.wrong"), err)
	case webhook.IsKind(err, webhook.KindRateLimited):
		setRetryAfter(v.w.Header(), err)
		return v.refuseKey(http.StatusTooManyRequests, v.t("sign_in.slow"), err)
	case err != nil:
		return err
	case who.Role == webhook.RoleProducer:
		return v.refuseKey(http.StatusForbidden, v.t("sign_in.producer"))
	}
	v.begin(who)
	c.o.Log.Info("somebody signed in to the console", "key_id", who.ID, "role", who.Role, "remote", v.remote(), "request_id", v.id)
	return v.to(v.next())
}

// refuseKey shows the form again with what is wrong, and the reason where there
// is one.
func (v *visit) refuseKey(status int, fault string, reasons ...error) error {
	for _, err := range reasons {
		fault += " " + v.told(err.Error())
	}
	return v.showWith(status, "sign_in", signInPage{Next: v.next(), Fault: fault})
}

func (c *console) signOut(v *visit) error {
	v.dropCookie(sessionCookie)
	return v.to("/console/sign-in")
}

// next is where a form leads to: only to a page of the console.
func (v *visit) next() string {
	next := v.r.Form.Get("next")
	path, _, _ := strings.Cut(next, "?")
	ours := path == "/console" || strings.HasPrefix(path, "/console/")
	if !ours || strings.ContainsAny(next, "\\\r\n") || strings.Contains(path, "//") || strings.Contains(path, "..") || strings.Contains(path, "/sign-") {
		return "/console"
	}
	return next
}
