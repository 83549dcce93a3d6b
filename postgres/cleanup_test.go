package postgres

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
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
		args  func(curfew.Batch) []any
		waits bool
		ends  int64
	}{
		"End skips a row that somebody holds":                {endSessions, endArgs, false, 0},
		"its outer WHERE alone would keep it from the row":   {unlocked, endArgs, true, 0},
		"a condition in a subquery ends an accepted session": {badForm, func(curfew.Batch) []any { return nil }, true, 1},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			st := w.late("ada")
			commit := w.holdAcceptance(st)
			n := make(chan int64, 1)
			go func() {
				tag, err := w.store.pool.Exec(t.Context(), c.sql, c.args(batch(st))...)
				if err != nil {
					t.Error(err)
				}
				n <- tag.RowsAffected()
			}()
			if c.waits {
				w.waitForLock()
				commit()
				w.wantEnded(<-n, c.ends)
				return
			}
			w.wantEnded(<-n, c.ends) // it comes back while the row is held
			commit()
			if now := w.read(st.ID); now.Status != curfew.Waiting || now.MechanicID != "max" {
				t.Errorf("the accepted session is %s of mechanic %q", now.Status, now.MechanicID)
			}
		})
	}
}

func (w *world) wantEnded(got, want int64) {
	w.Helper()
	if got != want {
		w.Errorf("%d sessions were ended, want %d", got, want)
	}
}

// holdAcceptance accepts a session in a transaction that stays open until it
// is committed.
func (w *world) holdAcceptance(st curfew.Standing) (commit func()) {
	w.Helper()
	tx, err := w.store.pool.Begin(w.Context())
	w.must(err)
	c := accepting(st, "max")
	var b pgx.Batch
	f := followOf(c)
	queueChange(&b, c)
	f.queue(&b)
	queueEvents(&b, f.events())
	w.must(tx.SendBatch(w.Context(), &b).Close())
	return func() {
		w.Helper()
		w.must(tx.Commit(w.Context()))
	}
}

// waitForLock returns when somebody waits for a row of this database.
func (w *world) waitForLock() {
	w.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		if w.only(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) != "0" {
			return
		}
	}
	w.Fatal("nobody waits for the held row")
}

// The sweeper's question must not read what has ended, however much there is.
func TestWhatIsOverdueIsAskedOfOneIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO curfew.sessions (customer_id, id, status, version, ended_at, end_reason)
		SELECT 'c' || n, gen_random_uuid(), 'cancelled', 1, now(), 'expired' FROM generate_series(1, 20000) n`)
	w.late("ada")
	w.exec("ANALYZE curfew.sessions")
	at, id := behind(curfew.Cursor{})
	plan := strings.Join(w.rows("EXPLAIN "+findOverdue, at, id, 100), "\n")
	if !strings.Contains(plan, "Index Scan using sessions_deadline") {
		t.Errorf("the plan is\n%s", plan)
	}
}

// Nor must a batch read a backlog that it is only a part of.
func TestABatchIsEndedByKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO curfew.sessions (customer_id, id, checkout_id, status, version, created_at, expires_at)
		SELECT 'c' || n, gen_random_uuid(), gen_random_uuid(), 'waiting', 1, now() - interval '1 hour', now() - interval '1 minute'
		FROM generate_series(1, 5000) n`)
	w.exec("ANALYZE curfew.sessions")
	found, err := w.store.Find(t.Context(), curfew.Search{Limit: 500})
	w.must(err)
	tx, err := w.store.pool.Begin(t.Context())
	w.must(err)
	defer tx.Rollback(t.Context()) //nolint:errcheck // nothing was changed
	_, err = tx.Exec(t.Context(), byKey)
	w.must(err)
	rows, _ := tx.Query(t.Context(), "EXPLAIN "+endSessions, endArgs(batch(found...))...)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	w.must(err)
	plan := strings.Join(lines, "\n")
	if strings.Contains(plan, "Seq Scan on sessions") || strings.Contains(plan, "sessions_deadline") || !strings.Contains(plan, "id = k_1.") {
		t.Errorf("the plan is\n%s", plan)
	}
}
