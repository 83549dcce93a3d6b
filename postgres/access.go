package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/curfewhq/curfew/internal/record"
)

// grantAgain puts right what somebody did to rights and policies.
const grantAgain = "as the owner of schema curfew, run what `curfew roles grant` prints for the names of your roles"

// What row-level security leaves open, where policies of Curfew's are. Readers are the roles of
// customers and mechanics.
const (
	selectSecured = `SELECT count(DISTINCT polrelid) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
		WHERE c.relnamespace = to_regnamespace('curfew') AND p.polname = 'curfew_service'`
	selectReaders  = `SELECT DISTINCT unnest(p.polroles) FROM pg_policy p WHERE p.polname IN ('curfew_customer', 'curfew_mechanic')`
	selectUnsecure = `SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = to_regnamespace('curfew') AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('session_transitions', 'outcome_steps')
			AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)) ORDER BY 1`
	// A view shows what its owner sees, unless it says that it does not.
	selectSeeThrough = `SELECT DISTINCT v.oid::regclass::text FROM pg_depend d
			JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class
			JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND t.oid = d.refobjid
		WHERE t.relnamespace = to_regnamespace('curfew') AND t.relkind IN ('r', 'p') AND t.relname NOT IN ('session_transitions', 'outcome_steps')
			AND v.relkind IN ('v', 'm')
			AND NOT coalesce((SELECT o.option_value::boolean FROM pg_options_to_table(v.reloptions) o WHERE o.option_name = 'security_invoker'), false)
			AND EXISTS (SELECT FROM aclexplode(v.relacl) a WHERE a.grantee <> v.relowner
				AND (a.grantee = 0 OR EXISTS (SELECT FROM (` + selectReaders + `) r (oid) WHERE pg_has_role(r.oid, a.grantee, 'USAGE')))) ORDER BY 1`
	// Nobody's policy applies to TRUNCATE, and a grant of all columns shows those that are for operators.
	selectOverreach = `SELECT DISTINCT r.oid::regrole::text FROM (` + selectReaders + `) r (oid)
		WHERE has_schema_privilege(r.oid, to_regnamespace('curfew')::oid, 'USAGE') OR EXISTS (SELECT FROM pg_class c
			WHERE c.relnamespace = to_regnamespace('curfew') AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('session_transitions', 'outcome_steps')
				AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')) ORDER BY 1`
)

// access says how far row-level security reaches, where `curfew roles grant` has switched it on.
func (s schema) access(ctx context.Context) ([]record.Fact, error) {
	secured, err := one(ctx, s.db, value[int], selectSecured)
	if err != nil || secured == 0 {
		return nil, wrap(err, "inspect the policies")
	}
	all := []record.Fact{{Name: "row-level security", Value: fmt.Sprintf("on %d tables", secured)}}
	for _, look := range []struct{ sql, problem, fix string }{
		{selectUnsecure, "no policy guards %s", grantAgain},
		{selectSeeThrough, "customers and mechanics see every row through %s", "ALTER VIEW … SET (security_invoker = true), or REVOKE ALL ON … FROM whoever may read it"},
		{selectOverreach, "%s may use schema curfew directly", grantAgain},
	} {
		names, err := many(ctx, s.db, value[string], look.sql)
		if err != nil {
			return nil, wrap(err, "inspect the policies")
		}
		if len(names) > 0 {
			all = append(all, record.Fact{
				Name: "row-level security", Value: "incomplete", Problem: fmt.Sprintf(look.problem, strings.Join(names, ", ")), Fix: look.fix,
			})
		}
	}
	return all, nil
}
