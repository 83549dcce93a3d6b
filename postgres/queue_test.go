package postgres

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

// A page begins behind what is overdue, however much of it no sweep has ended.
func TestAPageOfTheQueueReadsNothingThatIsOverdue(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.sessions (customer_id, id, checkout_id, status, version, created_at, expires_at)
		SELECT 'c' || n, gen_random_uuid(), gen_random_uuid(), 'waiting', 1, now() - interval '1 hour', now() - interval '45 minutes'
		FROM generate_series(1, 20000) n`)
	fresh := f.admit("ada")
	f.exec("VACUUM ANALYZE curfew.sessions")
	at, id := since(curfew.Cursor{})
	plan := strings.Join(f.rows("EXPLAIN (ANALYZE, COSTS off, TIMING off) "+selectPending, at, id, 50), "\n")
	if !strings.Contains(plan, "Index Scan using sessions_queue") || strings.Contains(plan, "Rows Removed by Filter: ") {
		t.Errorf("the plan is\n%s", plan)
	}
	if page, err := f.store.Pending(t.Context(), curfew.Cursor{}, 50); err != nil || len(page) != 1 || page[0].ID != fresh.ID {
		t.Errorf("the queue is %v (%v)", page, err)
	}
}
