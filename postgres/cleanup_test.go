package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// badForm ends what is overdue as one would write it at first. After its wait
// for the lock, READ COMMITTED asks nothing but the outer condition again.
const badForm = `UPDATE curfew.sessions SET status = 'cancelled', version = version + 1, ended_at = now(), end_reason = 'expired', expires_at = NULL
	WHERE id IN (SELECT id FROM curfew.sessions WHERE status = 'waiting' AND mechanic_id IS NULL AND expires_at < now())`

// TestLesson04_WhatIsBeingAcceptedNeverEnds is regression test number one: a
// mechanic's acceptance is held open in its transaction while a cleanup looks.
func TestLesson04_WhatIsBeingAcceptedNeverEnds(t *testing.T) {
	t.Parallel()
	unlocked := strings.Replace(endSessions, skipLocked, "", 1)
	if unlocked == endSessions {
		t.Fatal("the statement has no lock to be left out")
	}
	for what, c := range map[string]struct {
		sql   string
		args  func(record.Batch) []any
		waits bool
		ends  int64
	}{
		"End skips a row that somebody holds":                {endSessions, endArgs, false, 0},
		"its outer WHERE alone would keep it from the row":   {unlocked, endArgs, true, 0},
		"a condition in a subquery ends an accepted session": {badForm, func(record.Batch) []any { return nil }, true, 1},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			st := f.late("ada")
			commit := f.holdAcceptance(st)
			n := make(chan int64, 1)
			go func() {
				tag, err := f.store.pool.Exec(t.Context(), c.sql, c.args(batch(st))...)
				if err != nil {
					t.Error(err)
				}
				n <- tag.RowsAffected()
			}()
			if c.waits {
				f.waitForLock()
				commit()
				f.wantEnded(<-n, c.ends)
				return
			}
			f.wantEnded(<-n, c.ends) // it comes back while the row is held
			commit()
			if now := f.read(st.ID); now.Status != curfew.Waiting || now.MechanicID != "max" {
				t.Errorf("the accepted session is %s of mechanic %q", now.Status, now.MechanicID)
			}
		})
	}
}

func (f *fixture) wantEnded(got, want int64) {
	f.Helper()
	if got != want {
		f.Errorf("%d sessions were ended, want %d", got, want)
	}
}

// holdAcceptance accepts a session in a transaction that stays open until it
// is committed.
func (f *fixture) holdAcceptance(st curfew.Snapshot) (commit func()) {
	f.Helper()
	tx, err := f.store.pool.Begin(f.Context())
	f.must(err)
	c := accepting(st, "max")
	var b pgx.Batch
	following := followOf(c)
	queueChange(&b, c)
	following.queue(&b)
	queueEvents(&b, following.events())
	f.must(tx.SendBatch(f.Context(), &b).Close())
	return func() {
		f.Helper()
		f.must(tx.Commit(f.Context()))
	}
}

// waitForLock returns when somebody waits for a row of this database.
func (f *fixture) waitForLock() {
	f.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if f.only(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) != "0" {
			return
		}
	}
	f.Fatal("nobody waits for the held row")
}

// The sweeper's question must not read what has ended, however much there is.
func TestWhatIsOverdueIsAskedOfOneIndex(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.sessions (customer_id, id, status, version, ended_at, end_reason)
		SELECT 'c' || n, gen_random_uuid(), 'cancelled', 1, now(), 'expired' FROM generate_series(1, 20000) n`)
	f.late("ada")
	f.exec("ANALYZE curfew.sessions")
	at, id := since(curfew.Cursor{})
	plan := strings.Join(f.rows("EXPLAIN "+selectOverdue, at, id, 100), "\n")
	if !strings.Contains(plan, "Index Scan using sessions_deadline") {
		t.Errorf("the plan is\n%s", plan)
	}
}

// Nor must a batch read a backlog that it is only a part of.
func TestABatchIsEndedByKey(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`INSERT INTO curfew.sessions (customer_id, id, checkout_id, status, version, created_at, expires_at)
		SELECT 'c' || n, gen_random_uuid(), gen_random_uuid(), 'waiting', 1, now() - interval '1 hour', now() - interval '1 minute'
		FROM generate_series(1, 5000) n`)
	f.exec("ANALYZE curfew.sessions")
	found, err := f.store.Find(t.Context(), record.Search{Limit: 500})
	f.must(err)
	tx, err := f.store.pool.Begin(t.Context())
	f.must(err)
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing was changed
	_, err = tx.Exec(t.Context(), byKey)
	f.must(err)
	rows, _ := tx.Query(t.Context(), "EXPLAIN "+endSessions, endArgs(batch(found...))...)
	lines, err := pgx.CollectRows(rows, value[string])
	f.must(err)
	plan := strings.Join(lines, "\n")
	if strings.Contains(plan, "Seq Scan on sessions") || strings.Contains(plan, "sessions_deadline") || !strings.Contains(plan, "id = k_1.") {
		t.Errorf("the plan is\n%s", plan)
	}
}
