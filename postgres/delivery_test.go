package postgres

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// A claim whose transaction began before the one that has the earlier delivery must not take that one's lease for a wait: it
// would put the next delivery off until the lease ends, and nobody who settles the earlier one would know.
func TestADeliveryNeverWaitsForALease(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.deliveries (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body)
		SELECT 'ada', gen_random_uuid(), gen_random_uuid(), '00000000-0000-0000-0000-000000000001', n, 'mail', 'a', 'b', 'k', '{}'
		FROM generate_series(1, 2) n`)
	first, err := f.store.pool.Begin(t.Context())
	f.must(err)
	claimer := open(t, f.url)
	_, _, err = claimer.Claim(t.Context(), "nothing", 1, time.Minute) // prepares the statement, which would wait for the lock, too
	f.must(err)
	_, err = first.Exec(t.Context(), `LOCK TABLE curfew.deliveries IN ACCESS EXCLUSIVE MODE`)
	f.must(err)
	claimed := make(chan []record.Delivery, 1)
	go func() {
		all, _, err := claimer.Claim(t.Context(), "a", 9, time.Minute)
		if err != nil {
			t.Error(err)
		}
		claimed <- all
	}()
	f.waitForLock()
	_, err = first.Exec(t.Context(), `UPDATE curfew.deliveries SET attempts = 1, next_at = clock_timestamp() + interval '1 minute' WHERE number = 1`)
	f.must(err)
	f.must(first.Commit(t.Context()))
	if all := <-claimed; len(all) != 0 {
		t.Errorf("claimed %v behind one that is under way", all)
	}
	if wait := f.only(`SELECT next_at < clock_timestamp() + interval '2 seconds' FROM curfew.deliveries WHERE number = 2`); wait != "true" {
		t.Error("the second delivery waits until the first one's lease ends")
	}
}
