package webhook

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed eventtypes/*.json
var eventTypeFiles embed.FS

// BuiltinEventTypes returns the event types that every Carteiro knows from
// the start: those of the three contracts, and the slugs that the
// redemption's platform names beside it. An operator may change those that can
// be posted; the others ([Slug.Reserved]) describe what Carteiro makes itself.
//
// It panics when an embedded file cannot be read: that is a fault of the build.
func BuiltinEventTypes() []EventType {
	names, err := fs.Glob(eventTypeFiles, "eventtypes/*.json")
	if err != nil {
		panic(err)
	}
	types := make([]EventType, len(names))
	for i, name := range names {
		if types[i], err = readEventType(name); err != nil {
			panic(fmt.Sprintf("webhook: %s: %v", name, err))
		}
		types[i].Slug = Slug(strings.TrimSuffix(strings.TrimPrefix(name, "eventtypes/"), ".json"))
	}
	return types
}

// readEventType reads one file. The example is what a test sends: it goes
// without the space that makes the file readable.
func readEventType(name string) (EventType, error) {
	var t EventType
	text, err := eventTypeFiles.ReadFile(name)
	if err != nil {
		return t, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil {
		return t, err
	}
	return t, json.Unmarshal(compact.Bytes(), &t)
}
