package sqlite_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/curfewhq/curfew/sqlite"
)

// A file that was made between two commits lacks one migration in the middle.
func TestMigrate_AppliesOneThatWasPassedOver(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	db := beside(t, path)
	for _, statement := range []string{
		"DELETE FROM curfew_migrations WHERE version_id = 10", "DROP TABLE unsubscriptions",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var steps []string
	done, err := s.MigrateWith(t.Context(), func(step string, _ int) { steps = append(steps, step) })
	if err != nil || len(done) != 1 || done[0].Number != 10 || len(steps) != 1 || steps[0] != "applying 00010 unsubscriptions" {
		t.Errorf("it applied %v in the steps %q: %v", done, steps, err)
	}
	if err := opened(t, path, sqlite.Options{}).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// behind brings a file to the schema of a migration, with today's guards and whatever else
// another program has put beside them.
func behind(t *testing.T, path string, all []sqlite.Migration, number int64, more ...string) {
	t.Helper()
	guards, err := os.ReadFile("guards.sql")
	if err != nil {
		t.Fatal(err)
	}
	statements := []string{
		"PRAGMA journal_mode = wal",
		"CREATE TABLE curfew_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))",
		"INSERT INTO curfew_migrations (version_id, is_applied) VALUES (0, 1)",
	}
	for _, m := range all {
		if m.Number <= number {
			statements = append(statements, m.SQL, fmt.Sprintf("INSERT INTO curfew_migrations (version_id, is_applied) VALUES (%d, 1)", m.Number))
		}
	}
	db := beside(t, path)
	for _, statement := range append(append(statements, string(guards)), more...) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// The table of checkouts is made anew, with everything that hangs on it.
func TestMigrate_KeepsThePayments(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "curfew.db")
	s := opened(t, path, sqlite.Options{Create: true})
	all, err := s.Migrations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	behind(t, path, all, 12,
		`INSERT INTO checkouts (customer_id, id, ref, plan, amount, currency, email, metadata, outcome, version, session_id, payment_id, note)
			VALUES ('ada', 'c-1', 'cs-1', 'chat10', 990, 'eur', 'Ada@example.org', '{"a":"b"}', 'fulfilled', 1, 's-1', 'pi-1', 'n')`,
		`INSERT INTO checkouts (customer_id, id, plan, outcome, version, retry_until) VALUES ('bob', 'c-2', 'chat10', 'deferred', 1, 7)`,
		`INSERT INTO payment_refs (ref, customer_id, checkout_id, plan) VALUES ('cs-1', 'ada', 'c-1', 'chat10')`,
		`INSERT INTO sessions (customer_id, id, checkout_id, plan, status, version, expires_at) VALUES ('ada', 's-1', 'c-1', 'chat10', 'waiting', 1, 9223372036854775)`,
		`INSERT INTO session_requests (customer_id, id, session_id, status) VALUES ('ada', 'r-1', 's-1', 'pending')`,
		`INSERT INTO events (customer_id, subject_id, number, subject, id, to_status, actor) VALUES ('ada', 's-1', 1, 'session', 'e-1', 'waiting', 'service:shop')`,
		`CREATE VIEW report AS SELECT customer_id, outcome FROM checkouts`,
		`CREATE TRIGGER theirs AFTER DELETE ON mechanic_slots BEGIN UPDATE checkouts SET note = 'free' WHERE customer_id = OLD.customer_id; END`)
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	c, err := s.Checkout(t.Context(), "c-1")
	if err != nil || c.Metadata["a"] != "b" || c.Amount != 990 || c.Line != 1 || c.LineOf != "" || c.PaymentID != "pi-1" || c.Note != "n" {
		t.Errorf("the payment is %+v: %v", c, err)
	}
	if got := must(t, path, "SELECT group_concat(outcome) FROM report"); got != "fulfilled,deferred" {
		t.Errorf("another program's view shows %s", got)
	}
	must(t, path, "UPDATE sessions SET status = 'cancelled' WHERE id = 's-1'") // their guard names the table
	if got := must(t, path, "SELECT money_due FROM checkouts WHERE id = 'c-1'"); got != "1" {
		t.Errorf("the guard of sessions left the money due %s", got)
	}
	must(t, path, "INSERT INTO mechanic_slots (mechanic_id, customer_id, session_id) VALUES ('m', 'bob', 's'); DELETE FROM mechanic_slots")
	must(t, path, "UPDATE checkouts SET outcome = 'void' WHERE id = 'c-2'; UPDATE checkouts SET outcome = 'void' WHERE id = 'c-1'")
	if different, err := s.TallyDifferences(t.Context()); err != nil || len(different) > 0 {
		t.Errorf("the tallies differ: %v, %v", different, err)
	}
}
