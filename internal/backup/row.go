package backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// timeForm has the precision of the databases.
const timeForm = "2006-01-02T15:04:05.000000Z"

// appendRow writes a row as one line.
func appendRow(b *bytes.Buffer, t record.Table, row []any) error {
	if len(row) != len(t.Columns) {
		return fmt.Errorf("%s: a row has %d values for %d columns", t.Name, len(row), len(t.Columns))
	}
	separator := byte('{')
	for i, c := range t.Columns {
		b.WriteByte(separator)
		separator = ','
		fmt.Fprintf(b, "%q:", c.Name)
		if err := appendValue(b, c, row[i]); err != nil {
			return fmt.Errorf("%s.%s: %w", t.Name, c.Name, err)
		}
	}
	b.WriteString("}\n")
	return nil
}

func appendValue(b *bytes.Buffer, c record.Column, v any) (err error) {
	if v, err = jsonValue(c.Kind, v); err != nil {
		return err
	}
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	err = enc.Encode(v)
	b.Truncate(b.Len() - 1) // the encoder's line end
	return err
}

// jsonValue returns a value as it is encoded. It rejects a value that does not fit its column's
// kind, which a database may allow (an infinite time), because it would be restored as something
// else.
func jsonValue(kind record.ColumnKind, v any) (any, error) {
	switch is := v.(type) {
	case nil:
		return nil, nil
	case time.Time:
		if kind == record.TimeColumn {
			return is.UTC().Format(timeForm), nil
		}
	case int64:
		if kind == record.NumberColumn {
			return is, nil
		}
	case bool:
		if kind == record.FlagColumn {
			return is, nil
		}
	case string:
		switch {
		case !utf8.ValidString(is):
			return nil, curfew.Errorf(curfew.Invalid, "%q is no UTF-8 text", is)
		case kind == record.DocumentColumn:
			return parsed(is)
		case kind == record.TextColumn || kind == record.IDColumn:
			return is, nil
		}
	}
	return nil, curfew.Errorf(curfew.Invalid, "%v is no %s", v, kind)
}

// parsed decodes a document. The encoder sorts its keys; numbers stay as written.
func parsed(document string) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader([]byte(document)))
	d.UseNumber()
	return v, d.Decode(&v)
}

// parseRow reads a line written by appendRow.
func parseRow(line []byte, t record.Table) ([]any, error) {
	var found map[string]json.RawMessage
	if err := json.Unmarshal(line, &found); err != nil {
		return nil, err
	}
	if len(found) != len(t.Columns) {
		return nil, fmt.Errorf("it has %d values for %d columns", len(found), len(t.Columns))
	}
	row := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		text, ok := found[c.Name]
		if !ok {
			return nil, fmt.Errorf("it has no %s", c.Name)
		}
		var err error
		if row[i], err = parseValue(text, c.Kind); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return row, nil
}

func parseValue(text json.RawMessage, kind record.ColumnKind) (any, error) {
	if string(text) == "null" {
		return nil, nil
	}
	switch kind {
	case record.NumberColumn:
		return as[int64](text)
	case record.FlagColumn:
		return as[bool](text)
	case record.TimeColumn:
		return as[time.Time](text)
	case record.DocumentColumn:
		return string(text), nil
	case record.TextColumn, record.IDColumn:
		return as[string](text)
	}
	return nil, fmt.Errorf("no value is %s", kind)
}

func as[T any](text json.RawMessage) (any, error) {
	var v T
	err := json.Unmarshal(text, &v)
	return v, err
}
