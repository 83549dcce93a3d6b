package adopt

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// trigger is one of the triggers on an adopted table. Triggers fire in alphabetical order; these
// names sort last, so that the table's own triggers have run before.
type trigger struct {
	name, does string
	when       string // of CREATE TRIGGER, between the name and the table's, and behind it
	scope      string
}

// No WHEN clause or column list names a column: that column could no longer be dropped or retyped.
// Records are compared by their stored form, because not every type has an equality operator.
var triggers = []trigger{
	{"zz_curfew_mirror_delete", "delete", "AFTER DELETE", "REFERENCING OLD TABLE AS was FOR EACH STATEMENT"},
	{"zz_curfew_mirror_truncate", "truncate", "AFTER TRUNCATE", "FOR EACH STATEMENT"},
	{"zz_curfew_mirror_update", "update", "AFTER UPDATE", "FOR EACH ROW WHEN (OLD *<> NEW)"},
	{"zz_curfew_mirror_insert", "insert", "AFTER INSERT", "REFERENCING NEW TABLE AS became FOR EACH STATEMENT"},
	{"zz_curfew_settle", "settle", "BEFORE INSERT", "FOR EACH ROW"},
}

// failed is the function that records as a finding what the others could not do.
const failed = "failed"

// functionsOf lists the suffixes of the names of an adopted table's functions.
func functionsOf() []string {
	all := []string{failed}
	for _, tr := range triggers {
		all = append(all, tr.does)
	}
	return all
}

// function returns the name of one of the table's functions.
func function(table, does string) string {
	if len(table) > 40 { // names have 63 bytes
		table = fmt.Sprintf("%.30s_%x", table, sha256.Sum256([]byte(table)))[:40]
	}
	return "curfew." + name("adopt_"+table+"_"+does)
}

func (tr trigger) create(table mapping.Table) string {
	return "CREATE TRIGGER " + tr.name + " " + tr.when + " ON " + table.Relation + " " + tr.scope +
		" EXECUTE FUNCTION " + function(table.Name, tr.does) + "()"
}

// program is the source of a table's functions.
type program struct {
	reading
	oid      uint32 // of the table
	schema   string // of the table
	rules    []curfew.EndReason
	requests Columns
	// keys are the columns of each unique index on the whole table. A row that shares a key with a
	// new row is one that an upsert is about to change.
	keys [][]string
}

// functions returns the statements that create or replace them, which lock nothing of the
// marketplace's. They run with their owner's rights, so EXECUTE is revoked from everybody else; a
// trigger fires for any writer all the same.
func (p program) functions() []string {
	all := []string{p.failed(), "REVOKE EXECUTE ON FUNCTION " + function(p.Name, failed) + "(text) FROM PUBLIC"}
	for _, tr := range triggers {
		all = append(all, p.create(tr, p.body(tr.does)), "REVOKE EXECUTE ON FUNCTION "+function(p.Name, tr.does)+"() FROM PUBLIC")
	}
	// A role that could attach one to its own table would have it run there with the owner's
	// rights.
	for _, does := range functionsOf() {
		all = append(all, "REVOKE ALL ON ROUTINE "+function(p.Name, does)+" FROM PUBLIC")
	}
	return all
}

// digest identifies the text of the functions.
func (p program) digest() string {
	text := strings.Join(p.functions(), ";\n")
	for _, tr := range triggers {
		text += ";\n" + tr.create(p.Table)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

// create writes a trigger's function. Its body never fails the statement that fires it, except with
// errors on which the application retries anyway. It runs with its owner's rights, so it does
// nothing for any other table. With an empty body it does nothing at all: a switch that needs no
// lock.
func (p program) create(tr trigger, body string) string {
	row := "NULL"
	if tr.does == "settle" {
		row = "NEW"
	}
	fn := function(p.Name, tr.does)
	if body == "" {
		return "CREATE OR REPLACE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql AS $curfew$ BEGIN RETURN " + row + "; END $curfew$"
	}
	declared, body, _ := strings.Cut(body, "BEGIN\n")
	return fmt.Sprintf(`CREATE OR REPLACE FUNCTION %s() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, %s, pg_temp SET row_security = off AS $curfew$
%sBEGIN
    IF TG_RELID <> %d THEN
        RETURN %s;
    END IF;
    BEGIN
%s
    EXCEPTION
        WHEN serialization_failure OR deadlock_detected THEN
            RAISE;
        WHEN OTHERS THEN
            PERFORM %s(format('%%s on %%s: %%s (%%s)', TG_NAME, TG_OP, SQLERRM, SQLSTATE));
    END;
    RETURN %s;
END $curfew$`, fn, name(p.schema), declared, p.oid, row, body, function(p.Name, failed), row)
}

// failed writes the function that records a failure. It never waits for a finding that another
// transaction is writing, and drops a failure that it cannot record.
func (p program) failed() string {
	return fmt.Sprintf(`CREATE OR REPLACE FUNCTION %s(said text) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $curfew$
BEGIN
    IF pg_try_advisory_xact_lock(hashtextextended('curfew.adopt_failed ' || %s, 0)) THEN
        PERFORM curfew.adopt_found(%[2]s, 'trigger_failed', '', said);
    END IF;
EXCEPTION WHEN OTHERS THEN
    NULL;
END $curfew$`, function(p.Name, failed), literal(p.Name))
}

func (p program) body(does string) string {
	switch does {
	case "settle":
		return p.settle()
	case "insert":
		return p.inserted()
	case "update":
		return p.updated()
	case "delete":
		return "BEGIN\n        PERFORM " + p.gone("array_agg("+p.id("w")+")", "their row was deleted") + " FROM was w HAVING count(*) > 0;"
	}
	return "BEGIN\n        PERFORM " + p.gone("NULL", "their table was emptied") + ";"
}

// actor is who wrote: Curfew says so in a setting of its transaction; for the application, which sets
// none, it is the table's service.
func (p program) actor() string {
	return "coalesce(nullif(current_setting('curfew.actor', true), ''), " + literal("service:"+p.Name) + ")"
}

func why(otherwise string) string {
	return "coalesce(nullif(current_setting('curfew.reason', true), ''), " + literal(otherwise) + ")"
}

const (
	endReason = "nullif(current_setting('curfew.end_reason', true), '')"
	runID     = "nullif(current_setting('curfew.run_id', true), '')::uuid"
)

// adopted mirrors an array of rows.
func (p program) adopted(rows string) string {
	return "curfew.adopt(" + strings.Join([]string{literal(p.Name), p.actor(), why("their row"), endReason, runID, rows}, ", ") + ")"
}

// gone ends the mirrors of an array of ids.
func (p program) gone(ids, because string) string {
	return "curfew.adopt_gone(" + strings.Join([]string{literal(p.Name), p.actor(), why(because), runID, ids}, ", ") + ")"
}

// inserted mirrors new rows, except sessions that have already ended, such as imported history.
func (p program) inserted() string {
	return `BEGIN
        PERFORM ` + p.adopted("array_agg("+p.row("n")+")") + `
        FROM became n
        WHERE ` + p.there("n") + ` AND ` + p.customer("n") + ` IS NOT NULL AND coalesce(` + p.status("n") + `, '') NOT IN ('completed', 'cancelled')
        HAVING count(*) > 0;`
}

// updated mirrors one row. Ending a session frees its customer's slot, so it also mirrors a session
// of that customer that had to wait for the slot.
func (p program) updated() string {
	return `DECLARE
    before curfew.adopted_row;
    after curfew.adopted_row;
BEGIN
        before := ` + p.row("OLD") + `;
        after := ` + p.row("NEW") + `;
` + p.unlessDeleted("before", "OLD") + p.unlessDeleted("after", "NEW") + `        IF after IS NOT DISTINCT FROM before THEN
            RETURN NULL;
        END IF;
        IF before.customer_id IS NOT NULL AND (after.customer_id IS NULL OR after.adopted_id <> before.adopted_id) THEN
            PERFORM ` + p.gone("ARRAY[before.adopted_id]", "their row is nobody's any more") + `;
        END IF;
        IF after.customer_id IS NOT NULL THEN
            PERFORM ` + p.adopted("ARRAY[after]") + `;
        END IF;
        IF before.status IN ('scheduled', 'waiting', 'live') AND after.status IN ('completed', 'cancelled') THEN
            PERFORM ` + p.adopted("array_agg("+p.row("t")+")") + `
            FROM (SELECT t.* FROM curfew.adoption_findings f JOIN ` + p.Relation + ` t ON ` + p.column("t", p.ID) + ` = f.adopted_id::` + p.idType() + `
                WHERE f.name = ` + literal(p.Name) + ` AND f.code = 'second_open' AND ` + p.there("t") + ` AND ` + p.customer("t") + ` = before.customer_id
                FOR SHARE OF t SKIP LOCKED) t
            HAVING count(*) > 0;
        END IF;`
}

// unlessDeleted clears the customer of a row that counts as deleted, so that it is not mirrored.
func (p program) unlessDeleted(row, alias string) string {
	if p.Deleted == "" {
		return ""
	}
	return "        IF NOT (" + p.there(alias) + ") THEN " + row + ".customer_id := NULL; END IF;\n"
}

// settle ends the customer's overdue rows before a new one is inserted, except rows that others
// hold. Rolling back the INSERT undoes it. Its query can only use the customer's index, whatever
// the planner estimates.
func (p program) settle() string {
	var b strings.Builder
	b.WriteString(`DECLARE
    s curfew.sessions;
    tried uuid[] := '{}';
    earlier text[];
BEGIN
        LOOP
            SELECT o.* INTO s FROM curfew.sessions o
            WHERE o.customer_id = ` + p.customer("NEW") + ` AND o.status IN ` + list(p.settled()) + ` AND o.adopted_from || '' = ` + literal(p.Name) + `
                AND (o.expires_at < now()) IS TRUE AND o.id <> ALL (tried) LIMIT 1;
            EXIT WHEN NOT FOUND OR cardinality(tried) = 10;
            tried := tried || s.id;
`)
	for i, rule := range p.rules {
		b.WriteString(map[bool]string{true: "            IF ", false: "            ELSIF "}[i == 0])
		b.WriteString(stateOf[rule] + " THEN\n" + p.settleBy(rule))
	}
	b.WriteString("            END IF;\n        END LOOP;")
	if len(p.rules) == 0 {
		return "BEGIN\n        NULL;"
	}
	return b.String()
}

// stateOf is the condition on a mirror for the rule that ends its row.
var stateOf = map[curfew.EndReason]string{
	curfew.Expired: "s.status = 'waiting' AND s.mechanic_id IS NULL",
	curfew.NoShow:  "s.status = 'waiting' AND s.mechanic_id IS NOT NULL",
	curfew.Overran: "s.status = 'live'",
	curfew.Missed:  "s.status = 'scheduled'",
}

// settled lists the statuses that the rules end.
func (p program) settled() []string {
	var all []string
	for _, rule := range p.rules {
		status := map[curfew.EndReason]curfew.SessionStatus{curfew.Overran: curfew.Live, curfew.Missed: curfew.Scheduled}[rule]
		if status == "" {
			status = curfew.Waiting
		}
		if !slices.Contains(all, string(status)) {
			all = append(all, string(status))
		}
	}
	return all
}

func (p program) settleBy(rule curfew.EndReason) string {
	condition := p.column("t", p.ID) + " = s.adopted_id::" + p.idType() + " AND " + p.unmoved() + " AND " + p.overdue() + p.notUpserted()
	text := `                PERFORM FROM ` + p.Relation + ` t WHERE ` + condition + ` FOR NO KEY UPDATE SKIP LOCKED;
                CONTINUE WHEN NOT FOUND;
`
	if p.Request != nil {
		text += `                CONTINUE WHEN (SELECT count(*) FROM ` + p.Request.Relation + ` q WHERE ` + p.itsRequests() + `)
                    > (SELECT count(*) FROM (SELECT FROM ` + p.Request.Relation + ` q WHERE ` + p.itsRequests() + ` FOR NO KEY UPDATE SKIP LOCKED) free);
`
	}
	text += `                earlier := ARRAY[current_setting('curfew.actor', true), current_setting('curfew.reason', true), current_setting('curfew.end_reason', true)];
                PERFORM set_config('curfew.actor', 'system:adoption', true), set_config('curfew.reason', '` + string(rule) + `', true),
                    set_config('curfew.end_reason', '` + string(rule) + `', true);
                UPDATE ` + p.Relation + ` t SET ` + p.sets(p.End[rule]).String() + ` WHERE ` + condition + `;
`
	if p.Request != nil {
		text += `                UPDATE ` + p.Request.Relation + ` q SET ` + p.setsRequest(p.requests).String() + ` WHERE ` + p.itsRequests() + `;
`
	}
	return text + `                PERFORM set_config('curfew.actor', earlier[1], true), set_config('curfew.reason', earlier[2], true),
                    set_config('curfew.end_reason', earlier[3], true);
`
}

// notUpserted is the condition that NEW does not collide with row t on a unique key. If it did, the
// INSERT would fail anyway, or would update t itself, which the same command must not have changed
// before.
func (p program) notUpserted() string {
	var b strings.Builder
	for _, columns := range p.keys {
		same := make([]string, len(columns))
		for i, c := range columns {
			same[i] = p.column("t", c) + " = " + p.column("NEW", c)
		}
		b.WriteString(" AND (" + strings.Join(same, " AND ") + ") IS NOT TRUE")
	}
	return b.String()
}

// itsRequests is the condition on the pending requests q of mirror s.
func (p program) itsRequests() string {
	return "q." + name(p.Request.Session) + " = s.adopted_id::" + p.requests.comparable(p.Request.Session) + " AND " + p.pending()
}
