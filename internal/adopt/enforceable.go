package adopt

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// relationFacts decides whether a relation can have Curfew's triggers.
type relationFacts struct {
	standby, secured, restricted, canCreate, canSelect, canUpdate, canTrigger bool
	kind, role, owner                                                         string
}

const selectFacts = `SELECT pg_is_in_recovery(), row_security_active(c.oid), row_security_active('curfew.sessions'), has_schema_privilege('curfew', 'CREATE'),
		has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'TRIGGER'), c.relkind::text, current_user::text,
		(SELECT s.relowner::regrole::text FROM pg_class s WHERE s.oid = 'curfew.sessions'::regclass)
	FROM pg_class c WHERE c.oid = to_regclass($1)`

// kinds describes the kinds of relation that cannot be enforced.
var kinds = map[string]string{
	"v": "a view: map the table below it", "m": "a materialized view: map the table below it",
	"f": "a foreign table: its rows are in another database", "p": "a partitioned table, which cannot be enforced yet",
}

// enforceable checks the tables and the role's rights to them.
func (t table) enforceable(ctx context.Context) error {
	f, err := t.facts(ctx, t.Relation)
	if err != nil {
		return err
	}
	switch {
	case f.standby:
		return curfew.Errorf(curfew.Invalid, "this database is a standby: enforce needs the primary")
	case f.kind != "r":
		return curfew.Errorf(curfew.Invalid, "%s is %s", t.Relation, kinds[f.kind])
	}
	if f.restricted { // the triggers' functions, which have their owner's rights, read with row_security off
		return curfew.Errorf(curfew.Invalid, "the policies of schema curfew apply to role %s: run this as %s, who owns it", name(f.role), f.owner)
	}
	wrong := f.lacks(t.Relation, true)
	if t.Request != nil {
		if f, err = t.facts(ctx, t.Request.Relation); err != nil {
			return err
		}
		wrong = append(wrong, f.lacks(t.Request.Relation, false)...)
	}
	if len(wrong) > 0 {
		return curfew.Errorf(curfew.Invalid, "this database role lacks rights; as the tables' owner run: %s", strings.Join(wrong, "; "))
	}
	return nil
}

func (t table) facts(ctx context.Context, relation string) (f relationFacts, err error) {
	rows, err := t.pool.Query(ctx, selectFacts, relation)
	if err != nil {
		return f, err
	}
	f, err = pgx.CollectExactlyOneRow(rows, func(r pgx.CollectableRow) (f relationFacts, err error) {
		err = r.Scan(&f.standby, &f.secured, &f.restricted, &f.canCreate, &f.canSelect, &f.canUpdate, &f.canTrigger, &f.kind, &f.role, &f.owner)
		return f, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		err = curfew.Errorf(curfew.Invalid, "there is no table %s in Curfew's own database: enforce needs both in one database", relation)
	}
	return f, err
}

// lacks returns the statements that would grant the role what it lacks.
func (f relationFacts) lacks(relation string, triggers bool) []string {
	var verbs, all []string
	if !f.canSelect {
		verbs = append(verbs, "SELECT")
	}
	if !f.canUpdate {
		verbs = append(verbs, "UPDATE")
	}
	if triggers && !f.canTrigger {
		verbs = append(verbs, "TRIGGER")
	}
	if len(verbs) > 0 {
		all = append(all, "GRANT "+strings.Join(verbs, ", ")+" ON "+relation+" TO "+name(f.role))
	}
	if triggers && !f.canCreate {
		all = append(all, "GRANT CREATE ON SCHEMA curfew TO "+name(f.role))
	}
	if f.secured {
		all = append(all, "ALTER ROLE "+name(f.role)+" BYPASSRLS (row-level security hides rows of "+relation+" from it)")
	}
	return all
}

// errTried rolls back a transaction that was only a trial.
var errTried = errors.New("tried")

// try applies a rule's ending to a row, preferably one in the state that the rule ends, and rolls
// it back. It returns Invalid if the table refuses the update.
func (t table) try(ctx context.Context, r reading, rule curfew.EndReason) error {
	e := r.End[rule]
	err := t.tx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('row_security', 'off', true), set_config('lock_timeout', '1s', true)`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT `+literal(e.Status)+`::`+r.columns[r.Status.Column].Type); err != nil {
			return err
		}
		for _, state := range []string{r.is("t", stateBefore(rule)), "true"} {
			tag, err := tx.Exec(ctx, `UPDATE `+r.Relation+` t SET `+r.sets(e).String()+`
				WHERE t.ctid = (SELECT t.ctid FROM `+r.Relation+` t WHERE `+state+` LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED)`)
			if err != nil {
				return err
			}
			if tag.RowsAffected() > 0 {
				break
			}
		}
		return errTried
	})
	var refused *pgconn.PgError
	switch {
	case errors.Is(err, errTried):
		return nil
	case errors.As(err, &refused) && (strings.HasPrefix(refused.Code, "22") || strings.HasPrefix(refused.Code, "23") ||
		strings.HasPrefix(refused.Code, "42") || strings.HasPrefix(refused.Code, "P0")):
		return curfew.Errorf(curfew.Invalid, "%s refuses what adopt.%s.end.%s writes: %s (%s)", r.Relation, r.Name, rule, refused.Message, refused.Code)
	}
	return err
}

// stateBefore returns the status of the sessions that a rule ends.
func stateBefore(rule curfew.EndReason) curfew.SessionStatus {
	switch rule {
	case curfew.Overran:
		return curfew.Live
	case curfew.Missed:
		return curfew.Scheduled
	}
	return curfew.Waiting
}

const selectShadow = `SELECT coalesce((SELECT extract(epoch FROM now() - a.shadowed)::bigint FROM curfew.adoptions a WHERE a.name = $1), 0),
	(SELECT count(*) FROM curfew.adoption_verdicts v WHERE v.name = $1 AND v.reason = ANY ($2) AND v.became = 'lived')`

// shadowed checks the rules against what shadow mode found. A table that is already enforced has
// passed.
func (t table) shadowed(ctx context.Context, e Enforcement) error {
	if e.Shadow == 0 {
		e.Shadow = ShadowTime
	}
	rules := make([]string, len(e.Rules))
	for i, rule := range e.Rules {
		rules[i] = string(rule)
	}
	var long, regrets int64
	rows, err := t.pool.Query(ctx, selectShadow, t.Name, rules)
	if err != nil {
		return err
	}
	if _, err = pgx.ForEachRow(rows, []any{&long, &regrets}, func() error { return nil }); err != nil {
		return err
	}
	switch shadow := time.Duration(long) * time.Second; {
	case shadow < e.Shadow:
		return curfew.Errorf(curfew.Invalid, "%s has been shadowed for %s of %s: wait, or say --yes", t.Name, shadow, e.Shadow)
	case regrets > int64(e.Regrets):
		return curfew.Errorf(curfew.Invalid, "%d sessions of %s would have been ended and went on to live, and the limit is %d: raise the policy's times, or say --yes",
			regrets, t.Name, e.Regrets)
	}
	return nil
}
