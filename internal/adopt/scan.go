package adopt

import (
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/curfewhq/curfew/internal/record"
)

// Targets of Scan that take NULL for the zero value.
type (
	text   string
	moment time.Time
	length time.Duration
)

// ScanText also reads UUIDs.
func (t *text) ScanText(v pgtype.Text) error { *t = text(v.String); return nil }

// ScanTimestamptz reads times, as UTC.
func (m *moment) ScanTimestamptz(v pgtype.Timestamptz) error {
	*m = moment(record.Writable(v.Time.UTC()))
	return nil
}

// ScanInt64 reads a number of seconds.
func (s *length) ScanInt64(v pgtype.Int8) error {
	*s = length(v.Int64) * length(time.Second)
	return nil
}
