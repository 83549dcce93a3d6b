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
)

// world is a test's own database with a store on it.
type world struct {
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
	text := guardsSQL
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

func newWorld(t *testing.T) *world {
	t.Helper()
	url := migrated(t)
	return &world{t, url, open(t, url)}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("unexpected error of kind %s: %v", curfew.KindOf(err), err)
	}
}

// exec runs a statement behind the store's back.
func (w *world) exec(sql string, args ...any) {
	w.Helper()
	if _, err := w.store.pool.Exec(w.Context(), sql, args...); err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
}

// rows is a query's result, a line a row.
func (w *world) rows(sql string, args ...any) []string {
	w.Helper()
	rows, _ := w.store.pool.Query(w.Context(), sql, args...)
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (string, error) {
		values, err := row.Values()
		return strings.Trim(fmt.Sprintln(values...), "\n"), err
	})
	if err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return lines
}

// only is the one line of a query.
func (w *world) only(sql string, args ...any) string {
	w.Helper()
	lines := w.rows(sql, args...)
	if len(lines) != 1 {
		w.Fatalf("%s: %d rows", sql, len(lines))
	}
	return lines[0]
}

var shop = curfew.Actor{Role: curfew.Service, ID: "shop"}

// admission is a paid one that waits for a quarter of an hour.
func admission(customer string) curfew.Admission {
	checkout, session, request := newID(), newID(), newID()
	return curfew.Admission{
		Checkout: curfew.Checkout{ID: checkout, CustomerID: customer, Ref: "ref-" + checkout, Plan: "chat10", Amount: 999, Currency: "eur"},
		Session: curfew.Session{
			ID: session, CustomerID: customer, CheckoutID: checkout, Plan: "chat10", Kind: curfew.Chat, Duration: 30 * time.Minute,
		},
		Request:  curfew.Request{ID: request, SessionID: session, CustomerID: customer, CustomerName: "Ada"},
		Deadline: curfew.Deadline{After: 15 * time.Minute},
		Actor:    shop, Reason: "paid",
	}
}

func (w *world) admit(customer string) curfew.Standing {
	w.Helper()
	st, err := w.store.Admit(w.Context(), admission(customer))
	w.must(err)
	return st
}

// late is a waiting session past its deadline.
func (w *world) late(customer string) curfew.Standing {
	w.Helper()
	st := w.admit(customer)
	w.age(st.ID, time.Hour)
	return w.read(st.ID)
}

func (w *world) age(id string, by time.Duration) {
	w.Helper()
	w.exec(`UPDATE curfew.sessions SET created_at = created_at - $2::interval, expires_at = expires_at - $2,
		accepted_at = accepted_at - $2, started_at = started_at - $2 WHERE id = $1`, id, by)
}

func (w *world) read(id string) curfew.Standing {
	w.Helper()
	st, err := w.store.Session(w.Context(), id)
	w.must(err)
	return st
}

func accepting(st curfew.Standing, mechanic string) curfew.Change {
	return curfew.Change{
		From: st.Session, To: curfew.Waiting, Reason: "accepted", Actor: curfew.Actor{Role: curfew.Mechanic, ID: mechanic},
		Deadline: curfew.Deadline{After: 30 * time.Minute}, Assign: mechanic, RequestTo: curfew.Accepted,
	}
}

func (w *world) accept(st curfew.Standing, mechanic string) curfew.Standing {
	w.Helper()
	st, err := w.store.Change(w.Context(), accepting(st, mechanic))
	w.must(err)
	return st
}

func (w *world) start(st curfew.Standing) curfew.Standing {
	w.Helper()
	st, err := w.store.Change(w.Context(), curfew.Change{
		From: st.Session, To: curfew.Live, Reason: "both joined", Actor: shop,
		Deadline: curfew.Deadline{After: 45 * time.Minute}, CustomerJoins: true, MechanicJoins: true,
	})
	w.must(err)
	return st
}

func ending(st curfew.Standing, to curfew.SessionStatus, reason curfew.EndReason) curfew.Change {
	c := curfew.Change{
		From: st.Session, To: to, Reason: string(reason), EndedBy: reason, Actor: shop,
		RequestTo: curfew.RequestCompleted, Owed: curfew.Fulfilled,
	}
	if to == curfew.Cancelled {
		c.RequestTo, c.Owed = curfew.RequestCancelled, curfew.Credited
	}
	return c
}

// batch ends sessions by the rule that is theirs.
func batch(all ...curfew.Standing) curfew.Batch {
	rule, _ := curfew.RuleFor(all[0])
	b := curfew.Batch{Rule: rule, Actor: curfew.Sweeper, RunID: newID()}
	for _, st := range all {
		b.Endings = append(b.Endings, curfew.Ending{
			CustomerID: st.CustomerID, SessionID: st.ID, Version: st.Version, Reason: rule.Reason, Owed: curfew.Credited,
		})
	}
	return b
}

// configured is a pool of the test's own making.
func (w *world) configured(change func(*pgxpool.Config)) *Store {
	w.Helper()
	config, err := pgxpool.ParseConfig(w.url)
	w.must(err)
	change(config)
	pool, err := pgxpool.NewWithConfig(w.Context(), config)
	w.must(err)
	w.Cleanup(pool.Close)
	return New(pool)
}
