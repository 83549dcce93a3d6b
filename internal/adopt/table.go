package adopt

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// table is an adopted table in Curfew's own database, where its rows can be ended and
// triggers can follow them.
type table struct {
	mapping.Table
	pool   *pgxpool.Pool // of Curfew's own database
	policy curfew.Policy
}

// The server's codes that decide something here.
const (
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	lockTimeout           = "55P03"
	insufficientPrivilege = "42501"
)

const (
	// attempts is how often a transaction is begun that the server gave up for its neighbours.
	attempts = 5
	// callTimeout is how long one transaction may take.
	callTimeout = 10 * time.Second
)

// tx runs do in a transaction, and again from its beginning where the server asks for it.
func (t table) tx(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	for n := 1; ; n++ {
		err := t.once(ctx, do)
		if n == attempts || (code(err) != serializationFailure && code(err) != deadlockDetected) {
			return unavailable(err)
		}
		select {
		case <-time.After(rand.N(10 * time.Millisecond << n)): //nolint:gosec // G404: a jitter, no secret
		case <-ctx.Done():
			return unavailable(err)
		}
	}
}

func (t table) once(ctx context.Context, do func(context.Context, pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return pgx.BeginTxFunc(ctx, t.pool, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error { return do(ctx, tx) })
}

// code is the SQLSTATE of an error; empty where the server did not speak.
func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// unavailable gives an error its kind that has none yet: their table, or the database, cannot
// do now what was asked.
func unavailable(err error) error {
	if err == nil || curfew.KindOf(err) != curfew.Internal {
		return err
	}
	return fmt.Errorf("%w (%w)", curfew.Errorf(curfew.Unavailable, "the database cannot answer now: try again"), err)
}

// wrap says what was being done; nil stays nil.
func (t table) wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("adopt.%s: %s: %w", t.Name, what, err)
}
