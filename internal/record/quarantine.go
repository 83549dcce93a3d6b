package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// How long something that was set apart waits for its next try: so long after
// the first failure, twice as long after each further one, and never longer.
const (
	FirstQuarantine   = 5 * time.Second
	LongestQuarantine = 5 * time.Minute
)

// OfOneRow reports whether a failure may be one row's own: the database answers,
// and what stands beside the row can be settled. A row that somebody holds for
// long is of that kind.
func OfOneRow(err error) bool {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.Is(err, ErrRowHeld):
		return true
	}
	return !errors.Is(err, curfew.Unavailable) && !errors.Is(err, curfew.RateLimited)
}

// SafeText is what may be shown of a failure: its message where it was made to
// be shown, else the database's code, never its text.
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

// ErrRowHeld is within an Unavailable that says nothing of the database: somebody
// holds a row for so long that it was not waited for any longer.
var ErrRowHeld = errors.New("somebody holds the row")
