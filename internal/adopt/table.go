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

// table is an adopted table in Curfew's own database, where its rows can be ended and triggers can
// mirror them.
type table struct {
	mapping.Table
	pool   *pgxpool.Pool // of Curfew's own database
	policy curfew.Policy
}

// The server's error codes that matter here.
const (
	serializationFailure  = "40001"
	deadlockDetected      = "40P01"
	lockTimeout           = "55P03"
	insufficientPrivilege = "42501"
)

const (
	// attempts limits how often a transaction is tried that fails on serialization or a deadlock.
	attempts = 5
	// callTimeout is how long one transaction may take.
	callTimeout = 10 * time.Second
)

// tx runs do in a transaction, and retries it where the server asks for that.
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

// code returns the SQLSTATE of an error; empty if it does not come from the server.
func code(err error) string {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

// unavailable makes an error without a kind Unavailable: the table or the database cannot do now
// what was asked.
func unavailable(err error) error {
	if err == nil || curfew.KindOf(err) != curfew.Internal {
		return err
	}
	return fmt.Errorf("%w (%w)", curfew.Errorf(curfew.Unavailable, "the database cannot answer now: try again"), err)
}

// wrap adds what was being done; nil stays nil.
func (t table) wrap(err error, what string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("adopt.%s: %s: %w", t.Name, what, err)
}
