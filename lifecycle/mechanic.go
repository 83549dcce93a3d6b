package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// absencesLately is how long a mechanic's absences count as recent.
const absencesLately = 30 * 24 * time.Hour

// Mechanic returns what keeps a mechanic busy, or nil, and how often they accepted a session
// and did not join. Curfew keeps no list of mechanics, so an unknown id is a mechanic who is
// free and never absent. Errors: Invalid, Unavailable.
func (q *Queue) Mechanic(ctx context.Context, mechanicID string) (busy *curfew.Snapshot, forgotten record.Absences, err error) {
	if busy, err = q.Current(ctx, mechanicID); err != nil {
		return nil, forgotten, err
	}
	if forgotten, err = q.store.Absences(ctx, mechanicID, absencesLately); err != nil {
		return nil, forgotten, fmt.Errorf("mechanic %s: %w", mechanicID, err)
	}
	return busy, forgotten, nil
}
