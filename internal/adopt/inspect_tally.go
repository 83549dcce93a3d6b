package adopt

import (
	"slices"

	"github.com/curfewhq/curfew"
)

// tallies holds the tallies of all statuses.
type tallies []tally

// share returns in how many rows of the given statuses a column is filled; with no status given, of
// all.
func (all tallies) share(column string, words ...string) (filled, rows int64) {
	for _, t := range all {
		if len(words) == 0 || !t.null && contains(words, t.word) {
			filled += t.filled[column]
			rows += t.rows
		}
	}
	return filled, rows
}

// of returns the tally of a word.
func (all tallies) of(word string) (tally, bool) {
	at := slices.IndexFunc(all, func(t tally) bool { return t.word == word && !t.null })
	if at < 0 {
		return tally{}, false
	}
	return all[at], true
}

// above counts the rows in which a number is above 0; counts is false if that tells nothing.
func (all tallies) above(column string) (rows int64, counts bool) {
	total := int64(0)
	for _, t := range all {
		rows += t.positive[column]
		total += t.rows
	}
	return rows, rows > 0 && rows < total
}

// names holds the words' names in a lookup table.
type names map[string]string

// label formats a word with its name, if a lookup table has one.
func (n names) label(word string) string {
	if text := n[word]; text != "" {
		return word + " (" + text + ")"
	}
	return word
}

// means returns the status that a word's name alone suggests, or "".
func (n names) means(word string) curfew.SessionStatus {
	if text := n[word]; text != "" {
		return vocable(text)
	}
	return vocable(word)
}

// marks reports whether a word means that a mechanic has accepted.
func (n names) marks(word string) bool {
	return contains(taken, snake(word)) || contains(taken, snake(n[word]))
}
