package postgres

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/record"
)

// fixture is a test's own database with a store on it.
type fixture struct {
	*testing.T
	url   string
	store *Store
}

// template is the name of the migrated database that every test's is a copy of.
func template(t testing.TB) string {
	t.Helper()
	all, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	text := guards
	for _, m := range all {
		text += m.SQL
	}
	return fmt.Sprintf("postgres %x", sha256.Sum256([]byte(text)))
}

// migrated is the URL of a fresh database with schema and guards.
func migrated(t testing.TB) string {
	t.Helper()
	return pgtest.Template(t, template(t), func(url string) error {
		s, err := Open(t.Context(), url)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Migrate(t.Context())
		return err
	})
}

func open(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	url := migrated(t)
	return &fixture{t, url, open(t, url)}
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatalf("unexpected error of kind %s: %v", curfew.KindOf(err), err)
	}
}

// exec runs a statement behind the store's back.
func (f *fixture) exec(sql string, args ...any) {
	f.Helper()
	if _, err := f.store.pool.Exec(f.Context(), sql, args...); err != nil {
		f.Fatalf("%s: %v", sql, err)
	}
}

// rows is a query's result, a line a row.
func (f *fixture) rows(sql string, args ...any) []string {
	f.Helper()
	rows, _ := f.store.pool.Query(f.Context(), sql, args...)
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.Trim(fmt.Sprintln(values...), "\n"), err
	})
	if err != nil {
		f.Fatalf("%s: %v", sql, err)
	}
	return lines
}

// only is the one line of a query.
func (f *fixture) only(sql string, args ...any) string {
	f.Helper()
	lines := f.rows(sql, args...)
	if len(lines) != 1 {
		f.Fatalf("%s: %d rows", sql, len(lines))
	}
	return lines[0]
}

var shop = curfew.Actor{Role: curfew.Service, ID: "shop"}

// admission is a paid one that waits for a quarter of an hour.
func admission(customer string) record.Admission {
	checkout, session, request := newID(), newID(), newID()
	return record.Admission{
		Checkout: curfew.Checkout{ID: checkout, CustomerID: customer, Ref: "ref-" + checkout, Plan: "chat10", Amount: 999, Currency: "eur"},
		Session: curfew.Session{
			ID: session, CustomerID: customer, CheckoutID: checkout, Plan: "chat10", Kind: curfew.Chat, Duration: 30 * time.Minute,
		},
		Request:  curfew.Request{ID: request, SessionID: session, CustomerID: customer, CustomerName: "Ada"},
		Deadline: curfew.Deadline{After: 15 * time.Minute},
		Actor:    shop, Reason: "paid",
	}
}

func (f *fixture) admit(customer string) curfew.Snapshot {
	f.Helper()
	st, err := f.store.Admit(f.Context(), admission(customer))
	f.must(err)
	return st
}

// late is a waiting session past its deadline.
func (f *fixture) late(customer string) curfew.Snapshot {
	f.Helper()
	st := f.admit(customer)
	f.age(st.ID, time.Hour)
	return f.read(st.ID)
}

func (f *fixture) age(id string, by time.Duration) {
	f.Helper()
	f.exec(`UPDATE curfew.sessions SET created_at = created_at - $2::interval, expires_at = expires_at - $2,
		accepted_at = accepted_at - $2, started_at = started_at - $2 WHERE id = $1`, id, by)
}

func (f *fixture) read(id string) curfew.Snapshot {
	f.Helper()
	st, err := f.store.Session(f.Context(), id)
	f.must(err)
	return st
}

func accepting(st curfew.Snapshot, mechanic string) record.Change {
	return record.Change{
		From: st.Session, To: curfew.Waiting, Reason: "accepted", Actor: curfew.Actor{Role: curfew.Mechanic, ID: mechanic},
		Deadline: curfew.Deadline{After: 30 * time.Minute}, Assign: mechanic, RequestTo: curfew.Accepted,
	}
}

func (f *fixture) accept(st curfew.Snapshot, mechanic string) curfew.Snapshot {
	f.Helper()
	st, err := f.store.Change(f.Context(), accepting(st, mechanic))
	f.must(err)
	return st
}

func (f *fixture) start(st curfew.Snapshot) curfew.Snapshot {
	f.Helper()
	st, err := f.store.Change(f.Context(), record.Change{
		From: st.Session, To: curfew.Live, Reason: "both joined", Actor: shop,
		Deadline: curfew.Deadline{After: 45 * time.Minute}, CustomerJoins: true, MechanicJoins: true,
	})
	f.must(err)
	return st
}

func endChange(st curfew.Snapshot, to curfew.SessionStatus, reason curfew.EndReason) record.Change {
	c := record.Change{
		From: st.Session, To: to, Reason: string(reason), EndedBy: reason, Actor: shop,
		RequestTo: curfew.RequestCompleted, Owed: curfew.Fulfilled,
	}
	if to == curfew.Cancelled {
		c.RequestTo, c.Owed = curfew.RequestCancelled, curfew.Credited
	}
	return c
}

// batch ends sessions by the rule that is theirs.
func batch(all ...curfew.Snapshot) record.Batch {
	rule, _ := record.RuleFor(all[0], record.Terms{})
	b := record.Batch{Rule: rule, Actor: curfew.Sweeper, RunID: newID()}
	for _, st := range all {
		b.Ends = append(b.Ends, record.PlannedEnd{
			CustomerID: st.CustomerID, SessionID: st.ID, Version: st.Version, Reason: rule.Reason, Owed: curfew.Credited,
		})
	}
	return b
}

// configured is a pool of the test's own making.
func (f *fixture) configured(change func(*pgxpool.Config)) *Store {
	f.Helper()
	config, err := pgxpool.ParseConfig(f.url)
	f.must(err)
	change(config)
	pool, err := pgxpool.NewWithConfig(f.Context(), config)
	f.must(err)
	f.Cleanup(pool.Close)
	return New(pool)
}
