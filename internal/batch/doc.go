// Package batch lets calls that wait at the same time share one run: the
// group commit of a database, a pipeline of a queue. A call alone runs at
// once; while runs are under way, later calls gather and go together. Only
// behind a run of many may the next wait a moment for more, so a quiet system
// pays no delay.
package batch
