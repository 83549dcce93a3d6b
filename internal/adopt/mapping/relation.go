package mapping

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// maxName is the length of PostgreSQL's longest identifier, in bytes.
const maxName = 63

var (
	plainName    = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	unquotedName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$]*$`)
)

// Schema returns the schema of the table, without quotes.
func (t Table) Schema() string {
	schema, _, _ := SplitRelation(t.Relation)
	return schema
}

// SplitRelation splits a relation as SQL writes it into its names, without quotes.
func SplitRelation(relation string) (schema, table string, err error) {
	schema, rest, err := cutName(relation)
	if err != nil {
		return "", "", err
	}
	dotted, ok := strings.CutPrefix(rest, ".")
	if !ok {
		return "", "", fmt.Errorf("%q has no schema: write it like public.%s", relation, relation)
	}
	table, rest, err = cutName(dotted)
	switch {
	case err != nil:
		return "", "", err
	case rest != "":
		return "", "", fmt.Errorf("%q is not one table: write it like public.sessions, or public.\"Session\" where a name has capitals", relation)
	}
	return schema, table, nil
}

// cutName cuts an identifier from the front of a text.
func cutName(text string) (name, rest string, err error) {
	if strings.HasPrefix(text, `"`) {
		return cutQuoted(text)
	}
	name = text
	if at := strings.IndexAny(text, `."`); at >= 0 {
		name, rest = text[:at], text[at:]
	}
	switch {
	case !unquotedName.MatchString(name):
		return "", "", fmt.Errorf("%q is not a name in SQL: write it in double quotes, and the whole in single ones", name)
	case strings.ToLower(name) != name:
		return "", "", fmt.Errorf(`%q has capitals, which SQL keeps only in double quotes: write '"%s"'`, name, name)
	}
	return name, rest, nil
}

func cutQuoted(text string) (name, rest string, err error) {
	var b strings.Builder
	for at := 1; at < len(text); at++ {
		switch {
		case text[at] != '"':
			b.WriteByte(text[at])
		case at+1 < len(text) && text[at+1] == '"':
			b.WriteByte('"')
			at++
		case b.Len() == 0:
			return "", "", errors.New("a name must not be empty")
		default:
			return b.String(), text[at+1:], nil
		}
	}
	return "", "", fmt.Errorf("%s lacks a double quote at the end of a name", text)
}

// JoinRelation writes a relation as SQL does, with quotes only where needed.
func JoinRelation(schema, table string) string { return quoteName(schema) + "." + quoteName(table) }

func quoteName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}
