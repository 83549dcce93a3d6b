package adopt

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// End ends the rows of a batch that are still as their mirrors were read, and past their
// deadline, with their requests and mirrors, and counts them in the batch's run, all in one
// transaction. Rows that somebody holds are left for the next sweep. The result has the order
// of the batch. Unavailable: the table is not enforced.
func (t table) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	return nil, errors.ErrUnsupported
}

// Change does to a row what the change says of its session, and returns the session as it is
// then. Conflict: the row moved, or somebody holds it, or the mapping does not say how this is done to a row;
// the message says where to do it. MechanicBusy: as for Curfew's own sessions. Unavailable: the table is not
// enforced.
func (t table) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	return curfew.Snapshot{}, errors.ErrUnsupported
}
