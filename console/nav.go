package console

import (
	"slices"
	"strings"
)

// navItem is an entry of the navigation. It is shown when its page is in the
// table of routes and the visitor may see it.
type navItem struct {
	Path    string
	Key     string // of its text
	Icon    string // of templates/parts/icons.html
	Current bool   // the page is this one, or below it
}

// navItems lists the navigation from top to bottom.
func navItems() []navItem {
	return []navItem{
		{Path: "/console", Key: "nav.overview", Icon: "overview"},
		{Path: "/console/deliveries", Key: "nav.deliveries", Icon: "deliveries"},
		{Path: "/console/events", Key: "nav.events", Icon: "events"},
		{Path: "/console/subscriptions", Key: "nav.subscriptions", Icon: "subscriptions"},
		{Path: "/console/clients", Key: "nav.clients", Icon: "clients"},
		{Path: "/console/exports", Key: "nav.exports", Icon: "exports"},
		{Path: "/console/verifications", Key: "nav.verifications", Icon: "verifications"},
		{Path: "/console/event-types", Key: "nav.event_types", Icon: "event-types"},
		{Path: "/console/api-keys", Key: "nav.api_keys", Icon: "api-keys"},
		{Path: "/console/audit-log", Key: "nav.audit_log", Icon: "audit-log"},
	}
}

// nav is the navigation as the visitor sees it.
func (v *visit) nav() []navItem {
	if v.who == nil {
		return nil
	}
	var out []navItem
	for _, item := range navItems() {
		i := slices.IndexFunc(v.c.tracked, func(r route) bool { return r.method == get && r.path == item.Path })
		if i < 0 || v.c.tracked[i].mayUse(v.who.Role) != nil || (v.c.tracked[i].whose == ofPlatform && v.who.BoundTo() != "") {
			continue
		}
		path := v.r.URL.Path
		item.Current = path == item.Path || (item.Path != "/console" && strings.HasPrefix(path, item.Path+"/"))
		out = append(out, item)
	}
	return out
}
