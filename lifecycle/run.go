package lifecycle

import (
	"context"

	"github.com/curfewhq/curfew"
)

// Runs is the record of cleanups, newest first, behind the cursor.
func (e *Engine) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	return e.store.Runs(ctx, after, limit)
}
