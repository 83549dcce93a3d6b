package sqlite

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

// A test clock is a table that normal files do not have, with one number: by how many
// microseconds it is ahead. The store adds it to its own clock. Tokens, keys and browsers
// stay on the machine's clock (docs/decisions/0025-test-clock.md), and so do the guards,
// which are for programs that write beside Curfew.
const (
	selectClock = `SELECT EXISTS (SELECT * FROM sqlite_schema WHERE type = 'table' AND name = 'curfew_clock')`
	selectLived = `SELECT EXISTS (SELECT * FROM events) OR EXISTS (SELECT * FROM sessions) OR EXISTS (SELECT * FROM checkouts)`
	createClock = `CREATE TABLE IF NOT EXISTS curfew_clock (one INTEGER PRIMARY KEY CHECK (one = 1), ahead INTEGER NOT NULL)`
	insertClock = `INSERT INTO curfew_clock (one, ahead) VALUES (1, 0) ON CONFLICT DO NOTHING`

	advanceClock = `UPDATE curfew_clock SET ahead = ahead + ? RETURNING ahead`
)

// HasClock reports whether the file has a test clock.
func (s schema) HasClock(ctx context.Context) (bool, error) {
	has, err := one(ctx, s.db, value[bool], selectClock)
	return has, wrap(err, "look for a test clock")
}

// InstallClock gives the file a test clock, or adopts the one that is there. Errors:
// Conflict for a file that was used without one.
func (s schema) InstallClock(ctx context.Context) error {
	has, err := s.HasClock(ctx)
	if err != nil {
		return err
	}
	lived := false
	if !has {
		lived, err = one(ctx, s.db, value[bool], selectLived)
	}
	switch {
	case err != nil:
		return wrap(err, "look whether the database has lived")
	case lived:
		return curfew.Errorf(curfew.Conflict, livedText)
	}
	for _, statement := range []string{createClock, insertClock} {
		err = s.writeAlone(ctx, func(ctx context.Context, tx *transaction) error {
			_, err := tx.exec(ctx, statement)
			return err
		})
		if err != nil {
			return wrap(err, "install the test clock")
		}
	}
	_, err = s.AdvanceClock(ctx, 0)
	return err
}

const livedText = "this database has lived without a test clock, and its rows would age by leaps: use a new database for tests"

// AdvanceClock moves the test clock forward, and returns how far it is ahead.
func (s schema) AdvanceClock(ctx context.Context, by time.Duration) (ahead time.Duration, err error) {
	var us int64
	err = s.write(ctx, func(ctx context.Context, tx *transaction) (err error) {
		us, err = one(ctx, tx, value[int64], advanceClock, by.Microseconds())
		return err
	})
	if err == nil {
		s.ahead.Store(us)
	}
	return time.Duration(us) * time.Microsecond, wrap(err, "advance the test clock")
}
