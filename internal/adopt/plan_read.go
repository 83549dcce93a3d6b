package adopt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// planTimeout limits each of a plan's queries.
const planTimeout = 30 * time.Second

// Plan works out what enforcing a table would do, like ReadPlan.
func (s *Service) Plan(ctx context.Context, name string, days int) (Plan, error) {
	t, err := s.Table(name)
	if err != nil {
		return Plan{}, err
	}
	if s.TheirURL != "" {
		return ReadPlan(ctx, s.TheirURL, s.Tables, name, s.Policy, days)
	}
	return readPlan(ctx, s.Pool, t, s.Policy, days)
}

// Backtest returns what each rule would have done to all of a table's history.
func (s *Service) Backtest(ctx context.Context, name string) ([]record.Backtest, error) {
	p, err := s.Plan(ctx, name, 0)
	return p.History, err
}

// ReadPlan works out what enforcing one of the tables would do. Its backtest covers the last days,
// or the whole history if days is 0. It runs in one read-only transaction. It returns NotFound if
// there is no such table or mapping, Invalid if the mapping does not fit the table, and Unavailable
// if this role cannot read the table, or not in time.
func ReadPlan(ctx context.Context, url string, tables []mapping.Table, name string, policy curfew.Policy, days int) (Plan, error) {
	t, err := New(Options{Tables: tables}).Table(name)
	if err != nil {
		return Plan{}, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return Plan{}, curfew.Errorf(curfew.Unavailable, "the database with %s cannot be read: %s", t.Relation, reasonOf(err))
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read
	return readPlan(ctx, conn, t, policy, days)
}

// beginner is a pool or a connection.
type beginner interface {
	BeginTx(ctx context.Context, o pgx.TxOptions) (pgx.Tx, error)
}

func readPlan(ctx context.Context, db beginner, t mapping.Table, policy curfew.Policy, days int) (p Plan, err error) {
	err = pgx.BeginTxFunc(ctx, db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		limits := fmt.Sprintf("SET LOCAL statement_timeout = %d; SET LOCAL lock_timeout = '1s'; SET LOCAL row_security = off", planTimeout.Milliseconds())
		if _, err := tx.Exec(ctx, limits); err != nil {
			return err
		}
		rel, err := ReadRelation(ctx, tx, t.Relation)
		if err != nil {
			return err
		}
		if err := rel.Columns.lacks(t); err != nil {
			return err
		}
		p, err = reading{t, policy, rel.Columns}.plan(ctx, tx, rel, days)
		return err
	})
	return p, unreadable(t, err)
}

// plan reads everything in one snapshot.
func (r reading) plan(ctx context.Context, tx pgx.Tx, rel *Relation, days int) (Plan, error) {
	p := Plan{Name: r.Name, Relation: r.Relation, Rows: rel.Estimate, Days: days, Statements: []Statement{}}
	f := facts{reading: r, rel: rel}
	var err error
	count := fmt.Sprintf("SELECT now(), count(*) FROM %s t WHERE %s AND %s AND %s IS NULL", r.Relation, r.there("t"),
		r.is("t", curfew.Scheduled, curfew.Waiting, curfew.Live), r.customer("t"))
	if p.Grants, err = r.rights(ctx, tx); err != nil {
		return p, err
	}
	if err := one(ctx, tx, count, nil, &p.At, &f.strangers); err != nil {
		return p, err
	}
	for _, w := range []wait{r.unanswered(), r.unjoined()} {
		b, err := r.backtest(ctx, tx, w, days)
		if err != nil {
			return p, err
		}
		p.History = append(p.History, b)
	}
	if p.Due, err = r.due(ctx, tx); err != nil {
		return p, err
	}
	if p.Ends, err = r.ends(ctx, tx, rel); err != nil {
		return p, err
	}
	if p.Statements, err = r.statements(ctx, tx, rel, p.Ends); err != nil {
		return p, err
	}
	p.Promises = f.promises()
	p.Index, err = r.index(ctx, tx, rel)
	return p, err
}

// unreadable says what to do about a table that this role cannot read: that must never look like 0
// rows.
func unreadable(t mapping.Table, err error) error {
	var refused *pgconn.PgError
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Code == insufficientPrivilege:
		return curfew.Errorf(curfew.Unavailable, "%s cannot be read: %s. Grant SELECT on it; if it has row-level security, use its owner or a role with BYPASSRLS", t.Relation, refused.Message)
	case refused.Code == "57014":
		return curfew.Errorf(curfew.Unavailable, "%s could not be read within %s: look at fewer days with --days", t.Relation, planTimeout)
	}
	return fmt.Errorf("plan %s: %w", t.Name, err)
}
