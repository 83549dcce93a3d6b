package adopt

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// trigger is one of the triggers on an adopted table. Their names come last in the alphabet,
// because triggers fire in this order: theirs have had their say then.
type trigger struct {
	name, does string
	when       string // of CREATE TRIGGER, between the name and the table's, and behind it
	scope      string
}

// No column stands in a WHEN or in a list of columns: it could not be dropped or retyped then.
// Records are compared as they are stored, because not every type knows equality.
var triggers = []trigger{
	{"zz_curfew_mirror_delete", "delete", "AFTER DELETE", "REFERENCING OLD TABLE AS was FOR EACH STATEMENT"},
	{"zz_curfew_mirror_truncate", "truncate", "AFTER TRUNCATE", "FOR EACH STATEMENT"},
	{"zz_curfew_mirror_update", "update", "AFTER UPDATE", "FOR EACH ROW WHEN (OLD *<> NEW)"},
	{"zz_curfew_mirror_insert", "insert", "AFTER INSERT", "REFERENCING NEW TABLE AS became FOR EACH STATEMENT"},
	{"zz_curfew_settle", "settle", "BEFORE INSERT", "FOR EACH ROW"},
}

// failed is the function that keeps what the others could not do as a finding.
const failed = "failed"

// functionsOf are what the names of an adopted table's functions end with.
func functionsOf() []string {
	all := []string{failed}
	for _, tr := range triggers {
		all = append(all, tr.does)
	}
	return all
}

// function is the name of one of the table's functions.
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

// program is the text of a table's functions.
type program struct {
	reading
	oid      uint32 // of the table
	schema   string // of the table
	rules    []curfew.EndReason
	requests Columns
	// keys are the columns of each unique index on the whole table. A row that shares one with a
	// new row is what an upsert is about to change.
	keys [][]string
}

// functions are the statements that create them, or change them: that locks nothing of the
// marketplace's. They act with their owner's rights, so nobody else may call them; a trigger fires
// for whoever writes, all the same.
func (p program) functions() []string {
	all := []string{p.failed(), "REVOKE EXECUTE ON FUNCTION " + function(p.Name, failed) + "(text) FROM PUBLIC"}
	for _, tr := range triggers {
		all = append(all, p.create(tr, p.body(tr.does)), "REVOKE EXECUTE ON FUNCTION "+function(p.Name, tr.does)+"() FROM PUBLIC")
	}
	// Who could attach one to a table of theirs would have it run there with its owner's rights.
	for _, does := range functionsOf() {
		all = append(all, "REVOKE ALL ON ROUTINE "+function(p.Name, does)+" FROM PUBLIC")
	}
	return all
}

// digest tells one text of the functions from another.
func (p program) digest() string {
	text := strings.Join(p.functions(), ";\n")
	for _, tr := range triggers {
		text += ";\n" + tr.create(p.Table)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
}

// create makes a trigger's function, whose body never fails the statement that fires it, but
// for what the application repeats anyway. It has the rights of its owner, so it does nothing
// for any other table. One without a body does nothing at all: that is the switch that needs no lock.
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

// failed is the function that keeps a failure. Nobody waits for another's finding, and one that
// cannot be kept is dropped.
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

// Who writes says so in settings of the transaction; the application says nothing.
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

// inserted mirrors what is new: not the history that somebody imports.
func (p program) inserted() string {
	return `BEGIN
        PERFORM ` + p.adopted("array_agg("+p.row("n")+")") + `
        FROM became n
        WHERE ` + p.there("n") + ` AND ` + p.customer("n") + ` IS NOT NULL AND coalesce(` + p.status("n") + `, '') NOT IN ('completed', 'cancelled')
        HAVING count(*) > 0;`
}

// updated mirrors one row. Who ends a session frees its customer's slot for another of that customer's,
// if there is one that had to wait for it.
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

// unlessDeleted makes a row nobody's that counts as deleted.
func (p program) unlessDeleted(row, alias string) string {
	if p.Deleted == "" {
		return ""
	}
	return "        IF NOT (" + p.there(alias) + ") THEN " + row + ".customer_id := NULL; END IF;\n"
}

// settle ends the customer's overdue rows before a new one is inserted, but for those that somebody
// holds. What it does is undone with the INSERT. Its look can be by the customer's index alone, whatever the planner
// thinks there is.
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

// settled are the statuses that the rules end.
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

// notUpserted is the condition that NEW does not collide with row t for ever: either its INSERT
// fails anyway, or it changes t in the same command, which must not have been changed in it before.
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
