package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// absencesLately is the time in which a mechanic's absences count as recent.
const absencesLately = 30 * 24 * time.Hour

// Mechanic returns what keeps a mechanic busy, nil if nothing does, and how often they
// accepted a session and did not come. Nobody keeps a list of mechanics: one whom nobody has
// heard of is not busy, and has forgotten nothing. Errors: Invalid, Unavailable.
func (q *Queue) Mechanic(ctx context.Context, mechanicID string) (busy *curfew.Snapshot, forgotten record.Absences, err error) {
	if busy, err = q.Current(ctx, mechanicID); err != nil {
		return nil, forgotten, err
	}
	if forgotten, err = q.store.Absences(ctx, mechanicID, absencesLately); err != nil {
		return nil, forgotten, fmt.Errorf("mechanic %s: %w", mechanicID, err)
	}
	return busy, forgotten, nil
}
