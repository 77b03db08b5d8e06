package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Styles, scripts and pictures: small files of our own, as they are.
//
//go:embed assets
var assetFiles embed.FS

// asset is a file that pages refer to.
type asset struct {
	body    []byte
	kind    string // Content-Type
	version string // of its content
}

// kinds are the files that are served, by their ending.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
}

func (c *console) loadAssets() error {
	c.assets = map[string]asset{}
	return fs.WalkDir(assetFiles, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind := kinds[path.Ext(name)]
		if kind == "" {
			return fmt.Errorf("console: %s: files of this kind are not served", name)
		}
		body, err := fs.ReadFile(assetFiles, name)
		sum := sha256.Sum256(body)
		c.assets[strings.TrimPrefix(name, "assets/")] = asset{body, kind, hex.EncodeToString(sum[:6])}
		return err
	})
}

// assetURL is where a file is: its address changes with its content.
func (c *console) assetURL(name string) (string, error) {
	a, ok := c.assets[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return "/console/assets/" + name + "?v=" + a.version, nil
}

func (c *console) getAsset(v *visit) error {
	a, ok := c.assets[v.r.PathValue("name")]
	if !ok {
		return webhook.NotFound("asset", webhook.Clip(v.r.PathValue("name")))
	}
	h := v.w.Header()
	h.Set("Content-Type", a.kind)
	h.Del("Vary")
	if v.r.URL.Query().Get("v") == a.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	v.w.WriteHeader(http.StatusOK)
	_, _ = v.w.Write(a.body)
	return nil
}
