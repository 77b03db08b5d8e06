package guard

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Handler lets through to the faces what is fit for them. Every answer, theirs
// too, has the headers that keep a browser from doing more with it than it is
// meant for.
func Handler(faces http.Handler) http.Handler {
	csrf := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			defer hurry(w)
		}
		secure(w.Header(), r)
		if p := judge(r); p != nil {
			p.write(w)
			return
		}
		// A browser says where a request comes from (Sec-Fetch-Site, Origin), and
		// other programs say nothing.
		if csrf.Check(r) != nil {
			refusal{http.StatusForbidden, "cross_origin", "A page of another origin made the browser send this request; nothing was done."}.write(w)
			return
		}
		faces.ServeHTTP(w, r)
	})
}

// hurry bounds what net/http waits for a body that was not read. The next
// request on the connection has its own time.
func hurry(w http.ResponseWriter) {
	// It fails where there is no connection of our own: in a test.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(DrainTimeout))
}

// judge looks at the line and the headers of a request.
func judge(r *http.Request) *refusal {
	lines := 0
	for _, values := range r.Header {
		lines += len(values)
	}
	switch {
	case lines > MaxHeaders:
		return &refusal{http.StatusRequestHeaderFieldsTooLarge, "too_many_headers", "The request has more than 100 header lines."}
	case len(r.URL.EscapedPath())+len(r.URL.RawQuery) > MaxURL:
		return &refusal{http.StatusRequestURITooLong, "url_too_long", "The request's path and query are longer than 8 KiB."}
	case !plain(r.URL.Path):
		return &refusal{http.StatusBadRequest, "malformed_path", "The request's path has a control character, or bytes that are not UTF-8."}
	case r.Method == "PRI": // net/http hands on the preface of an HTTP/2 that we do not speak
		return &refusal{http.StatusHTTPVersionNotSupported, "http_version", "This server speaks HTTP/1.1."}
	}
	return nil
}

// plain tells whether a path has nothing in it that could not be shown.
func plain(path string) bool {
	return utf8.ValidString(path) && !strings.ContainsFunc(path, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// secure sets the headers of all answers. A face may set its own
// Content-Security-Policy: see [Page].
//
// The connection ends after any chunked request, and after any of HTTP/1.0.
// When a request has both a length and chunks, net/http drops the length before
// we see it; in HTTP/1.0 it drops the chunks. A proxy in front may have counted
// otherwise, so that what follows must not be taken for a request (RFC 9112,
// sections 6.1 and 6.3).
func secure(h http.Header, r *http.Request) {
	h.Set("Content-Security-Policy", policyJSON)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store") // answers hold secrets and personal data
	// A browser heeds it only where the connection is safe: a caller who invents
	// the proxy's header tells nobody but himself.
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0) {
		h.Set("Connection", "close")
	}
}

// The policies of what an answer may load: JSON nothing, a page what comes
// from its own origin. No inline script or style: a page keeps both in files.
const (
	policyJSON = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	policyPage = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
		"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

// Page lets an answer be a page of HTML with scripts, styles and forms of its
// own origin, instead of JSON that loads nothing.
func Page(h http.Header) { h.Set("Content-Security-Policy", policyPage) }

// refusal is an answer before a face saw the request.
type refusal struct {
	status int
	code   string
	detail string
}

// write answers as the API does (RFC 9457). The connection ends: what is left
// of the request is not read.
func (p refusal) write(w http.ResponseWriter) {
	body, err := json.Marshal(map[string]any{
		"type": "about:blank", "title": http.StatusText(p.status), "status": p.status, "code": p.code, "detail": p.detail,
	})
	if err != nil {
		body = []byte("{}") // texts and a number always encode
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Connection", "close")
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // the caller has gone away: nobody is left to be told
}
