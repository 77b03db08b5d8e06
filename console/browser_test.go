package console

import (
	"context"
	"fmt"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "embed"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// chromium is the one browser of the package's tests; each test has a tab with
// its own cookies. It is a package variable for the reason that testserver's
// is: starting a browser takes a second, and tests share nothing else.
var chromium browser

type browser struct {
	mu     sync.Mutex
	ctx    context.Context
	cancel func()
	err    error
}

// programs are the names under which systems have the browser.
func programs() []string {
	return []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
}

func (b *browser) start() (context.Context, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx != nil || b.err != nil {
		return b.ctx, b.err
	}
	i := slices.IndexFunc(programs(), func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if i < 0 {
		b.err = exec.ErrNotFound
		return nil, b.err
	}
	dir, err := os.MkdirTemp("", "carteiro-chromium-")
	if err != nil {
		return nil, err
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(programs()[i]), chromedp.UserDataDir(dir), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("hide-scrollbars", true), chromedp.NoFirstRun,
		chromedp.Flag("lang", "en-US"), chromedp.WSURLReadTimeout(2*time.Minute)) // a busy machine starts it slowly
	alloc, endAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(alloc)
	b.cancel = func() {
		end()
		endAlloc()
		_ = os.RemoveAll(dir)
	}
	if b.err = chromedp.Do(ctx); b.err != nil {
		b.cancel()
		return nil, b.err
	}
	b.ctx = ctx
	return ctx, nil
}

func (b *browser) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ctx != nil {
		b.cancel()
	}
}

// tab is a page in a real browser. At the test's end it fails when a request
// has left the origin or the page has complained.
type tab struct {
	t   *testing.T
	h   *house
	ctx context.Context

	pictures int

	mu       sync.Mutex
	problems []string
}

// browse opens a tab as a visitor; a stranger's has no session. The test is
// skipped where there is no browser and nobody requires one.
func (v *visitor) browse(t *testing.T) *tab {
	t.Helper()
	parent, err := chromium.start()
	if err != nil && os.Getenv("CARTEIRO_TEST_SERVERS") != "required" {
		t.Skipf("no browser on this machine: %v (set CARTEIRO_TEST_SERVERS=required to make this a failure)", err)
	}
	must(t, err)
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	ctx, timeout := context.WithTimeout(ctx, 3*time.Minute)
	b := &tab{t: t, h: v.h, ctx: ctx}
	t.Cleanup(func() {
		timeout()
		cancel()
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.problems {
			t.Error(p)
		}
	})
	must(t, chromedp.Listen(ctx, b.listen))
	v.cookies(b)
	b.size(1280, 800)
	return b
}

// cookies brings the visitor's into the tab.
func (v *visitor) cookies(b *tab) {
	b.t.Helper()
	at, err := url.Parse(v.h.url)
	must(b.t, err)
	hidden := true
	for _, k := range v.client.Jar.(*cookiejar.Jar).Cookies(at) {
		_, err := chromedp.Call(b.ctx, network.SetCookie, network.SetCookieParams{Name: k.Name, Value: k.Value, URL: v.h.url, HTTPOnly: &hidden})
		must(b.t, err)
	}
}

// listen notes what must not happen.
func (b *tab) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if to := e.Request.URL; !strings.HasPrefix(to, b.h.url+"/") && !strings.HasPrefix(to, "data:") {
			problem = "a request left the origin: " + to
		}
	case *runtime.EventExceptionThrown:
		problem = fmt.Sprintf("a script failed: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			problem = "the browser complains: " + e.Entry.Text + " " + e.Entry.URL
		}
	}
	if problem != "" {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.problems = append(b.problems, problem)
	}
}

// forgive forgets complaints that contain a text: a page of an error is one.
func (b *tab) forgive(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = slices.DeleteFunc(b.problems, func(p string) bool { return strings.Contains(p, text) })
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("at %s: %v", b.path(), err)
	}
}

// size makes the window so large; up to 500 it is a phone's.
func (b *tab) size(width, height int64) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{
		Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width <= 500,
	})
	must(b.t, err)
}

// theme makes the system's colours "light" or "dark".
func (b *tab) theme(theme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	must(b.t, err)
}

// open goes to a page and waits until it is there.
func (b *tab) open(path string) *tab {
	b.t.Helper()
	b.do(chromedp.Navigate(b.h.url + path))
	return b
}

// click clicks on what a selector finds, which leads to a page, and waits
// until that is there.
func (b *tab) click(selector string) *tab {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(chromedp.CSS(selector))); err != nil {
		b.t.Fatalf("a click on %q at %s: %v", selector, b.path(), err)
	}
	return b
}

// press clicks on what a selector finds, and stays on the page.
func (b *tab) press(selector string) *tab {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
	return b
}

// wait waits until something that a selector finds is visible.
func (b *tab) wait(selector string) *tab {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	return b
}

// fill writes into a field.
func (b *tab) fill(selector, text string) *tab {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(selector), text))
	return b
}

// text is the text of what a selector finds first.
func (b *tab) text(selector string) string {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS(selector)))
	must(b.t, err)
	return strings.TrimSpace(out)
}

// evaluate returns what a script says.
func evaluate[T any](b *tab, script string) T {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script))
	must(b.t, err)
	return out
}

// waitFor waits until a script says true.
func (b *tab) waitFor(script string) *tab {
	b.t.Helper()
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](script)); err != nil {
		b.t.Fatalf("at %s: %s: %v", b.path(), script, err)
	}
	return b
}

// path is where the tab is.
func (b *tab) path() string {
	b.t.Helper()
	at, err := chromedp.Run(b.ctx, chromedp.Location())
	must(b.t, err)
	return strings.TrimPrefix(at, b.h.url)
}

//go:embed testdata/check.js
var checkScript string

// check looks at the page as it is now for what would keep somebody from using
// it: labels, names, headings, ids, contrast in both themes, sizes, and that
// nothing is wider than the window at a desktop's and at a phone's width.
func (b *tab) check() *tab {
	b.t.Helper()
	for _, width := range []int64{1280, 390} {
		b.size(width, 800)
		for _, theme := range []string{"light", "dark"} {
			b.theme(theme)
			for _, f := range evaluate[[]string](b, checkScript) {
				b.t.Errorf("%s, %d wide, %s: %s", b.path(), width, theme, f)
			}
		}
	}
	b.size(1280, 800)
	b.theme("light")
	b.shoot()
	return b
}

// shoot takes pictures in both themes and widths when CARTEIRO_TEST_PICTURES
// names a folder: a person looks at them.
func (b *tab) shoot() {
	b.t.Helper()
	dir := os.Getenv("CARTEIRO_TEST_PICTURES")
	if dir == "" {
		return
	}
	b.pictures++
	for _, width := range []int64{1280, 390} {
		for _, theme := range []string{"light", "dark"} {
			b.size(width, 800)
			b.theme(theme)
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
			must(b.t, err)
			file := fmt.Sprintf("%s-%d-%d-%s.png", strings.ReplaceAll(b.t.Name(), "/", "-"), b.pictures, width, theme)
			must(b.t, os.WriteFile(filepath.Join(dir, file), picture, 0o600))
		}
	}
	b.size(1280, 800)
	b.theme("light")
}

// focusOrder presses Tab n times and tells what has the focus each time.
func (b *tab) focusOrder(n int) []string {
	b.t.Helper()
	var out []string
	for range n {
		b.do(chromedp.KeyEvent("\t"))
		what := evaluate[string](b, `(() => { const e = document.activeElement; return (e.getAttribute("href") || e.name || e.id || e.className || e.tagName) + (e.matches(":focus-visible") ? "" : " (not visible)") })()`)
		out = append(out, what)
	}
	return out
}
