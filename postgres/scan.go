package postgres

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// row is where columns are scanned from.
type row = pgx.CollectableRow

// value scans an answer of one column.
func value[T any](r row) (T, error) { return pgx.RowTo[T](r) }

// Targets of Scan that take NULL for the zero value, so that a column has one
// reading whether it was joined or not.
type (
	text    string
	number  int64
	flag    bool
	moment  time.Time
	seconds time.Duration
	span    time.Duration
	labels  map[string]string
	stats   curfew.Stats
)

// ScanText also reads UUIDs.
func (t *text) ScanText(v pgtype.Text) error { *t = text(v.String); return nil }

// ScanInt64 reads integers of every size.
func (n *number) ScanInt64(v pgtype.Int8) error { *n = number(v.Int64); return nil }

// ScanBool reads booleans.
func (f *flag) ScanBool(v pgtype.Bool) error { *f = flag(v.Bool); return nil }

// ScanTimestamptz reads times, as UTC.
func (s *moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	*s = moment(record.Writable(v.Time.UTC()))
	return nil
}

// ScanInt64 reads a number of seconds.
func (s *seconds) ScanInt64(v pgtype.Int8) error {
	*s = seconds(v.Int64) * seconds(time.Second)
	return nil
}

// ScanInterval reads intervals without months.
func (s *span) ScanInterval(v pgtype.Interval) error {
	*s = span(v.Microseconds)*span(time.Microsecond) + span(v.Days)*24*span(time.Hour)
	return nil
}

// ScanBytes reads an object of texts and ignores anything else: a malformed value in one
// row must not keep others from being read.
func (l *labels) ScanBytes(v []byte) error { *l = record.Labels(v); return nil }

// ScanBytes reads the figures of a run, and ignores anything else.
func (s *stats) ScanBytes(v []byte) error {
	var read curfew.Stats
	if json.Unmarshal(v, &read) == nil {
		*s = stats(read)
	}
	return nil
}

// null turns a zero value into NULL.
func null[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// since is where a rising list goes on behind a cursor; the zero cursor is before everything.
func since(c curfew.Cursor) (pgtype.Timestamptz, string) {
	if c == (curfew.Cursor{}) {
		return pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}, lowestID
	}
	return place(c, lowestID)
}

// until is since for a falling list; the zero cursor is after everything.
func until(c curfew.Cursor) (pgtype.Timestamptz, string) {
	if c == (curfew.Cursor{}) {
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}, highestID
	}
	return place(c, highestID)
}

// place is the parameters of a cursor; one without an id stands beside the id given.
func place(c curfew.Cursor, beside string) (pgtype.Timestamptz, string) {
	return pgtype.Timestamptz{Time: c.At.Truncate(time.Microsecond), Valid: true}, cmp.Or(c.ID, beside)
}

// The ends of the order of ids.
const (
	lowestID  = "00000000-0000-0000-0000-000000000000"
	highestID = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

// isID reports whether a text is an id as Curfew writes them. Reads treat anything else
// as unknown; the server would refuse it as malformed.
func isID(id string) bool {
	u, err := uuid.Parse(id)
	return err == nil && u.String() == id
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }
