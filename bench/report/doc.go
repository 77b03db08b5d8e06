// Package report holds what a measurement found and writes it down: a table in
// Markdown, every number of every run as CSV, and a chart as SVG.
//
// Its door is [Report]. It must not know how anything was measured.
package report
