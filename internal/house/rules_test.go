package house_test

const module = "github.com/carteiro-webhooks/carteiro"

// folder is a row of the table of floors: a folder with everything below it
// that has no row of its own.
type folder struct {
	path     string
	floor    int      // its tests may import every lower floor
	may      []string // the folders of the house that its code may import
	internal bool     // its code may import internal/…
	parts    []string // the other modules that its code may import; nil means any
	why      string   // the reason, told when the rule is broken
}

// table is the staircase: nothing looks up.
func table() []folder {
	return []folder{
		{
			path: "webhook", floor: 1, may: nil, parts: []string{"github.com/google/uuid"},
			why: "webhook is the leaf of nouns: everybody imports it, so it must stay free of SQL, HTTP servers and settings",
		},
		{
			path: "config", floor: 1, may: nil, parts: []string{"github.com/caarlos0/env/v11", "github.com/goccy/go-yaml"},
			why: "settings are handed to the floors by value: config knows none of them",
		},
		{
			path: "migrations", floor: 1, may: nil, internal: true,
			why: "the schema is older than the code that reads it, and must not change with it",
		},
		{
			path: "store", floor: 2, may: []string{"webhook", "migrations"}, internal: true,
			why: "the store holds every SQL statement and no rule of sending",
		},
		{
			path: "dispatcher/sender", floor: 2, may: []string{"webhook"}, internal: true,
			why: "one HTTP exchange is tested and reasoned about without database and queue",
		},
		{
			path: "subscriptions", floor: 3, may: []string{"webhook", "store"}, internal: true,
			why: "who wants an event does not depend on how it is sent",
		},
		{
			path: "access", floor: 3, may: []string{"webhook", "store"}, internal: true,
			why: "who may call does not depend on what is called, nor on which face is asked",
		},
		{
			path: "retention", floor: 3, may: []string{"webhook", "store"}, internal: true,
			why: "what is removed, and when, depends neither on how it was sent nor on who asks",
		},
		{
			path: "dispatcher", floor: 4, may: []string{"webhook", "store", "subscriptions", "dispatcher/sender"}, internal: true,
			why: "the dispatcher is called by the clock and by the faces, and knows neither",
		},
		{
			path: "scheduler", floor: 5, may: []string{"webhook", "store", "dispatcher"}, internal: true,
			why: "the clock hands pages to the dispatcher, and no face knows more of it than its door",
		},
		{
			path: "api", floor: 6, may: []string{"webhook", "store", "subscriptions", "access", "dispatcher", "scheduler"}, internal: true,
			why: "the two faces are on one floor and share only what is below them; only cmd/carteiro reads settings",
		},
		{
			path: "console", floor: 6, may: []string{"webhook", "store", "subscriptions", "access", "dispatcher", "scheduler"}, internal: true,
			why: "the two faces are on one floor and share only what is below them; only cmd/carteiro reads settings",
		},
		{
			path: "cmd/carteiro", floor: 7, internal: true,
			may: []string{
				"webhook", "config", "migrations", "store", "dispatcher/sender", "subscriptions",
				"access", "retention", "dispatcher", "scheduler", "api", "console",
			},
			why: "a program is not a library",
		},
		{
			path: "internal", floor: 7, internal: true,
			may: []string{"webhook", "migrations", "store", "dispatcher/sender", "subscriptions", "access", "retention", "dispatcher", "scheduler"},
			why: "internal serves every floor, so it must not pull in the faces, the program or its settings",
		},
		{
			path: "docs", floor: 1, may: nil, parts: []string{},
			why: "what a client's developers copy needs nothing but a standard library",
		},
		{
			path: "bench", floor: 7, internal: true,
			may: []string{
				"webhook", "migrations", "store", "dispatcher/sender", "subscriptions",
				"access", "retention", "dispatcher", "scheduler", "api", "console",
			},
			why: "a measurement starts the parts itself; only cmd/carteiro reads settings",
		},
		{
			path: "deploy", floor: 7, may: nil, parts: []string{},
			why: "what packs the program works on any tag, and needs nothing that is inside",
		},
	}
}

// Limits of a file, in lines. Between the two it is only named in the log.
const (
	longFile    = 400
	tooLongFile = 500
)

// emptyNames are package names that say nothing about what is inside.
func emptyNames() []string {
	return []string{"utils", "util", "common", "helpers", "helper", "misc"}
}
