package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
)

// What a connection sends when it begins, and poolers know: PgBouncer refuses
// every other parameter. The URL has its way with preferred alone.
var (
	// preferred: a lock that does not come is given up before the statement is, and
	// both before a caller does.
	preferred = map[string]string{
		"application_name":                    "curfew",
		"statement_timeout":                   "5s",
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "10s",
	}
	// forced is what the store's statements mean something else without. In another
	// encoding a name is another name each time it passes.
	forced = map[string]string{
		"client_encoding":             "UTF8",
		"datestyle":                   "ISO, MDY",
		"timezone":                    "UTC",
		"standard_conforming_strings": "on",
	}
)

// setting is one that is set once the connection stands, where nothing but
// PostgreSQL is at its other end.
type setting struct {
	name, value string
	choice      bool // the URL may say otherwise
}

var settings = []setting{
	{"default_transaction_isolation", "read committed", false},
	{"default_transaction_deferrable", "off", false},
	{"IntervalStyle", "postgres", false},
	{"bytea_output", "hex", false},
	{"extra_float_digits", "1", false},
	{"search_path", "pg_catalog", true}, // every table is written with its schema
	{"idle_session_timeout", "0", true}, // the pool closes what is idle
	{"transaction_timeout", "0", true},  // each statement has one
	{"synchronous_commit", "on", true},
}

// wanted returns the settings that a configuration leaves to Curfew.
func wanted(params map[string]string) []setting {
	return slices.DeleteFunc(slices.Clone(settings), func(s setting) bool { return s.choice && isSet(params, s.name) })
}

func isSet(params map[string]string, name string) bool {
	for n := range params {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}

// Configure gives a pool the settings that Open's has, before it is made: New
// refuses to work over one whose connections lack what they need. What the
// configuration says of timeouts, application_name, search_path and
// synchronous_commit stays.
func Configure(config *pgxpool.Config) {
	c := config.ConnConfig
	maps.DeleteFunc(c.RuntimeParams, func(name, _ string) bool {
		return isSet(forced, name) || slices.ContainsFunc(settings, func(s setting) bool { return !s.choice && strings.EqualFold(s.name, name) })
	})
	for name, value := range preferred {
		if !isSet(c.RuntimeParams, name) {
			c.RuntimeParams[name] = value
		}
	}
	maps.Copy(c.RuntimeParams, forced)
	want, asked := wanted(c.RuntimeParams), isSet(c.RuntimeParams, "synchronous_commit")
	settle := settle(want)
	before := c.ValidateConnect
	c.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		// A pooler's connection is another server's in the next transaction, so it is
		// only looked at. It is known by the number it gives for the server's process.
		if err := examine(ctx, conn, fmt.Sprintf(settle, conn.PID()), asked); err != nil || before == nil {
			return err
		}
		return before(ctx, conn)
	}
}

// settle sets what is different in the process of a number. Whoever wants a
// commit to wait for more than this server's disk may.
func settle(want []setting) string {
	rows := make([]string, len(want))
	for i, s := range want {
		rows[i] = fmt.Sprintf("('%s', '%s')", s.name, s.value)
	}
	return `SELECT set_config(w.name, w.value, false) FROM (VALUES ` + strings.Join(rows, ", ") + `) w (name, value)
		WHERE pg_backend_pid() = %d AND current_setting(w.name, true) <> w.value AND (w.name <> 'synchronous_commit' OR current_setting(w.name) = 'off')`
}

const (
	selectVersion = `SELECT version(), current_setting('server_version_num')`
	// selectWrong is what makes Curfew's promises empty, however it came to be.
	selectWrong = `SELECT w.name, current_setting(w.name), w.value FROM (VALUES ('client_encoding', 'UTF8'), ('default_transaction_isolation', 'read committed'),
			('standard_conforming_strings', 'on'), ('session_replication_role', 'origin'), ('synchronous_commit', 'on')) w (name, value)
		WHERE current_setting(w.name) <> w.value AND (w.name <> 'synchronous_commit' OR current_setting(w.name) = 'off')`
)

// examine looks at a connection before it is used for anything, in one round
// trip: what is at its other end, and how it is set, after settle if there is
// any. The error is Invalid for what no waiting mends.
func examine(ctx context.Context, conn *pgconn.PgConn, settle string, mayLose bool) error {
	results, err := conn.Exec(ctx, strings.Join([]string{selectVersion, settle, selectWrong}, ";")).ReadAll()
	if len(results) == 0 || len(results[0].Rows) == 0 { // perhaps it does not even know the question
		results, _ = conn.Exec(ctx, `SELECT version()`).ReadAll()
	}
	if len(results) > 0 && len(results[0].Rows) > 0 {
		if err := suits(results[0].Rows[0]); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	var wrong []string
	for _, row := range results[len(results)-1].Rows {
		if name := string(row[0]); name != "synchronous_commit" || !mayLose {
			wrong = append(wrong, fmt.Sprintf("%s is '%s' and must be '%s'", name, row[1], row[2]))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return curfew.Errorf(curfew.Invalid, "the database's connections have settings that Curfew cannot work with, and cannot change here: %s: "+
		"set them for the database role (ALTER ROLE … SET …), or call postgres.Configure before the pool is made", strings.Join(wrong, "; "))
}

// examined marks a connection that was looked at.
const examined = "curfew: examined"

// accept looks at a connection of somebody else's pool when it is used first.
// Setting anything on it would change what its owner relies on.
func (p *pool) accept(ctx context.Context, conn *pgconn.PgConn) error {
	if !p.foreign || conn.CustomData()[examined] == true {
		return nil
	}
	err := examine(ctx, conn, `SELECT`, isSet(p.Config().ConnConfig.RuntimeParams, "synchronous_commit"))
	if err == nil {
		conn.CustomData()[examined] = true
	}
	return err
}

// wrongSettings lists what is wrong with the connections, in Verify's words.
func (s schema) wrongSettings(ctx context.Context) ([]string, error) {
	var refused *curfew.Error
	err := s.pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		return examine(ctx, conn.Conn().PgConn(), `SELECT`, isSet(s.pool.Config().ConnConfig.RuntimeParams, "synchronous_commit"))
	})
	if errors.As(err, &refused) {
		return []string{refused.Message}, nil
	}
	return nil, translate(err)
}
