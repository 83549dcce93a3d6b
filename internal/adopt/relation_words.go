package adopt

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// negated matches a CHECK whose words are refused, or are not all that is allowed.
	negated   = regexp.MustCompile(`<>|!=|\bNOT\b|~|<|>|\bLIKE\b|\bIS NULL\b`)
	quoted    = regexp.MustCompile(`'((?:[^']|'')*)'`)
	numbers   = regexp.MustCompile(`ARRAY\[([-0-9, ]+)\]`)
	equalling = regexp.MustCompile(`= '?(-?\d+)\b`)
)

// listed returns the words to which a CHECK confines a column; nil if it does something else. A
// column that may also be NULL is confined to the same words.
func listed(expr string) []string {
	orNull := regexp.MustCompile(`\(?"?\w+"?\)? IS NULL\)? OR|OR \(?"?\w+"?\)? IS NULL`)
	expr = orNull.ReplaceAllString(expr, "")
	bare := quoted.ReplaceAllString(expr, "''")
	if negated.MatchString(bare) || !strings.Contains(bare, "=") {
		return nil
	}
	var words []string
	add := func(word string) {
		if word = strings.ReplaceAll(word, "''", "'"); !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	for _, m := range quoted.FindAllStringSubmatch(expr, -1) {
		add(m[1])
	}
	for _, m := range numbers.FindAllStringSubmatch(bare, -1) {
		for number := range strings.SplitSeq(m[1], ",") {
			add(strings.TrimSpace(number))
		}
	}
	for _, m := range equalling.FindAllStringSubmatch(bare, -1) {
		add(m[1])
	}
	return words
}

// allowed returns the words that a column can hold and what confines it to them, an enum or a
// CHECK; nil if any word is possible.
func (r *Relation) allowed(column string) (words []string, by string) {
	if c := r.Columns[column]; c.Words != nil {
		return c.Words, "type " + c.Type
	}
	for _, c := range r.Checks {
		if len(c.Columns) == 1 && c.Columns[0] == column && c.Words != nil {
			return c.Words, "CHECK " + c.Name
		}
	}
	return nil, ""
}

// setBy returns the table's trigger that sets a column on UPDATE, or "".
func (r *Relation) setBy(column string) string {
	assigned := regexp.MustCompile(`(?i)(^|;|\bbegin\b|\bthen\b|\belse\b|\bloop\b)\s*new\."?` + regexp.QuoteMeta(column) + `"?\s*:?=[^=]`)
	for _, t := range r.Triggers {
		if t.Before && t.Update && (assigned.MatchString(t.Source) || strings.Contains(t.Definition, "moddatetime('"+column+"'")) {
			return t.Name
		}
	}
	return ""
}

// key returns the single column that identifies a row, or "".
func (r *Relation) key() string {
	for _, primary := range []bool{true, false} {
		for _, i := range r.Indexes {
			if i.Unique && i.Primary == primary && i.Predicate == "" && len(i.Columns) == 1 && r.Columns[i.Columns[0]].NotNull {
				return i.Columns[0]
			}
		}
	}
	return ""
}

var defaultWord = regexp.MustCompile(`^\(*'?([^':()]+)'?\)*(::.*)?$`)

// initial returns the word that a column's default gives a new row, or "".
func (r *Relation) initial(column string) string {
	if m := defaultWord.FindStringSubmatch(r.Columns[column].Default); m != nil && m[1] != "NULL" {
		return m[1]
	}
	return ""
}
