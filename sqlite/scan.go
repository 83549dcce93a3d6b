package sqlite

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// row is where columns are scanned from.
type row interface{ Scan(dest ...any) error }

// value scans an answer of one column.
func value[T any](r row) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// scanner lets a column be scanned by a function.
type scanner func(column any) error

// Scan is sql.Scanner's.
func (f scanner) Scan(column any) error { return f(column) }

// text scans text; NULL is empty.
func text[T ~string](to *T) scanner {
	return func(column any) error {
		switch v := column.(type) {
		case nil:
			*to = ""
		case string:
			*to = T(v)
		default:
			return fmt.Errorf("%T is no text", column)
		}
		return nil
	}
}

// number scans an integer; NULL is 0.
func number(to *int64) scanner {
	return func(column any) error {
		switch v := column.(type) {
		case nil:
			*to = 0
		case int64:
			*to = v
		default:
			return fmt.Errorf("%T is no integer", column)
		}
		return nil
	}
}

// flag scans a boolean; NULL is false.
func flag(to *bool) scanner {
	return func(column any) error {
		var n int64
		err := number(&n)(column)
		*to = n != 0
		return err
	}
}

// span scans a number of units of time; NULL is 0.
func span(to *time.Duration, unit time.Duration) scanner {
	return func(column any) error {
		var n int64
		err := number(&n)(column)
		*to = time.Duration(n) * unit
		return err
	}
}

// moment scans microseconds since 1970; NULL is the zero time.
func moment(to *time.Time) scanner {
	return func(column any) error {
		if column == nil {
			*to = time.Time{}
			return nil
		}
		var n int64
		err := number(&n)(column)
		*to = record.Writable(time.UnixMicro(n).UTC())
		return err
	}
}

// document scans JSON; NULL leaves the target unchanged.
func document(to any) scanner {
	return func(column any) error {
		var s string
		if err := text(&s)(column); err != nil || s == "" {
			return err
		}
		return json.Unmarshal([]byte(s), to)
	}
}

// labels scans an object of texts and ignores anything else: a malformed value in one row
// must not keep others from being read.
func labels(to *map[string]string) scanner {
	return func(column any) error {
		var s string
		if err := text(&s)(column); err != nil {
			return err
		}
		*to = record.Labels([]byte(s))
		return nil
	}
}

// ifReadable scans JSON that nothing else depends on: if it cannot be read, the target
// stays unchanged.
func ifReadable[T any](to *T, unreadable T) scanner {
	return func(column any) error {
		if document(to)(column) != nil {
			*to = unreadable
		}
		return nil
	}
}

// micros is a time as rows store it; the zero time is NULL.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// before is the moment that long before now, as rows store it.
func ago(now time.Time, d time.Duration) int64 { return now.Add(-d).UnixMicro() }

// after is the moment that long after now, as rows store it; NULL for no time.
func later(now time.Time, d time.Duration) any {
	if d == 0 {
		return nil
	}
	return now.Add(d).UnixMicro()
}

// null is a text as rows store it; the empty text is NULL.
func null[T ~string](s T) any {
	if s == "" {
		return nil
	}
	return string(s)
}

// since is the position after which an ascending list continues; the zero cursor is before
// everything.
func since(c curfew.Cursor) (at int64, id string) {
	if c.At.IsZero() {
		return math.MinInt64, c.ID
	}
	return c.At.UnixMicro(), c.ID
}

// until is since for a descending list; the zero cursor is after everything.
func until(c curfew.Cursor) (at int64, id string) {
	if c.At.IsZero() {
		return math.MaxInt64, c.ID
	}
	return c.At.UnixMicro(), c.ID
}

// highestID sorts after every id.
const highestID = "ffffffff-ffff-ffff-ffff-ffffffffffff"

func newID() string { return uuid.Must(uuid.NewV7()).String() }
