package postgres

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// Whoever may execute a function may attach it to a table of their own, with
// types, casts and operators of their own.
func TestNobodyButTheOwnerMayExecuteAFunction(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.same("open to everybody", f.rows(`SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace = 'curfew'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')`), []string(nil))
	f.same("everybody may make things in", f.rows(`SELECT nspname FROM pg_namespace
		WHERE nspname = 'curfew' AND (has_schema_privilege('public', oid, 'CREATE') OR has_schema_privilege('public', oid, 'USAGE'))`), []string(nil))
	f.same("open tables and sequences", f.rows(`SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'curfew'::regnamespace AND a.grantee = 0 ORDER BY 1`), []string{"outcome_steps", "session_transitions"})
	f.same("tables that everybody may do more than read", f.rows(`SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
		WHERE c.relnamespace = 'curfew'::regnamespace AND a.grantee = 0 AND a.privilege_type <> 'SELECT'`), []string(nil))
	f.same("views, which show what their owner sees", f.rows(`SELECT relname FROM pg_class
		WHERE relnamespace = 'curfew'::regnamespace AND relkind IN ('v', 'm')`), []string(nil))
}

var (
	// The names after these words are of tables.
	namesATable = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|INTO|UPDATE|PERFORM)\s+(\w+(?:\.\w+)?)`)
	// What a function calls its own rows, or what is no table after these words.
	noTable    = regexp.MustCompile(`^(?i:was|became|set|legal|s|loop|new|made|source|coalesce|s\.mechanic_id)$`)
	ownTable   = regexp.MustCompile(`^\s*(?:DECLARE[^;]+;(?:[^;]+;)*?\s*)?BEGIN\s+IF TG_RELID (?:<> 'curfew\.\w+'::regclass|NOT IN \('curfew\.\w+'::regclass(?:, 'curfew\.\w+'::regclass)*\)) THEN\s+RAISE`)
	wantedPath = `search_path=pg_catalog, pg_temp`
)

func TestEveryFunctionIsOfNoUseElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	rows, err := f.store.pool.Query(t.Context(), `SELECT proname, prosrc, prosecdef, prorettype = 'trigger'::regtype, coalesce(proconfig::text, '')
		FROM pg_proc WHERE pronamespace = 'curfew'::regnamespace ORDER BY 1`)
	f.must(err)
	defer rows.Close()
	definers := 0
	for rows.Next() {
		var name, source, config string
		var definer, trigger bool
		f.must(rows.Scan(&name, &source, &definer, &trigger, &config))
		for _, m := range namesATable.FindAllStringSubmatch(source, -1) {
			if !noTable.MatchString(m[1]) && !strings.HasPrefix(m[1], "curfew.") && !strings.HasPrefix(m[1], "pg_catalog.") {
				t.Errorf("%s names %q without its schema", name, m[1])
			}
		}
		if !definer {
			continue
		}
		definers++
		if !strings.Contains(config, wantedPath) {
			t.Errorf("%s has its owner's rights and the path %s", name, config)
		}
		if !trigger {
			t.Errorf("%s has its owner's rights, and is no trigger: its callers have them already", name)
		}
		if !ownTable.MatchString(source) {
			t.Errorf("%s does not refuse another table before it does anything:\n%s", name, source)
		}
	}
	f.must(rows.Err())
	if definers < 8 {
		t.Errorf("%d functions have their owner's rights", definers)
	}
}

// bait is a table of the attacker's own with our columns, each of a type.
const bait = `CREATE TEMP TABLE bait (id %[1]s, customer_id %[1]s, status %[1]s, outcome %[1]s, version %[1]s, checkout_id %[1]s, x int)`

// An attack is what a role that may use the schema can make by itself: a type
// whose cast, operator, comparison or check tells who it is run as.
var attacks = map[string][]string{
	"a cast to json": {
		`CREATE FUNCTION pg_temp.pwn(pg_temp.evil) RETURNS json LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN '{}'; END $$`,
		`CREATE CAST (pg_temp.evil AS json) WITH FUNCTION pg_temp.pwn(pg_temp.evil)`,
		fmt.Sprintf(bait, "pg_temp.evil"),
	},
	"a cast to text": {
		`CREATE FUNCTION pg_temp.pwn(pg_temp.evil) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN 'cancelled'; END $$`,
		`CREATE CAST (pg_temp.evil AS text) WITH FUNCTION pg_temp.pwn(pg_temp.evil) AS IMPLICIT`,
		fmt.Sprintf(bait, "pg_temp.evil"),
	},
	"a cast to a number": {
		`CREATE FUNCTION pg_temp.pwn(pg_temp.evil) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN 1; END $$`,
		`CREATE CAST (pg_temp.evil AS bigint) WITH FUNCTION pg_temp.pwn(pg_temp.evil) AS IMPLICIT`,
		fmt.Sprintf(bait, "pg_temp.evil"),
	},
	"a cast to a uuid": {
		`CREATE FUNCTION pg_temp.pwn(pg_temp.evil) RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN gen_random_uuid(); END $$`,
		`CREATE CAST (pg_temp.evil AS uuid) WITH FUNCTION pg_temp.pwn(pg_temp.evil) AS IMPLICIT`,
		fmt.Sprintf(bait, "pg_temp.evil"),
	},
	"operators": {
		`CREATE FUNCTION pg_temp.pwn(pg_temp.evil, pg_temp.evil) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN true; END $$`,
		`CREATE FUNCTION pg_temp.pwn(pg_temp.evil, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN true; END $$`,
		`CREATE OPERATOR pg_temp.<> (LEFTARG = pg_temp.evil, RIGHTARG = pg_temp.evil, FUNCTION = pg_temp.pwn)`,
		`CREATE OPERATOR pg_temp.= (LEFTARG = pg_temp.evil, RIGHTARG = text, FUNCTION = pg_temp.pwn)`,
		fmt.Sprintf(bait, "pg_temp.evil"),
	},
	"a domain with a check": {
		`CREATE FUNCTION pg_temp.pwn(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN true; END $$`,
		`CREATE DOMAIN pg_temp.checked AS text CHECK (pg_temp.pwn(VALUE))`,
		fmt.Sprintf(bait, "pg_temp.checked"),
	},
	"relations of the temporary schema": {
		`CREATE TEMP TABLE tallies (shard int, noun text, status text, n bigint, PRIMARY KEY (shard, noun, status))`,
		`CREATE FUNCTION pg_temp.pwn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_temp.seen(); RETURN NEW; END $$`,
		`CREATE TRIGGER t BEFORE INSERT ON tallies FOR EACH ROW EXECUTE FUNCTION pg_temp.pwn()`,
		fmt.Sprintf(bait, "text"),
	},
}

// An unprivileged role attaches each of our trigger functions to a table of its
// own. The first time it may not; the second time somebody has given it the
// right to execute them all, and they still do nothing for it.
func TestARoleThatMayUseTheSchemaGainsNothing(t *testing.T) {
	t.Parallel()
	for what, made := range attacks {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			tallies := f.rows(`SELECT * FROM curfew.tallies`)
			a := f.attacker()
			if attached := a.attack(made); attached > 0 {
				t.Errorf("%d triggers were attached to a table of the role's own", attached)
			}
			f.exec(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew TO ` + a.role)
			if attached := a.attack(made); attached == 0 {
				t.Error("no trigger was attached: the attack shows nothing")
			}
			for _, notice := range a.notices {
				t.Errorf("the attacker's code ran: %s", notice)
			}
			f.same("tallies", f.rows(`SELECT * FROM curfew.tallies`), tallies)
			f.same("events", f.rows(`SELECT * FROM curfew.events`), []string(nil))
		})
	}
}

// attacker is a connection of a role that has nothing but the schema's name.
type attacker struct {
	*fixture
	role      string
	conn      *pgx.Conn
	functions []string
	notices   []string // of code that ran as somebody else
}

func (f *fixture) attacker() *attacker {
	f.Helper()
	a := &attacker{fixture: f, role: f.role()}
	a.functions = f.rows(`SELECT proname FROM pg_proc WHERE pronamespace = 'curfew'::regnamespace AND prorettype = 'trigger'::regtype`)
	config, err := pgx.ParseConfig(f.url)
	f.must(err)
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if strings.HasPrefix(n.Message, "as ") {
			a.notices = append(a.notices, n.Message+": "+n.Where)
		}
	}
	a.conn, err = pgx.ConnectConfig(f.Context(), config)
	f.must(err)
	f.Cleanup(func() { _ = a.conn.Close(context.WithoutCancel(f.Context())) })
	a.does(`SET ROLE ` + a.role)
	return a
}

func (a *attacker) does(statements ...string) {
	a.Helper()
	for _, statement := range statements {
		if _, err := a.conn.Exec(a.Context(), statement); err != nil {
			a.Fatalf("%s: %v", statement, err)
		}
	}
}

// tries reports whether a statement went through; its transaction goes on.
func (a *attacker) tries(statement string) bool {
	a.does(`SAVEPOINT try`)
	_, err := a.conn.Exec(a.Context(), statement)
	if err != nil {
		a.does(`ROLLBACK TO try`)
	}
	return err == nil
}

// attack fires every trigger function in every way a trigger can be made, and
// says how many could be attached.
func (a *attacker) attack(made []string) (attached int) {
	for _, function := range a.functions {
		for _, way := range []string{
			`BEFORE INSERT OR UPDATE OR DELETE ON bait FOR EACH ROW`,
			`AFTER INSERT OR UPDATE OR DELETE ON bait FOR EACH ROW`,
			`BEFORE TRUNCATE ON bait`,
			`AFTER INSERT ON bait REFERENCING NEW TABLE AS became FOR EACH STATEMENT`,
			`AFTER UPDATE ON bait REFERENCING OLD TABLE AS was NEW TABLE AS became FOR EACH STATEMENT`,
			`AFTER DELETE ON bait REFERENCING OLD TABLE AS was FOR EACH STATEMENT`,
		} {
			a.does(`BEGIN`, `CREATE TYPE pg_temp.evil AS (x int)`, `CREATE FUNCTION pg_temp.seen() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
				IF current_user <> '`+strings.Trim(a.role, `"`)+`' THEN RAISE WARNING 'as %', current_user; END IF; END $$`)
			a.does(made...)
			a.does(`INSERT INTO bait (x) VALUES (1)`)
			if a.tries(fmt.Sprintf(`CREATE TRIGGER t %s EXECUTE FUNCTION curfew.%s('session', 'id')`, way, function)) {
				attached++
				for _, fire := range []string{
					`INSERT INTO bait DEFAULT VALUES`, `INSERT INTO bait (id, status, outcome, version) VALUES ('(1)', '(1)', '(1)', '(1)')`,
					`INSERT INTO bait (id, status, outcome, version) VALUES ('a', 'cancelled', 'credited', '1')`,
					`UPDATE bait SET x = 2`, `DELETE FROM bait`, `TRUNCATE bait`,
				} {
					a.tries(fire)
				}
			}
			a.does(`ROLLBACK`)
		}
	}
	return attached
}

// A trigger that was attached before the functions were closed does nothing
// either: the upgrade replaces what it calls.
func TestAnUpgradeDisarmsWhatIsAttachedAlready(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA curfew TO PUBLIC`)
	f.exec(`GRANT CREATE ON SCHEMA curfew TO PUBLIC`)
	f.exec(`CREATE TABLE public.bait (LIKE curfew.sessions)`)
	f.exec(`CREATE TRIGGER t BEFORE INSERT ON public.bait FOR EACH ROW EXECUTE FUNCTION curfew.guard_settle()`)
	if err := f.store.Verify(t.Context()); !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "every database role may execute curfew.") ||
		!strings.Contains(err.Error(), " curfew.guard_created(), ") ||
		!strings.Contains(err.Error(), "REVOKE CREATE ON SCHEMA curfew FROM PUBLIC") {
		t.Errorf("Verify says %v", err)
	}
	f.exec(`REVOKE CREATE ON SCHEMA curfew FROM PUBLIC`)
	f.must(f.store.SetGuards(t.Context(), false))
	_, err := f.store.Migrate(t.Context()) // which restores the rights also where there are no guards
	f.must(err)
	f.must(f.store.Verify(t.Context()))
	f.must(f.store.SetGuards(t.Context(), true))
	f.must(f.store.Verify(t.Context()))
	f.exec(`CREATE TRIGGER t BEFORE INSERT ON public.bait FOR EACH ROW EXECUTE FUNCTION curfew.guard_settle()`)
	f.isRefused("this trigger belongs to curfew.sessions", `INSERT INTO public.bait (customer_id, id, status, version) VALUES ('ada', gen_random_uuid(), 'waiting', 0)`)
}
