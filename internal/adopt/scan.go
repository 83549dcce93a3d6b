package adopt

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/curfewhq/curfew/internal/record"
)

// Scan targets that turn NULL into the zero value.
type (
	text   string
	moment time.Time
	length time.Duration
)

// ScanText implements pgtype.TextScanner; it also reads UUIDs.
func (t *text) ScanText(v pgtype.Text) error { *t = text(v.String); return nil }

// ScanTimestamptz implements pgtype.TimestamptzScanner; it returns UTC.
func (m *moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m = moment(record.Writable(v.Time.UTC()))
	return nil
}

// ScanInt64 reads a number of seconds.
func (s *length) ScanInt64(v pgtype.Int8) error {
	*s = length(v.Int64) * length(time.Second)
	return nil
}
