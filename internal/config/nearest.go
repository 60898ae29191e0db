package config

// nearest returns the name that a misspelt one was probably meant to be: the one fewest edits away, at most a third of
// its letters. "" when none is near.
func nearest(name string, names []string) string {
	best, fewest := "", len(name)/3+1
	for _, candidate := range names {
		if d := distance(name, candidate); d <= fewest && (best == "" || d < distance(name, best)) {
			best = candidate
		}
	}
	return best
}

// distance counts the letters to add, take out or change to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := before
			if a[i] != b[j] {
				change++
			}
			before = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
