package config

import "fmt"

// didYouMean ends a complaint about an unknown name with the nearest known
// one, when there is one near enough to be what was meant.
func didYouMean(name string, known []string) string {
	const far = 4
	best, nearest := far, ""
	for _, k := range known {
		if d := distance(name, k); d < best && d <= len(k)/3 {
			best, nearest = d, k
		}
	}
	if nearest == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", nearest)
}

// distance counts the letters to insert, delete or exchange to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
