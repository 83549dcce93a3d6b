package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/invariant"
	"github.com/curfewhq/curfew/internal/pgtest"
)

// Every schema that there ever was becomes today's while calls come in, and none
// of them fails. On PostgreSQL the last release's writes go on meanwhile, and
// beside two of today's replicas; on SQLite callers wait for the one process.

const upgradeCalls = 60 // of each upgrade, at least

func TestEveryOlderSchemaIsUpgradedUnderLoadOnSQLite(t *testing.T) {
	t.Parallel()
	for _, number := range schemas(t, 0) {
		t.Run(fmt.Sprintf("from %05d", number), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b := behindServe(t, dir, "sqlite:curfew.db")
			b.atSchema(t, "sqlite:curfew.db", number)
			at := "127.0.0.1:" + freePort(t)
			client := clientOf(t, dir, "http://"+at)
			started := make(chan error, 1)
			var p *process
			go func() {
				var err error
				p, err = start(dir, nil, "--listen="+at, "--auth-key-file=curfew.key")
				started <- err
			}()
			until(t.Context(), t, "somebody listens", func() bool {
				conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at)
				return err == nil && conn.Close() == nil
			})
			load := newTraffic(t, 4, "new", client) // it migrates meanwhile
			if err := <-started; err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.kill)
			until(t.Context(), t, "calls are answered", func() bool { return load.calls.Load() > upgradeCalls })
			load.whole(t)
			b.upgraded(t, p.client(t, dir, "admin", "me"))
			if err := p.end(syscall.SIGTERM); err != nil {
				t.Error(err)
			}
			sound(t, "sqlite:"+filepath.Join(dir, "curfew.db"))
		})
	}
}

func TestEveryOlderSchemaIsUpgradedUnderLoadOnPostgreSQL(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	for _, number := range schemas(t, 1) {
		t.Run(fmt.Sprintf("from %05d", number), func(t *testing.T) {
			t.Parallel()
			dir, url := t.TempDir(), pgtest.Database(t)
			env := []string{"CURFEW_DATABASE_URL=" + url}
			b := behindServe(t, dir, url)
			b.atSchema(t, url, number)
			last := b.lastRelease(t, dir, url)
			until(t.Context(), t, "the last release writes", func() bool { return last.calls.Load() > upgradeCalls })
			if out, err := command(dir, env, "migrate"); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			client := clientOf(t, dir, "")
			one := serving(t, dir, env, "--auth-key-file=curfew.key")
			other := serving(t, dir, env, "--auth-key-file=curfew.key")
			client.BaseURL = newBalancer(t, one, other).url
			load := newTraffic(t, 4, "new", client)
			until(t.Context(), t, "calls are answered", func() bool { return load.calls.Load() > upgradeCalls })
			last.whole(t)
			load.whole(t)
			b.upgraded(t, one.client(t, dir, "admin", "me"))
			sound(t, url)
		})
	}
}

// unfilled are the tables without rows in the fixtures, with the reason.
var unfilled = map[string]string{
	"audit_links": aChain, "audit_entries": aChain, "audit_subjects": aChain,
}

const aChain = "the audit log is a chain of digests, which the program makes"

// A migration to come meets rows of every table, as releases of older schemas have left them.
func TestTheFixturesOfOlderSchemasFillEveryTable(t *testing.T) {
	t.Parallel()
	b, all := behindServe(t, t.TempDir(), "sqlite:curfew.db"), schemas(t, everyTurn)
	b.atSchema(t, "sqlite:curfew.db", all[len(all)-1])
	rows, err := b.db.QueryContext(t.Context(), "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }() // it was only read
	var tables []string
	for rows.Next() {
		tables = append(tables, "")
		if err := rows.Scan(&tables[len(tables)-1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if empty := b.count(t, "SELECT count(*) FROM "+table) == 0; empty != (unfilled[table] != "") {
			t.Errorf("%s is empty: %t; testdata/upgrade is to have a row of it", table, empty)
		}
	}
}

// schemas are the numbers of all schemas, today's too. In the short form a store has the first, the last, and every sixth,
// in its turn.
func schemas(t *testing.T, turn int) (numbers []int64) {
	t.Helper()
	all, err := migrationsOfNothing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if !testing.Short() || turn == everyTurn || i%6 == 3*turn || i == 0 || i == len(all)-1 {
			numbers = append(numbers, m.Number)
		}
	}
	return numbers
}

const everyTurn = -1

// fixtureOf names the file with the rows that a schema was the first to have, if it was.
func fixtureOf(number int64) string { return fmt.Sprintf("testdata/upgrade/%05d.sql", number) }

// atSchema makes the schema of a number, with the rows that a release of that
// schema would have left.
func (b shadow) atSchema(t *testing.T, url string, number int64) {
	t.Helper()
	names := "curfew_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))"
	if !strings.HasPrefix(url, "sqlite:") {
		b.exec(t, "CREATE SCHEMA curfew")
		names = "curfew_migrations (id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now())"
	}
	b.exec(t, "CREATE TABLE "+names)
	b.exec(t, "INSERT INTO curfew_migrations (version_id, is_applied) VALUES (0, TRUE)")
	for _, m := range migrationsOfStore(t, url) {
		if m.Number <= number {
			b.exec(t, m.SQL)
			b.exec(t, fmt.Sprintf("INSERT INTO curfew_migrations (version_id, is_applied) VALUES (%d, TRUE)", m.Number))
		}
	}
	for n := range number + 1 {
		text, err := os.ReadFile(fixtureOf(n))
		if err == nil {
			b.exec(t, fixture(string(text), url))
		}
	}
}

func migrationsOfStore(t *testing.T, url string) []migration {
	t.Helper()
	if strings.HasPrefix(url, "sqlite:") {
		all, err := migrationsOfNothing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	s := settings{config.Settings{DatabaseURL: config.DatabaseURL(url)}}
	all, err := s.migrations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var placeholder = regexp.MustCompile(`\{(\w+|-?\d+m)\}`)

// fixture is a file's statements for a store: {table} is a table, {-60m} the
// moment an hour ago.
func fixture(text, url string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		minutes, err := strconv.Atoi(strings.TrimSuffix(strings.Trim(found, "{}"), "m"))
		switch {
		case err != nil:
			return strings.Trim(found, "{}")
		case strings.HasPrefix(url, "sqlite:"):
			return fmt.Sprint(time.Now().Add(time.Duration(minutes) * time.Minute).UnixMicro())
		}
		return fmt.Sprintf("(now() + interval '%d minutes')", minutes)
	})
}

// clientOf calls what will serve at url as the shop.
func clientOf(t *testing.T, dir, url string) *api.Client {
	t.Helper()
	out, err := command(dir, nil, "token", "--auth-key-file=curfew.key", "--role=service", "--subject=shop")
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return &api.Client{BaseURL: url, Token: strings.TrimSpace(out)}
}

// admission is what every release writes for a payment.
var admission = []string{
	`INSERT INTO payment_refs (ref, customer_id, checkout_id, plan) VALUES ('last-' || $1, $1, $2, 'chat10')`,
	`INSERT INTO checkouts (customer_id, id, ref, plan, outcome, version, session_id) VALUES ($1, $2, 'last-' || $1, 'chat10', 'fulfilled', 1, $3)`,
	`INSERT INTO sessions (customer_id, id, checkout_id, plan, status, version, expires_at) VALUES ($1, $3, $2, 'chat10', 'waiting', 1, now() + interval '15 minutes')`,
	`INSERT INTO session_requests (customer_id, id, session_id, status) VALUES ($1, $2, $3, 'pending')`,
	`INSERT INTO events (customer_id, subject_id, number, subject, id, to_status, actor) VALUES ($1, $3, 1, 'session', $2, 'waiting', 'service:shop')`,
	`INSERT INTO events (customer_id, subject_id, number, subject, id, to_status, actor) VALUES ($1, $2, 1, 'checkout', $3, 'fulfilled', 'service:shop')`,
	`UPDATE sessions SET status = 'cancelled', version = version + 1, expires_at = NULL, ended_at = now(), end_reason = 'cancelled' WHERE customer_id = $1 AND status = 'waiting'`,
	`UPDATE session_requests SET status = 'cancelled', ended_at = now() WHERE customer_id = $1 AND status = 'pending'`,
	`UPDATE checkouts SET outcome = 'credited', version = version + 1 WHERE customer_id = $1 AND outcome = 'fulfilled'`,
	`INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor) VALUES ($1, $3, 2, 'session', gen_random_uuid(), 'waiting', 'cancelled', 'service:shop')`,
	`INSERT INTO events (customer_id, subject_id, number, subject, id, from_status, to_status, actor) VALUES ($1, $2, 2, 'checkout', gen_random_uuid(), 'fulfilled', 'credited', 'service:shop')`,
}

// lastRelease writes as a release of an older schema does, within the limits of
// its connections, until it is stopped.
func (b shadow) lastRelease(t *testing.T, dir, url string) *traffic {
	t.Helper()
	limited := behindServe(t, dir, url+"&statement_timeout=5s&lock_timeout=2s")
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	tr := &traffic{}
	var all sync.WaitGroup
	tr.stop = func() { cancel(); all.Wait() }
	t.Cleanup(tr.stop)
	for i := range 2 {
		all.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				tr.count(limited.admit(context.WithoutCancel(ctx), fmt.Sprintf("last-%d-%d", i, k)))
				breathe(ctx)
			}
		})
	}
	return tr
}

func (b shadow) admit(ctx context.Context, customer string) error {
	tx, err := b.db.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // it is committed, or failed
	checkout, session := uuid.NewString(), uuid.NewString()
	for _, statement := range admission {
		args := []any{customer}
		if strings.Contains(statement, "$2") || strings.Contains(statement, "$3") {
			args = append(args, checkout, session)
		}
		if !strings.Contains(statement, "$3") {
			args = args[:min(len(args), 2)]
		}
		statement = strings.NewReplacer("$1", "$1::text", "$2", "$2::uuid", "$3", "$3::uuid").Replace(statement)
		if len(args) == 3 && !strings.Contains(statement, "$2") {
			statement, args = strings.ReplaceAll(statement, "$3", "$2"), []any{customer, session}
		}
		if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return tx.Commit()
}

// upgraded: what was there before is whole, and is gone on with.
func (b shadow) upgraded(t *testing.T, admin *api.Client) {
	t.Helper()
	until(t.Context(), t, "who was overdue is settled", func() bool {
		return b.count(t, "SELECT count(*) FROM checkouts WHERE customer_id = 'ada' AND outcome = 'credited'") == 1
	})
	for what, query := range map[string]string{
		"an accepted session":          "SELECT count(*) FROM sessions WHERE customer_id = 'cyd' AND status = 'waiting' AND mechanic_id = 'max'",
		"a live session":               "SELECT count(*) FROM sessions WHERE customer_id = 'dan' AND status = 'live'",
		"a payment that is given back": "SELECT count(*) FROM checkouts WHERE customer_id = 'jon' AND outcome = 'refund_due' AND refund_amount > 0",
		"a refund":                     "SELECT count(*) FROM checkouts WHERE customer_id = 'kim' AND outcome = 'refunded' AND refund_amount = 2900",
		"an appointment":               "SELECT count(*) FROM sessions WHERE customer_id = 'gus' AND status = 'scheduled'",
	} {
		if b.count(t, query) != 1 {
			t.Errorf("%s is not what it was", what)
		}
	}
	health, err := admin.Health(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, status := range []string{"completed", "cancelled", "live"} {
		if want := b.count(t, "SELECT count(*) FROM sessions WHERE status = '"+status+"'"); health.Sessions.ByStatus[status] != want {
			t.Errorf("health counts %d %s sessions of %d", health.Sessions.ByStatus[status], status, want)
		}
	}
}

// sound: every invariant holds.
func sound(t *testing.T, url string) {
	t.Helper()
	s := settings{config.Settings{DatabaseURL: config.DatabaseURL(url)}}
	db, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }() // it was only read
	for _, check := range invariant.Checks() {
		if rows, first, err := db.Broken(t.Context(), check.SQL); err != nil || rows > 0 {
			t.Errorf("%s: %d rows, the first %s (%v)", check.Name, rows, first, err)
		}
	}
}
