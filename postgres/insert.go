package postgres

import (
	"cmp"
	"strconv"
	"strings"
	"sync"
)

// insert is an INSERT into a table of schema curfew, for any number of rows.
type insert struct {
	table   string
	columns []string
	// values holds the expressions of the columns that are no plain parameter; each
	// $ in one is the row's next parameter.
	values    map[string]string
	returning string

	texts sync.Map // by number of rows: building a text takes longer than running it
}

// rows is the statement for n rows. Its parameters are the rows' values, one row
// after another, each in the order of the columns.
func (i *insert) rows(n int) string {
	if text, ok := i.texts.Load(n); ok {
		return text.(string) //nolint:errcheck,forcetypeassert // nothing else is stored
	}
	rows := make([]string, n)
	last := 0 // parameter
	for r := range rows {
		values := make([]string, len(i.columns))
		for c, name := range i.columns {
			values[c] = numbered(cmp.Or(i.values[name], "$"), &last)
		}
		rows[r] = "(" + strings.Join(values, ", ") + ")"
	}
	text := "INSERT INTO curfew." + i.table + " (" + strings.Join(i.columns, ", ") + ") VALUES " + strings.Join(rows, ", ")
	if i.returning != "" {
		text += " RETURNING " + i.returning
	}
	i.texts.Store(n, text)
	return text
}

// numbered numbers the parameters of an expression from the last one on.
func numbered(expression string, last *int) string {
	parts := strings.Split(expression, "$")
	for p := 1; p < len(parts); p++ {
		*last++
		parts[p] = strconv.Itoa(*last) + parts[p]
	}
	return strings.Join(parts, "$")
}
