package adopt

import (
	"context"
	"crypto/rand"
	"errors"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// market is a database with Curfew's tables, in which an app keeps its sessions, too.
type market struct {
	*testing.T
	url  string
	pool *pgxpool.Pool
}

// helpTable is what the app has, in its own words.
const helpTable = `
	CREATE TABLE public.help (
		id bigserial PRIMARY KEY, customer text, mechanic text, status text NOT NULL DEFAULT 'asked', plan text, minutes integer,
		made_at timestamptz NOT NULL DEFAULT now(), starts_at timestamptz, deadline timestamptz, accepted_at timestamptz,
		started_at timestamptz, ended_at timestamptz, note text);
	CREATE TABLE public.offers (id bigserial PRIMARY KEY, help bigint REFERENCES public.help, state text NOT NULL DEFAULT 'open');`

// help maps it.
func help() mapping.Table {
	return mapping.Table{
		Name: "help", Relation: "public.help", ID: "id", Customer: []string{"customer"},
		Mechanic: mapping.Mechanic{Column: "mechanic"},
		Status: mapping.Status{Column: "status", Words: map[curfew.SessionStatus][]string{
			curfew.Scheduled: {"planned"}, curfew.Waiting: {"asked", "queued"}, curfew.Live: {"running"},
			curfew.Completed: {"done"}, curfew.Cancelled: {"gone", "expired"},
		}},
		Times: mapping.Times{
			Created: "made_at", Starts: []string{"starts_at"}, Accepted: "accepted_at", Started: "started_at", Ended: []string{"ended_at"},
		},
		Deadline: "deadline", Duration: mapping.Duration{Column: "minutes", Unit: "minutes"}, Plan: "plan",
		Request: &mapping.Request{Relation: "public.offers", Session: "help", Status: "state", Pending: []string{"open"}, Expired: "over"},
		End: map[curfew.EndReason]mapping.Ending{
			curfew.Expired: {Status: "expired", Set: map[string]string{"ended_at": mapping.Now, "note": "nobody came"}},
			curfew.NoShow:  {Status: "gone", Set: map[string]string{"ended_at": mapping.Now}},
			curfew.Overran: {Status: "done", Set: map[string]string{"ended_at": mapping.PlannedEnd}},
			curfew.Missed:  {Status: "gone"},
		},
	}
}

func newMarket(t *testing.T, tables string) *market {
	t.Helper()
	url := stores.PostgresMigrated(t)
	pool, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	m := &market{t, url, pool}
	m.exec(tables)
	return m
}

func (m *market) exec(sql string, args ...any) {
	m.Helper()
	if _, err := m.pool.Exec(m.Context(), sql, args...); err != nil {
		m.Fatalf("%s: %v", sql, err)
	}
}

// text is an answer of one value.
func (m *market) text(sql string, args ...any) string {
	m.Helper()
	rows, err := m.pool.Query(m.Context(), sql, args...)
	if err != nil {
		m.Fatal(err)
	}
	text, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[*string])
	if err != nil {
		m.Fatalf("%s: %v", sql, err)
	}
	if text == nil {
		return ""
	}
	return *text
}

// reading compiles a mapping against the table as it is now.
func (m *market) reading(t mapping.Table) reading {
	m.Helper()
	rows, err := m.pool.Query(m.Context(), `SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`, t.Relation)
	if err != nil {
		m.Fatal(err)
	}
	columns := Columns{}
	var column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&column, &kind}, func() error {
		columns[column] = Column{Name: column, Type: kind, Base: kind}
		return nil
	}); err != nil {
		m.Fatal(err)
	}
	return reading{t, curfew.DefaultPolicy(), columns}
}

// role is a new role that may connect, and nothing else.
func (m *market) role() string {
	m.Helper()
	role := "curfew_test_" + strings.ToLower(rand.Text())
	m.exec(`CREATE ROLE ` + role + ` LOGIN`)
	m.Cleanup(func() {
		ctx := context.WithoutCancel(m.Context())
		if conn, err := pgx.Connect(ctx, m.url); err != nil {
			m.Error(err)
		} else {
			_, err = conn.Exec(ctx, `DROP OWNED BY `+role+`; DROP ROLE `+role)
			if err = errors.Join(err, conn.Close(ctx)); err != nil {
				m.Error(err)
			}
		}
	})
	return role
}

// as is the address of the same database for another role.
func (m *market) as(role string) string {
	m.Helper()
	address, err := url.Parse(m.url)
	if err != nil {
		m.Fatal(err)
	}
	query := address.Query()
	query.Set("role", role)
	address.RawQuery = query.Encode()
	return address.String()
}

// hold runs a statement in a transaction that stays open until the function returned is called.
func (m *market) hold(sql string) func() {
	m.Helper()
	tx, err := m.pool.Begin(m.Context())
	if err != nil {
		m.Fatal(err)
	}
	if _, err := tx.Exec(m.Context(), sql); err != nil {
		m.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(m.Context()); err != nil {
			m.Error(err)
		}
	}
}

// newShop is a database without Curfew's tables.
func newShop(t *testing.T, tables string) *market {
	t.Helper()
	address := pgtest.Database(t)
	pool, err := pgxpool.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	m := &market{t, address, pool}
	m.exec(tables)
	return m
}

// dump is their schema and rows as pg_dump writes them, without its random key.
func (m *market) dump() string {
	m.Helper()
	out, err := exec.CommandContext(m.Context(), "pg_dump", "--dbname", m.url, "--schema", "public").Output()
	if err != nil {
		m.Fatal(err)
	}
	lines := slices.DeleteFunc(strings.Split(string(out), "\n"), func(line string) bool {
		return strings.HasPrefix(line, `\restrict`) || strings.HasPrefix(line, `\unrestrict`)
	})
	return strings.Join(lines, "\n")
}

func (m *market) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}
