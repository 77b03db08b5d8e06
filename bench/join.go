package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/carteiro-webhooks/carteiro/bench/report"
)

// resultsFile has all of a call's report, to be joined with others'.
const resultsFile = "results.json"

// joinReports makes one report of earlier calls'.
func joinReports(o options, stdout io.Writer) error {
	var calls []*report.Report
	for _, dir := range o.join {
		text, err := os.ReadFile(filepath.Join(dir, resultsFile))
		if err != nil {
			return err
		}
		r := &report.Report{}
		if err := json.Unmarshal(text, r); err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		calls = append(calls, r)
	}
	r, err := report.Join(calls)
	if err != nil {
		return err
	}
	r.Sort(caseNames())
	fmt.Fprint(stdout, r.Markdown())
	if err := write(o, r); err != nil || o.write == "" {
		return err
	}
	for _, name := range caseNames() {
		done := func(row report.Row) bool { return row.Case == name && row.Trouble == "" }
		if !slices.ContainsFunc(r.Rows, done) {
			return fmt.Errorf("%s is missing or did not finish: %s stays as it is", name, o.write)
		}
	}
	return fillDocument(o.write, r)
}

// fileSum is the beginning of a file's SHA-256.
func fileSum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	const digits = 12
	return hex.EncodeToString(h.Sum(nil))[:digits], nil
}
