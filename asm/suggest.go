package asm

import "strings"

// suggest adds the candidate that is spelled most like name, if one is close.
func (f *fault) suggest(name string, candidates []string) *fault {
	if best := nearest(name, candidates); best != "" {
		f.note("did you mean %s?", best)
	}
	return f
}

// maxCandidates bounds what nearest looks through.
const maxCandidates = 10000

// nearest gives the candidate with the smallest edit distance to name, or ""
// when none is close enough to be what was meant.
func nearest(name string, candidates []string) string {
	if len(name) < 3 || len(name) > 100 || len(candidates) > maxCandidates {
		return ""
	}
	best, limit := "", len(name)/3
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := editDistance(lower, strings.ToLower(c), limit); d <= limit {
			best, limit = c, d-1
			if limit < 0 {
				break
			}
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a, giving limit+1 when there are more than limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		smallest := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			smallest = min(smallest, d)
		}
		if smallest > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}
