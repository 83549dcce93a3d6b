package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// A quarantined row is tried again this long after its first failure. The wait
// doubles with each further failure, up to the longest.
const (
	FirstQuarantine   = 5 * time.Second
	LongestQuarantine = 5 * time.Minute
)

// OfOneRow reports whether a failure may concern a single row: the database
// answers, and the other rows can be settled. This includes a row that is locked
// for long.
func OfOneRow(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.Is(err, ErrRowHeld):
		return true
	}
	return !errors.Is(err, curfew.Unavailable) && !errors.Is(err, curfew.RateLimited)
}

// SafeText returns what may be shown of a failure: its message if it was made to
// be shown, otherwise the database's error code, never its text.
func SafeText(err error) string {
	var said *curfew.Error
	if errors.As(err, &said) && said.Kind != curfew.Internal && said.Kind != curfew.Unavailable {
		return said.Message
	}
	var standard interface{ SQLState() string }
	if errors.As(err, &standard) {
		return "the database refused it: SQLSTATE " + standard.SQLState()
	}
	var numbered interface{ Code() int }
	if errors.As(err, &numbered) {
		return fmt.Sprintf("the database refused it: SQLite error %d", numbered.Code())
	}
	if said != nil {
		return said.Message
	}
	return "internal: the log says what failed"
}

// ErrRowHeld is wrapped by an Unavailable that is not the database's fault:
// waiting for a locked row timed out.
var ErrRowHeld = errors.New("somebody holds the row")
