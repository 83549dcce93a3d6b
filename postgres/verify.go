package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// columns lists each table's columns after all migrations. A test compares it with a new
// database.
var columns = map[string]string{
	"sessions": "customer_id id mechanic_id checkout_id plan kind duration_seconds status version created_at starts_at expires_at " +
		"accepted_at customer_joined_at mechanic_joined_at started_at ended_at end_reason revives adopted_from adopted_id " +
		"adopted_generation adopted_word nudged_at",
	"session_requests": "customer_id id session_id mechanic_id customer_name status created_at ended_at",
	"checkouts": "customer_id id ref plan amount currency email name metadata outcome version session_id retry_until money_due " +
		"created_at updated_at refund_amount payment_id refund_id attempts next_at first_try_at disputed_at note " +
		"line_of line starts_at extends concern capture at_risk",
	"payment_repayments":  "payment_id amount currency at disputed_at",
	"payment_refs":        "ref customer_id checkout_id plan version judged names_payment",
	"payment_facts":       "payment provider account kind object state amount currency reason at until told_at",
	"provider_messages":   "provider account id type body reason at received_at",
	"payment_differences": "checkout_id kind ref detail first_at last_at",
	"refused_messages":    "provider reason count first_at last_at",
	"idempotency_keys":    "customer_id key checkout_id session_id created_at",
	"mechanic_slots":      "mechanic_id customer_id session_id created_at seen_at",
	"absences":            "mechanic_id session_id number customer_id at",
	"events":              "customer_id subject_id number subject id from_status to_status actor reason run_id at told",
	"runs":                "id trigger actor reason started_at finished_at outcome error stats undoes",
	"previews":            "id created_at body",
	"refusals":            "customer_id id session_id at",
	"signals":             "name at lag until n",
	"tallies":             "shard noun status n",
	"deliveries": "customer_id id event_id subject_id number channel lane destination kind body state attempts failures next_at status error " +
		"created_at updated_at",
	"unsubscriptions":   "address_hash kind at",
	"quarantine":        "customer_id noun id version step first_error last_error tries since tried_at next_at",
	"acknowledgements":  "code actor reason severity count at until",
	"adoptions":         "name relation mapping mode rules since shadowed read_at read_took unread installed",
	"adoption_findings": "name code adopted_id detail count first_at last_at",
	"adoption_verdicts": "name session_id adopted_id reason deadline judged_at became became_at",
	"api_keys": "id name hash old_hash old_until customer_prefix routes max_amount max_currency expires_at created_at created_by rotated_at used_at " +
		"revoked_at revoked_by version",
	"revocations":       "noun name at actor",
	"sign_ins":          "id role subject browser created_at seen_at ended_at",
	"audit_links":       "number batch first_entry last_entry lost at hash",
	"audit_entries":     "number at actor action via status request_id commitment",
	"audit_subjects":    "number subject object detail salt",
	"approvals":         "id action customer_id target body summary state asked_by asked_at expires_at decided_by decided_at note tried_at tries",
	"jobs":              "id kind body actor run_id state phase done total result error cancelled_by holder attempt lease_until created_at finished_at",
	"erasures":          "id customer_id pseudonym version held actor reason planned_at erased_at",
	"webhook_endpoints": "id url description kinds secret old_secret old_until enabled disabled_at disabled_reason version created_at updated_at",
}

// indexes lists the indexes that the migrations create, by table.
var indexes = map[string]string{
	"sessions": "sessions_pkey sessions_one_open sessions_deadline sessions_id sessions_one_open_a_checkout sessions_queue sessions_revives sessions_mechanic " +
		"sessions_adopted sessions_adopted_deadline",
	"session_requests": "session_requests_pkey session_requests_one_open session_requests_session session_requests_queue session_requests_id",
	"checkouts": "checkouts_pkey checkouts_unsettled checkouts_credits checkouts_retry checkouts_money_due checkouts_name checkouts_refunds checkouts_payment " +
		"checkouts_disputed checkouts_id checkouts_email checkouts_credit_totals checkouts_lines checkouts_concerns " +
		"checkouts_captures checkouts_credit_age",
	"payment_repayments":  "payment_repayments_pkey",
	"payment_refs":        "payment_refs_pkey payment_refs_checkout payment_refs_unjudged",
	"payment_facts":       "payment_facts_pkey",
	"provider_messages":   "provider_messages_pkey",
	"payment_differences": "payment_differences_pkey",
	"refused_messages":    "refused_messages_pkey",
	"idempotency_keys":    "idempotency_keys_pkey",
	"mechanic_slots":      "mechanic_slots_pkey mechanic_slots_session",
	"absences":            "absences_pkey absences_customer",
	"events":              "events_pkey events_run events_untold events_at",
	"runs":                "runs_pkey runs_newest runs_undoes",
	"previews":            "previews_pkey",
	"refusals":            "refusals_pkey refusals_at",
	"signals":             "signals_pkey",
	"tallies":             "tallies_pkey",
	"deliveries": "deliveries_pkey deliveries_once deliveries_due deliveries_order deliveries_id deliveries_unsettled deliveries_dead " +
		"deliveries_done",
	"unsubscriptions":   "unsubscriptions_pkey",
	"quarantine":        "quarantine_pkey",
	"acknowledgements":  "acknowledgements_pkey",
	"adoptions":         "adoptions_pkey",
	"adoption_findings": "adoption_findings_pkey",
	"adoption_verdicts": "adoption_verdicts_pkey",
	"webhook_endpoints": "webhook_endpoints_pkey",
	"api_keys":          "api_keys_pkey",
	"revocations":       "revocations_pkey revocations_at",
	"sign_ins":          "sign_ins_pkey sign_ins_created",
	"audit_links":       "audit_links_pkey audit_links_batch audit_links_at audit_links_lost",
	"audit_entries":     "audit_entries_pkey audit_entries_actor audit_entries_action",
	"audit_subjects":    "audit_subjects_pkey audit_subjects_subject",
	"approvals":         "approvals_pkey approvals_asked approvals_executing",
	"jobs":              "jobs_pkey jobs_created jobs_running",
	"erasures":          "erasures_pkey erasures_planned erasures_customer erasures_erased",
}

// triggers lists the triggers that the migrations create, by table. GuardsMissing checks
// the guards.
var triggers = map[string]string{
	"sessions":         "tally_sessions_updated tally_sessions_marked tally_sessions_inserted tally_sessions_deleted",
	"session_requests": "tally_requests_updated tally_requests_marked tally_requests_inserted tally_requests_deleted",
	"checkouts":        "tally_checkouts_updated tally_checkouts_marked tally_checkouts_inserted tally_checkouts_deleted",
	"audit_links":      "audit_kept",
	"audit_entries":    "audit_kept",
}

// What there is, as rows of a table and a name.
const (
	selectColumns = `SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = to_regnamespace('curfew') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped`
	selectIndexes = `SELECT c.relname::text, x.relname::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
		WHERE c.relnamespace = to_regnamespace('curfew') AND i.indisvalid`
	selectTriggers = `SELECT c.relname::text, t.tgname::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
		WHERE c.relnamespace = to_regnamespace('curfew') AND (t.tgname LIKE 'tally\_%' OR t.tgname = 'audit_kept') AND t.tgenabled <> 'D'`
	selectExposed = `SELECT p.oid::regprocedure::text FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
		WHERE p.pronamespace = to_regnamespace('curfew') AND a.grantee = 0 AND a.privilege_type = 'EXECUTE' ORDER BY 1`
	selectMakers = `SELECT n.nspname::text FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
		WHERE n.nspname = 'curfew' AND a.grantee = 0 AND a.privilege_type = 'CREATE'`
	// A policy shows every row if its conditions are true; nothing else can be told from its text.
	selectFiltered = `SELECT c.oid::regclass::text FROM pg_class c
		WHERE c.relnamespace = to_regnamespace('curfew') AND c.relkind IN ('r', 'p') AND row_security_active(c.oid) AND NOT coalesce((
			SELECT bool_or(p.polpermissive AND p.polcmd = '*' AND pg_get_expr(p.polqual, p.polrelid) = 'true'
					AND coalesce(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true') AND bool_and(p.polpermissive)
			FROM pg_policy p WHERE p.polrelid = c.oid AND EXISTS (SELECT FROM unnest(p.polroles) r WHERE r = 0 OR pg_has_role(r, 'USAGE'))), false)
		ORDER BY 1`
)

// Verify returns an error, of kind Invalid, that names everything the schema lacks, and
// the remedy. A newer schema is fine: the program may have been rolled back.
func (s schema) Verify(ctx context.Context) error {
	wrong, err := s.wrongSettings(ctx)
	if err != nil {
		return wrap(err, "verify the connection")
	}
	if len(wrong) > 0 {
		return curfew.Errorf(curfew.Invalid, "%s", wrong[0])
	}
	migrations, err := s.Migrations(ctx)
	if err != nil {
		return s.denied(ctx, err)
	}
	if names := pending(migrations); len(names) > 0 {
		return curfew.Errorf(curfew.Invalid, "the schema is older than this program, which has %s too: run `curfew migrate`",
			strings.Join(names, ", "))
	}
	for _, look := range []func(context.Context) ([]string, error){s.spread, s.lacking, s.filtered, s.exposed, s.unpermitted} {
		found, err := look(ctx)
		if err != nil {
			return wrap(err, "verify the schema")
		}
		wrong = append(wrong, found...)
	}
	if len(wrong) > 0 {
		return curfew.Errorf(curfew.Invalid, "%s", strings.Join(wrong, "; "))
	}
	return nil
}

func pending(migrations []Migration) []string {
	var names []string
	for _, m := range migrations {
		if m.AppliedAt.IsZero() {
			names = append(names, fmt.Sprintf("%05d_%s", m.Number, m.Name))
		}
	}
	return names
}

// lacking names the tables, columns, indexes and triggers that are missing.
func (s schema) lacking(ctx context.Context) ([]string, error) {
	var names []string
	seen := make(map[string]bool) // tables that are missing themselves
	for _, part := range []struct {
		what, sql string
		want      map[string]string
	}{{"column", selectColumns, columns}, {"index", selectIndexes, indexes}, {"trigger", selectTriggers, triggers}} {
		there, err := s.namesByTable(ctx, part.sql)
		if err != nil {
			return nil, err
		}
		for _, table := range slices.Sorted(maps.Keys(part.want)) {
			if part.what == "column" && there[table] == nil {
				seen[table] = true
				names = append(names, "table curfew."+table)
			}
			if !seen[table] {
				names = append(names, absent(part.what, table, part.want[table], there[table])...)
			}
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, "index ") }) {
		return []string{"the schema lacks " + strings.Join(names, ", ") + ": run `curfew migrate`, which makes it"}, nil
	}
	return []string{"the schema lacks " + strings.Join(names, ", ") +
		": restore what was dropped or left invalid (`curfew migrate --dry-run` prints the whole schema)"}, nil
}

func absent(what, table, want string, there map[string]bool) []string {
	var names []string
	for _, name := range strings.Fields(want) {
		if !there[name] {
			names = append(names, fmt.Sprintf("%s curfew.%s.%s", what, table, name))
		}
	}
	return names
}

func (s schema) namesByTable(ctx context.Context, sql string) (map[string]map[string]bool, error) {
	all := make(map[string]map[string]bool)
	var table, name string
	err := s.read(ctx, func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&table, &name}, func() error {
			if all[table] == nil {
				all[table] = make(map[string]bool)
			}
			all[table][name] = true
			return nil
		})
		return err
	}, sql)
	return all, err
}

// filtered names the tables of which this role would see only some rows: a cleanup would
// treat a hidden row as missing.
func (s schema) filtered(ctx context.Context) ([]string, error) {
	tables, err := many(ctx, s.db, value[string], selectFiltered)
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("row-level security hides rows of %s from this database role: as the owner of schema curfew run what "+
		"`curfew roles grant` prints for the names of your roles", strings.Join(tables, ", "))}, nil
}

// exposed names what everybody who may use the schema could run, or create there, to act
// with its owner's rights.
func (s schema) exposed(ctx context.Context) ([]string, error) {
	var wrong []string
	functions, err := many(ctx, s.db, value[string], selectExposed)
	if err != nil {
		return nil, err
	}
	if len(functions) > 0 {
		wrong = append(wrong, fmt.Sprintf("every database role may execute %s: run `curfew migrate`, or as its owner "+
			"REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew FROM PUBLIC", strings.Join(functions, ", ")))
	}
	schemas, err := many(ctx, s.db, value[string], selectMakers)
	if len(schemas) > 0 {
		wrong = append(wrong, "every database role may put functions and tables into schema curfew: REVOKE CREATE ON SCHEMA curfew FROM PUBLIC")
	}
	return wrong, err
}
