package sqlite

import (
	"context"
	"errors"
	"strconv"

	"modernc.org/sqlite"

	"github.com/curfewhq/curfew"
)

// Steps carry OpenTelemetry's semantic conventions for databases. They record no
// arguments, and no error texts, which may quote arguments.

func noteSystem(ctx context.Context, operation string) {
	curfew.Note(ctx, "db.system.name", "sqlite")
	curfew.Note(ctx, "db.operation.name", operation)
	curfew.Note(ctx, "db.query.summary", operation)
}

// noteError notes the library's code, or else the kind, and returns the error.
func noteError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	kind := string(curfew.KindOf(err))
	if refused := (*sqlite.Error)(nil); errors.As(err, &refused) {
		kind = strconv.Itoa(refused.Code())
		curfew.Note(ctx, "db.response.status_code", kind)
	}
	curfew.Note(ctx, "error.type", kind)
	return err
}
