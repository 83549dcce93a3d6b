package adopt

import (
	"context"
	"errors"
	"time"

	"github.com/curfewhq/curfew"
)

// Enforcement is what it takes to enforce a table.
type Enforcement struct {
	// Rules are the reasons for which rows are ended from now on; nil: all that the mapping
	// has an ending for.
	Rules []curfew.EndReason
	// Shadow is how long the table must have been read without a break; 0: seven days.
	Shadow time.Duration
	// Regrets is how many of the rows that would have been ended may have gone on to live.
	Regrets int
	// Yes enforces whatever the shadow says.
	Yes bool
}

// Enforce installs the triggers, mirrors what is open, and switches the mode. It is done in steps,
// each of its own transaction: interrupted at any, it can be called again, and so it can be where the
// mapping or the policy has changed. Invalid: it must not be enforced, and why. Unavailable: somebody
// holds the table, and who.
func (t table) Enforce(ctx context.Context, e Enforcement) error { return errors.ErrUnsupported }

// Off switches the mode, and then removes triggers and functions; what was open ends in the mirror alone.
// It can be called again like Enforce.
func (t table) Off(ctx context.Context) error { return errors.ErrUnsupported }

// Release is Off, and forgets the adoption; with drop, the mirrors and their history too.
func (t table) Release(ctx context.Context, drop bool) error { return errors.ErrUnsupported }

// Installed says what is wrong with the triggers of a table that is enforced by these rules;
// empty: nothing. Enforce mends it.
func (t table) Installed(ctx context.Context, rules []curfew.EndReason) (wrong string, err error) {
	return "", errors.ErrUnsupported
}
