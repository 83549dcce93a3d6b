package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
)

// rights is what the service's role must be allowed, by table: the verbs, each
// for the whole table or for the columns in parentheses. It owns nothing, and
// neither migrates nor restores. A test holds this to the statements of this
// package, and another one passes the contract of a store as such a role.
var rights = map[string][]string{
	"curfew_migrations":   {"SELECT"},
	"session_transitions": {"SELECT"},
	"outcome_steps":       {"SELECT"},
	"sessions":            {"SELECT", "INSERT", "UPDATE"},
	"session_requests":    {"SELECT", "INSERT", "UPDATE"},
	"checkouts":           {"SELECT", "INSERT", "UPDATE"},
	"payment_refs":        {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"payment_repayments":  {"SELECT"},
	"payment_facts":       {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"provider_messages":   {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"payment_differences": {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"refused_messages":    {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"idempotency_keys":    {"SELECT", "INSERT", "DELETE"},
	"mechanic_slots":      {"SELECT", "INSERT", "UPDATE (seen_at)", "DELETE"},
	"absences":            {"SELECT", "INSERT", "UPDATE (customer_id)"},
	"events":              {"SELECT", "INSERT", "UPDATE (customer_id, told, actor, reason)"},
	"runs":                {"SELECT", "INSERT", "UPDATE"},
	"previews":            {"SELECT", "INSERT", "DELETE"},
	"refusals":            {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"signals":             {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"tallies":             {"SELECT", "INSERT", "UPDATE"},
	"deliveries":          {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"unsubscriptions":     {"SELECT", "INSERT", "DELETE"},
	"quarantine":          {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"acknowledgements":    {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"adoptions":           {"SELECT", "INSERT", "UPDATE"},
	"adoption_findings":   {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"adoption_verdicts":   {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"webhook_endpoints":   {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"api_keys":            {"SELECT", "INSERT", "UPDATE"},
	"revocations":         {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"sign_ins":            {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"audit_links":         {"SELECT", "INSERT", "DELETE"}, // a trigger lets it delete nothing that is younger than 30 days
	"audit_entries":       {"SELECT", "INSERT", "DELETE"}, // likewise
	"audit_subjects":      {"SELECT", "INSERT", "DELETE"},
	"approvals":           {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"jobs":                {"SELECT", "INSERT", "UPDATE", "DELETE"},
	"erasures":            {"SELECT", "INSERT", "UPDATE", "DELETE"},
}

// executes is the functions that the service's role must be allowed to call: those that mirror
// the rows of adopted tables.
var executes = []string{
	"adopt", "adopt_found", "adopt_gone", "adopt_new", "adopt_offer", "adopt_one", "adopt_right", "adopt_step", "adopted_uuid",
}

// grants is the statements that give a role all that the service needs, for the
// owner of the tables to run.
func grants(role string) []string {
	all := []string{grantUsage(role)}
	for _, table := range slices.Sorted(maps.Keys(rights)) {
		if !slices.Contains(constants, table) {
			all = append(all, grant(table, rights[table], role))
		}
	}
	return append(all, grantExecute(executes, role))
}

func grantUsage(role string) string { return "GRANT USAGE ON SCHEMA curfew TO " + quoted(role) }

func grantExecute(functions []string, role string) string {
	return "GRANT EXECUTE ON FUNCTION curfew." + strings.Join(functions, ", curfew.") + " TO " + quoted(role)
}

func grant(table string, verbs []string, role string) string {
	return fmt.Sprintf("GRANT %s ON curfew.%s TO %s", strings.Join(verbs, ", "), table, quoted(role))
}

// quoted leaves a plain name as it is: that is how people write it.
func quoted(role string) string {
	plain := strings.IndexFunc(role, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' }) < 0
	if plain && role != "" && (role[0] < '0' || role[0] > '9') {
		return role
	}
	return pgx.Identifier{role}.Sanitize()
}

// attempt is a statement that needs one right and changes no row.
func attempt(table, verb string) string {
	verb, list, _ := strings.Cut(verb, " ")
	names := strings.Fields(columns[table])
	if list != "" {
		names = strings.Split(strings.Trim(list, "()"), ", ")
	}
	switch all := strings.Join(names, ", "); {
	case verb == "SELECT" && all == "":
		return "SELECT * FROM curfew." + table + " WHERE false"
	case verb == "SELECT":
		return "SELECT " + all + " FROM curfew." + table + " WHERE false"
	case verb == "INSERT":
		nulls := strings.TrimSuffix(strings.Repeat("NULL, ", len(names)), ", ")
		return "INSERT INTO curfew." + table + " (" + all + ") SELECT " + nulls + " WHERE false"
	case verb == "UPDATE":
		return "UPDATE curfew." + table + " SET " + strings.Join(names, " = DEFAULT, ") + " = DEFAULT WHERE false"
	}
	return "DELETE FROM curfew." + table + " WHERE false"
}

// tryRights executes each attempt, and leaves those that were refused in a
// setting of the transaction. Asking has_table_privilege would miss rights by
// column, and what else may refuse.
var tryRights = sync.OnceValue(func() string {
	var list []string
	for _, table := range slices.Sorted(maps.Keys(rights)) {
		for _, verb := range rights[table] {
			list = append(list, fmt.Sprintf("('%s', '%s', '%s')", table, verb, attempt(table, verb)))
		}
	}
	return `DO $$
		DECLARE r record; denied text := '';
		BEGIN
			IF to_regnamespace('curfew') IS NOT NULL AND NOT has_schema_privilege('curfew', 'USAGE') THEN
				denied := 'schema:USAGE;';
			END IF;
			FOR r IN SELECT * FROM (VALUES ` + strings.Join(list, ", ") + `) v (tablename, verb, statement) LOOP
				BEGIN
					EXECUTE r.statement;
				EXCEPTION
					WHEN insufficient_privilege THEN denied := denied || r.tablename || ':' || r.verb || ';';
					WHEN invalid_schema_name OR undefined_table OR undefined_column OR read_only_sql_transaction THEN NULL; -- others say so
				END;
			END LOOP;
			FOR r IN SELECT p.proname FROM pg_proc p WHERE p.pronamespace = to_regnamespace('curfew')
				AND p.proname IN ('` + strings.Join(executes, "', '") + `') AND NOT has_function_privilege(p.oid, 'EXECUTE') ORDER BY 1
			LOOP
				denied := denied || r.proname || ':EXECUTE;';
			END LOOP;
			PERFORM set_config('curfew.denied', denied, true);
		END $$`
})

// Denied tries each right that the service needs, in a transaction that is
// always rolled back, and returns the statements that grant what is missing,
// for the owner of the tables to run.
func (s schema) Denied(ctx context.Context) ([]string, error) {
	var role, denied string
	err := s.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(ctx) //nolint:errcheck // a connection that cannot is not used again
		if _, err := tx.Exec(ctx, tryRights()); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT current_user::text, current_setting('curfew.denied')`).Scan(&role, &denied)
	})
	if err != nil {
		return nil, wrap(translate(err), "try the rights")
	}
	return missingGrants(role, denied), nil
}

// missingGrants turns what was refused, as table:verb; …, into one grant a table.
func missingGrants(role, denied string) []string {
	var grants, tables, functions []string
	verbs := make(map[string][]string)
	for _, one := range strings.Split(strings.TrimSuffix(denied, ";"), ";") {
		table, verb, ok := strings.Cut(one, ":")
		switch {
		case !ok:
		case table == "schema":
			grants = append(grants, grantUsage(role))
		case verb == "EXECUTE":
			functions = append(functions, table)
		default:
			if verbs[table] == nil {
				tables = append(tables, table)
			}
			verbs[table] = append(verbs[table], verb)
		}
	}
	for _, table := range tables {
		grants = append(grants, grant(table, verbs[table], role))
	}
	if len(functions) > 0 {
		grants = append(grants, grantExecute(functions, role))
	}
	return grants
}

// rightsFor is how long rights that were found complete are taken for so: health
// asks often.
const rightsFor = 5 * time.Second

// permitted is when the rights were last found complete.
type permitted struct {
	mu sync.Mutex
	at time.Time
}

// unpermitted says which rights the role lacks, and how to grant them.
func (s schema) unpermitted(ctx context.Context) ([]string, error) {
	s.permitted.mu.Lock()
	defer s.permitted.mu.Unlock()
	if time.Since(s.permitted.at) < rightsFor {
		return nil, nil
	}
	grants, err := s.Denied(ctx)
	if err != nil {
		return nil, err
	}
	if len(grants) == 0 {
		s.permitted.at = time.Now()
		return nil, nil
	}
	return []string{"this database role lacks rights that the service needs; as the owner of schema curfew run: " + strings.Join(grants, "; ")}, nil
}

// denied is Invalid, with the grants, where reading the schema was refused.
func (s schema) denied(ctx context.Context, err error) error {
	if code(err) != insufficientPrivilege {
		return err
	}
	wrong, err2 := s.unpermitted(ctx)
	if err2 != nil || len(wrong) == 0 {
		return err
	}
	return curfew.Errorf(curfew.Invalid, "%s", strings.Join(wrong, "; "))
}
