package config

import "strings"

// Roles is what a process does.
type Roles struct {
	API       bool // answers the API and the console
	Worker    bool // sends deliveries
	Scheduler bool // turns the clock into export runs
}

// UnmarshalText reads names with commas between them.
func (r *Roles) UnmarshalText(text []byte) error {
	var read Roles
	for name := range strings.SplitSeq(string(text), ",") {
		switch strings.TrimSpace(name) {
		case "api":
			read.API = true
		case "worker":
			read.Worker = true
		case "scheduler":
			read.Scheduler = true
		default:
			return fault("has no role in %q", strings.TrimSpace(name))
		}
	}
	*r = read
	return nil
}

// MarshalText writes the names with commas between them.
func (r Roles) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Roles) String() string {
	var names []string
	for _, role := range []struct {
		has  bool
		name string
	}{{r.API, "api"}, {r.Worker, "worker"}, {r.Scheduler, "scheduler"}} {
		if role.has {
			names = append(names, role.name)
		}
	}
	return strings.Join(names, ",")
}

// All tells whether the process does everything.
func (r Roles) All() bool { return r.API && r.Worker && r.Scheduler }
