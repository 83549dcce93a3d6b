package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// The books find the rest of a payment by its keys, whatever the planner thinks of the tables:
// reading one of them whole, for every part, would take hours.
func TestTheBooksAreReadByKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.payment_facts (payment, provider, account, kind, object, state, at)
		SELECT gen_random_uuid(), 'stripe', '', 'attempt', 'ch', 'captured', now() FROM generate_series(1, 20000) n`)
	f.exec("ANALYZE curfew.payment_facts")
	to := time.Now()
	for statement, want := range map[string]struct {
		args  []any
		scans []string
	}{
		selectBooked: {
			[]any{lowestID, highestID, to.AddDate(0, -1, 0), to},
			[]string{"checkouts_id on checkouts c", "payment_facts_pkey", "checkouts_lines", "payment_repayments_pkey"},
		},
		selectThen: {[]any{[]string{lowestID}, to.AddDate(0, -1, 0), to}, []string{"checkouts_id on checkouts c", "events_pkey"}},
	} {
		plan := f.planByKey(statement, want.args...)
		for _, scan := range append(want.scans, "Index Scan") {
			if !strings.Contains(plan, scan) {
				t.Errorf("%q is missing", scan)
			}
		}
		if strings.Contains(plan, "Seq Scan") || strings.Contains(plan, "hashed") || t.Failed() {
			t.Errorf("the plan is\n%s", plan)
		}
	}
}

// planByKey is the plan of a statement that is read by key.
func (f *fixture) planByKey(sql string, args ...any) string {
	f.Helper()
	tx, err := f.store.pool.Begin(f.Context())
	f.must(err)
	defer tx.Rollback(f.Context()) //nolint:errcheck // nothing was changed
	_, err = tx.Exec(f.Context(), byKey)
	f.must(err)
	rows, _ := tx.Query(f.Context(), "EXPLAIN "+sql, args...)
	lines, err := pgx.CollectRows(rows, value[string])
	f.must(err)
	return strings.Join(lines, "\n")
}
