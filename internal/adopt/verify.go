package adopt

import (
	"context"
	"errors"
)

// Drift is a row whose mirror is not what it should be, and for which there is no other finding.
type Drift struct {
	ID     string // theirs
	Detail string
}

// Verify compares every row with its mirror in one snapshot, and keeps a finding for each that
// differs. With repair, it mirrors these anew, except rows that somebody holds.
func (t table) Verify(ctx context.Context, repair bool) ([]Drift, error) {
	return nil, errors.ErrUnsupported
}
