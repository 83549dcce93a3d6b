// Package suggest guesses which name somebody meant.
package suggest

// Among returns ": did you mean NAME?" if one of the names resembles the one that was typed, and otherwise
// nothing.
func Among(typed string, names []string) string {
	best, distance := "", len(typed)/3+1
	for _, n := range names {
		if d := edits(typed, n); d < distance {
			best, distance = n, d
		}
	}
	if best == "" {
		return ""
	}
	return ": did you mean " + best + "?"
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left, corner := i+1, i
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost = 1 + min(corner, left, row[j+1])
			}
			corner, row[j], left = row[j+1], left, cost
		}
		row[len(b)] = left
	}
	return row[len(b)]
}
