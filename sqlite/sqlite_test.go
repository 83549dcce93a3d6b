package sqlite_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/sqlite"
)

var _ lifecycle.Store = (*sqlite.Store)(nil)

// fresh is a migrated store on a file of its own.
func fresh(t testing.TB) (*sqlite.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "curfew.db")
	return migrated(t, path, sqlite.Options{Create: true}), path
}

func migrated(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s := opened(t, path, o)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func opened(t testing.TB, path string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// admission is a paid admission of a customer.
func admission(customer string) record.Admission {
	session, checkout := newID(), newID()
	return record.Admission{
		Checkout: curfew.Checkout{ID: checkout, CustomerID: customer, Ref: "pay_" + checkout, Plan: "chat10", Amount: 990, Currency: "eur"},
		Session:  curfew.Session{ID: session, CustomerID: customer, CheckoutID: checkout, Plan: "chat10", Kind: curfew.Chat, Duration: 30 * time.Minute},
		Request:  curfew.Request{ID: newID(), SessionID: session, CustomerID: customer, CustomerName: "Ada"},
		Deadline: curfew.Deadline{After: 15 * time.Minute},
		Actor:    curfew.Actor{Role: curfew.Service, ID: "shop"},
		Reason:   "paid",
	}
}

func admit(t testing.TB, s *sqlite.Store, customer string) curfew.Snapshot {
	t.Helper()
	st, err := s.Admit(context.Background(), admission(customer))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// accept gives a session to a mechanic.
func accept(t testing.TB, s *sqlite.Store, st curfew.Snapshot, mechanic string) curfew.Snapshot {
	t.Helper()
	st, err := s.Change(context.Background(), record.Change{
		From: st.Session, To: curfew.Waiting, Reason: "accepted", Actor: curfew.Actor{Role: curfew.Mechanic, ID: mechanic},
		Deadline: curfew.Deadline{After: 30 * time.Minute}, Assign: mechanic, RequestTo: curfew.Accepted,
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// start makes an accepted session live.
func start(t testing.TB, s *sqlite.Store, st curfew.Snapshot) curfew.Snapshot {
	t.Helper()
	st, err := s.Change(context.Background(), record.Change{
		From: st.Session, To: curfew.Live, Reason: "joined", Actor: curfew.Actor{Role: curfew.Customer, ID: st.CustomerID},
		Deadline: curfew.Deadline{After: time.Hour}, CustomerJoins: true, MechanicJoins: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// end cancels a session and credits its checkout.
func end(t testing.TB, s *sqlite.Store, st curfew.Snapshot) {
	t.Helper()
	_, err := s.Change(context.Background(), record.Change{
		From: st.Session, To: curfew.Cancelled, Reason: "over", EndedBy: curfew.ByRequest,
		Actor: curfew.Actor{Role: curfew.Customer, ID: st.CustomerID}, RequestTo: curfew.RequestCancelled, Owed: curfew.Credited,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// beside is another program's connections to the file.
func beside(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path)+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
