package sqlite_test

import (
	"strings"
	"testing"
)

// Whoever may write the file may put a trigger into it, which runs in Curfew's
// process. It gets no function that could reach outside the file.
func TestTrust_ATriggerOfAnotherProgramReachesNothingOutsideTheFile(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	must(t, path, `CREATE TRIGGER evil AFTER INSERT ON sessions BEGIN SELECT load_extension('/nowhere/evil.so'); END`)
	_, err := s.Admit(t.Context(), admission("ada"))
	if err == nil || !strings.Contains(err.Error(), "unsafe use of load_extension()") {
		t.Errorf("the trigger ran: %v", err)
	}
	must(t, path, `DROP TRIGGER evil; CREATE VIEW evil AS SELECT load_extension('/nowhere/evil.so')`)
	if _, _, err := s.Broken(t.Context(), `SELECT * FROM evil`); err == nil || !strings.Contains(err.Error(), "unsafe use of load_extension()") {
		t.Errorf("the view was read: %v", err)
	}
}

// counted compares the tallies with the rows.
func counted(t *testing.T, path string) {
	t.Helper()
	wrong := must(t, path, `SELECT t.noun, t.status, t.n, r.n FROM tallies t LEFT JOIN (
		SELECT 'session' AS noun, status, count(*) AS n FROM sessions GROUP BY status
		UNION ALL SELECT 'request', status, count(*) FROM session_requests GROUP BY status
		UNION ALL SELECT 'checkout', outcome, count(*) FROM checkouts WHERE outcome <> 'fulfilled' GROUP BY outcome
		UNION ALL SELECT 'checkout', 'fulfilled', (SELECT count(*) FROM checkouts WHERE outcome = 'fulfilled') - (SELECT count(*) FROM sessions)
	) r ON r.noun = t.noun AND r.status = t.status WHERE t.n <> coalesce(r.n, 0)`)
	if wrong != "" {
		t.Errorf("tallies that are not the rows': %s", wrong)
	}
}

// Another program may trust the schema as little: the guards call nothing that
// it would refuse.
func TestTrust_TheGuardsRunWhereTheSchemaIsNotTrusted(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := accept(t, s, admit(t, s, "ada"), "max")
	const wary = `PRAGMA trusted_schema = OFF; `
	must(t, path, wary+`UPDATE sessions SET status = 'cancelled' WHERE customer_id = 'ada'; `+insert("ada", newID()))
	must(t, path, wary+`UPDATE sessions SET status = 'live' WHERE status = 'waiting'; UPDATE checkouts SET outcome = 'refunded'`)
	if got := history(t, path, st.ID); !strings.HasSuffix(got, "3 waiting>cancelled system:foreign another program") {
		t.Errorf("the session's history is %s", got)
	}
	if got := history(t, path, st.CheckoutID); !strings.HasSuffix(got, "2 fulfilled>refunded system:foreign another program") {
		t.Errorf("the payment's history is %s", got)
	}
	counted(t, path)
}

// DELETE without WHERE takes every row at once only where no trigger counts.
func TestTrust_DeletingEverythingIsCounted(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	for _, customer := range []string{"ada", "bob"} {
		admit(t, s, customer)
	}
	must(t, path, `UPDATE sessions SET status = 'cancelled'; UPDATE checkouts SET outcome = 'refunded'`)
	must(t, path, `DELETE FROM session_requests; DELETE FROM sessions; DELETE FROM checkouts`)
	counted(t, path)
	if got := must(t, path, `SELECT sum(n) FROM tallies`); got != "0" {
		t.Errorf("the tallies count %s of nothing", got)
	}
}
