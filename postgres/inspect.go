package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew/internal/record"
)

const (
	selectServer = `SELECT current_setting('server_version'), current_setting('server_version_num')::int < 140000,
		pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool`
	selectDurability = `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name`
	selectOpenPath   = `SELECT n.nspname::text FROM pg_namespace n
		WHERE n.nspname = ANY (current_schemas(false)) AND has_schema_privilege('public', n.oid, 'CREATE') ORDER BY 1`
	selectInvalid = `SELECT x.oid::regclass::text FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
		WHERE x.relnamespace = to_regnamespace('curfew') AND NOT (i.indisvalid AND i.indisready) ORDER BY 1`
)

// lost describes what a crash may destroy where the setting is off.
var lost = map[string]string{
	"fsync":              "a crash of the machine can destroy the database",
	"full_page_writes":   "a crash of the machine can leave half-written pages",
	"synchronous_commit": "a crash of the server can lose payments that were acknowledged",
}

// Inspect reports the properties that the database's promises depend on, as this
// connection sees them.
func (s schema) Inspect(ctx context.Context) ([]record.Fact, error) {
	facts := make([]record.Fact, 2, 6)
	var old, standby bool
	err := s.read(ctx, func(rows pgx.Rows) error {
		_, err := pgx.ForEachRow(rows, []any{&facts[0].Value, &old, &standby}, func() error { return nil })
		return err
	}, selectServer)
	if err != nil {
		return nil, wrap(err, "inspect the server")
	}
	facts[0].Name, facts[1] = "PostgreSQL", record.Fact{Name: "writable", Value: "yes"}
	if old {
		facts[0].Problem, facts[0].Fix = "it is too old", "upgrade to PostgreSQL 14 or newer"
	}
	if standby {
		facts[1] = record.Fact{Name: "writable", Value: "no", Problem: "a standby, or a role that may only read, keeps no session", Fix: "name the primary in --database-url"}
	}
	durable, err := many(ctx, s.db, durability, selectDurability)
	if err != nil {
		return nil, wrap(err, "inspect the settings")
	}
	invalid, err := many(ctx, s.db, value[string], selectInvalid)
	if err != nil {
		return nil, wrap(err, "inspect the indexes")
	}
	facts = append(append(facts, durable...), validity(invalid))
	path, err := many(ctx, s.db, value[string], selectOpenPath)
	if err != nil {
		return nil, wrap(err, "inspect the search path")
	}
	encoding, err := one(ctx, s.db, value[string], `SELECT current_setting('server_encoding')`)
	if err != nil {
		return nil, wrap(err, "inspect the encoding")
	}
	facts = append(append(facts, encoded(encoding)), shadowed(path)...)
	limits, err := many(ctx, s.db, limit, selectTimeouts)
	if err != nil {
		return nil, wrap(err, "inspect the timeouts")
	}
	between, err := pooled(ctx, s.db)
	if err != nil {
		return nil, wrap(err, "inspect the connection")
	}
	open, err := s.access(ctx)
	return append(append(append(facts, limits...), between...), open...), err
}

// pooled says what a pooler between Curfew and the server costs. It is recognized by its process id, which is not the server's.
func pooled(ctx context.Context, d *db) (facts []record.Fact, err error) {
	err = d.pool.with(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		var pid uint32
		if err := conn.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil || pid == conn.Conn().PgConn().PID() {
			return err
		}
		facts = []record.Fact{{
			Name: "pooler", Value: "stands before the database: in transaction mode, what other replicas do is found by polling, a little later, and `curfew migrate` needs another address",
		}}
		return nil
	})
	return facts, translate(err)
}

// whatUnlimitedCosts says what a timeout that is off costs. A call ends after ten seconds in any case, for whoever waits for it: it is the server that goes on.
var whatUnlimitedCosts = map[string]string{
	"statement_timeout":                   "the server goes on with a statement that nobody waits for any more",
	"lock_timeout":                        "who waits for a lock waits as long as the whole call may take",
	"idle_in_transaction_session_timeout": "a process that died in a transaction keeps its locks until the connection is found to be dead",
}

const selectTimeouts = `SELECT name, current_setting(name), quote_ident(current_user) FROM unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) name
	WHERE current_setting(name) = '0'`

// limit is a timeout that neither the connection nor the role has.
func limit(r row) (f record.Fact, err error) {
	var role string
	if err = r.Scan(&f.Name, &f.Value, &role); err == nil {
		f.Problem, f.Fix = whatUnlimitedCosts[f.Name], "ALTER ROLE "+role+" SET "+f.Name+" = '"+preferred[f.Name]+"'"
	}
	return f, err
}

func encoded(encoding string) record.Fact {
	f := record.Fact{Name: "server_encoding", Value: encoding}
	if encoding != "UTF8" {
		f.Problem = "it lacks characters: a payment is refused whose customer's name or address has one of them"
		f.Fix = "move into a new database: curfew preflight --backup DIR, CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, curfew restore DIR"
	}
	return f
}

// shadowed: PostgreSQL 14 lets everybody put functions and operators into
// schema public, where a statement may find them in place of its own.
func shadowed(path []string) []record.Fact {
	if len(path) == 0 {
		return nil
	}
	return []record.Fact{{
		Name: "search_path", Value: strings.Join(path, ", "), Problem: "every database role may put functions there that this one's statements would call",
		Fix: "REVOKE CREATE ON SCHEMA " + strings.Join(path, ", ") + " FROM PUBLIC",
	}}
}

func durability(r row) (f record.Fact, err error) {
	if err = r.Scan(&f.Name, &f.Value); err == nil && f.Value == "off" {
		f.Problem, f.Fix = lost[f.Name], "ALTER SYSTEM SET "+f.Name+" = on; SELECT pg_reload_conf(), unless it is set for the role or the database (ALTER ROLE, ALTER DATABASE)"
	}
	return f, err
}

func validity(invalid []string) record.Fact {
	if len(invalid) == 0 {
		return record.Fact{Name: "indexes", Value: "all valid"}
	}
	return record.Fact{
		Name: "indexes", Value: "invalid: " + strings.Join(invalid, ", "),
		Problem: "the database does not use them, and a unique one keeps nothing unique",
		Fix:     "REINDEX INDEX " + strings.Join(invalid, "; REINDEX INDEX "),
	}
}
