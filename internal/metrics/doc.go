// Package metrics counts what the program does and shows it to Prometheus.
//
// Its door is [New]; what it returns is told of each attempt, intake, request,
// batch, run and removal by the hooks of the packages that do them, and looks
// at the rest when it is scraped. Every label comes from a short closed list:
// never a subscription, a client, a URL or an event type, of which there may
// be any number, and which a metric would tell to whoever may scrape.
// docs/observability.md has the table of all metrics; a test compares it.
//
// It must not know the settings, and it must not slow anything down: what is
// counted for each attempt makes nothing new, and what SQL is asked at a scrape
// is asked at most every ten seconds, however many scrape.
package metrics
