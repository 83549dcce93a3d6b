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

// These are the startup parameters of a connection. PgBouncer accepts forced; of
// the others only those that it is told to ignore. The URL overrides only
// preferred: one that it leaves empty is not sent, and the role's own setting
// counts.
var (
	// preferred: a lock times out before its statement does, and both before the
	// caller does.
	preferred = map[string]string{
		"application_name":                    "curfew",
		"statement_timeout":                   "5s",
		"lock_timeout":                        "2s",
		"idle_in_transaction_session_timeout": "10s",
	}
	// forced are the parameters that change the meaning of the store's statements.
	// In another encoding, names would be changed on their way.
	forced = map[string]string{
		"client_encoding":             "UTF8",
		"datestyle":                   "ISO, MDY",
		"timezone":                    "UTC",
		"standard_conforming_strings": "on",
	}
)

// setting is a parameter that is set after connecting, and only if the other end
// is PostgreSQL itself, not a pooler.
type setting struct {
	name, value string
	choice      bool // the URL may override it
}

var settings = []setting{
	{"default_transaction_isolation", "read committed", false},
	{"default_transaction_deferrable", "off", false},
	{"IntervalStyle", "postgres", false},
	{"bytea_output", "hex", false},
	{"extra_float_digits", "1", false},
	{"search_path", "pg_catalog", true}, // statements qualify every table with its schema
	{"idle_session_timeout", "0", true}, // the pool closes idle connections
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

// Configure gives a pool's configuration the settings that Open uses. Call it
// before creating a pool for New, which refuses connections without the settings
// they need. Timeouts, application_name, search_path and synchronous_commit of the
// configuration are kept.
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
	maps.DeleteFunc(c.RuntimeParams, func(name, value string) bool { return value == "" && preferred[name] != "" })
	maps.Copy(c.RuntimeParams, forced)
	want, asked := wanted(c.RuntimeParams), isSet(c.RuntimeParams, "synchronous_commit")
	settle := settle(want)
	before := c.ValidateConnect
	c.ValidateConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		// A pooler's connection may lead to another server process in the next
		// transaction, so it is only examined. A pooler is recognized by its process
		// id, which is not the server's.
		if err := examine(ctx, conn, fmt.Sprintf(settle, conn.PID()), asked); err != nil || before == nil {
			return err
		}
		return before(ctx, conn)
	}
}

// settle returns the query that sets the settings that differ, if the server
// process has the given id. A synchronous_commit that waits for more than this
// server's disk is kept.
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
	// selectWrong returns the settings that would break Curfew's promises, whatever
	// set them.
	selectWrong = `SELECT w.name, current_setting(w.name), w.value FROM (VALUES ('client_encoding', 'UTF8'), ('default_transaction_isolation', 'read committed'),
			('standard_conforming_strings', 'on'), ('session_replication_role', 'origin'), ('synchronous_commit', 'on')) w (name, value)
		WHERE current_setting(w.name) <> w.value AND (w.name <> 'synchronous_commit' OR current_setting(w.name) = 'off')`
)

// examine checks a new connection in one round trip: runs settle, then checks the
// server's version and the settings. The error is Invalid if waiting cannot help.
func examine(ctx context.Context, conn *pgconn.PgConn, settle string, mayLose bool) error {
	results, err := conn.Exec(ctx, strings.Join([]string{selectVersion, settle, selectWrong}, ";")).ReadAll()
	if len(results) == 0 || len(results[0].Rows) == 0 { // perhaps it does not know server_version_num
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
	return curfew.Errorf(curfew.Invalid, "the database's connections have settings that Curfew cannot work with and cannot change here: %s: "+
		"set them for the database role (ALTER ROLE … SET …), or call postgres.Configure before the pool is made", strings.Join(wrong, "; "))
}

// examined marks a connection that has been examined.
const examined = "curfew: examined"

// accept examines a connection of the embedder's pool before its first use. It
// sets nothing: the pool's owner may rely on the settings.
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

// wrongSettings lists what is wrong with the connections, as Verify reports it.
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
