package postgres

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// mirror writes the mirror of a row, as the triggers on its table do, and returns its session.
// The deadline is so far ahead, or behind.
func (f *fixture) mirror(source, id, customer string, status curfew.SessionStatus, mechanic string, deadline time.Duration) curfew.Snapshot {
	f.Helper()
	f.exec(adoptRow, source, id, status, customer, null(mechanic), deadline)
	return f.read(f.only(`SELECT id::text FROM curfew.sessions WHERE adopted_from = $1 AND adopted_id = $2 ORDER BY adopted_generation DESC LIMIT 1`, source, id))
}

const adoptRow = `SELECT curfew.adopt($1, 'service:' || $1, 'their row', NULL, NULL, ARRAY[jsonb_populate_record(NULL::curfew.adopted_row,
	jsonb_build_object('adopted_id', $2::text, 'word', $3::text, 'status', $3::text, 'customer_id', $4::text, 'mechanic_id', $5::text,
		'created_at', now() - interval '2 hours', 'starts_at', now() - interval '1 hour', 'expires_at', now() + $6::interval))])`

// theirs is mirrors of one table, overdue, in every status.
func (f *fixture) theirs() []curfew.Snapshot {
	f.Helper()
	return []curfew.Snapshot{
		f.mirror("bookings", "1", "ann", curfew.Waiting, "", -time.Hour),
		f.mirror("bookings", "2", "bob", curfew.Waiting, "mia", -time.Hour),
		f.mirror("bookings", "3", "cat", curfew.Live, "max", -time.Hour),
		f.mirror("bookings", "4", "dan", curfew.Scheduled, "", -time.Minute),
	}
}

func TestTheStoreEndsAndChangesNoMirror(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, st := range f.theirs() {
		if st.AdoptedFrom != "bookings" || st.AdoptedID == "" {
			t.Errorf("session %s is %s", st.ID, st.Origin())
		}
		b := batch(st)
		rule, _ := record.RuleFor(st, record.Terms{})
		b.Rule = rule
		ended, err := f.store.End(t.Context(), b)
		f.must(err)
		f.same("ended", ended, []record.Ended(nil))
		for what, change := range map[string]record.Change{
			"end": endChange(st, curfew.Cancelled, curfew.ByRequest), "acceptance": accepting(st, "eva"),
		} {
			if _, err := f.store.Change(t.Context(), change); curfew.KindOf(err) != curfew.Conflict {
				t.Errorf("%s of a mirror that is %s: %v", what, st.Status, err)
			}
		}
		f.same("the mirror", f.read(st.ID).Session, st.Session)
	}
	_, err := f.store.Extend(t.Context(), record.Extension{From: f.theirs()[2].Session, By: time.Minute, Checkout: admission("cat").Checkout})
	if curfew.KindOf(err) != curfew.Conflict {
		t.Errorf("an extension of a mirror: %v", err)
	}
}

func TestASearchIsOfOneSource(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	own := f.late("ada")
	all := f.theirs()
	f.mirror("calls", "1", "eve", curfew.Waiting, "", -time.Hour)
	for what, c := range map[string]struct {
		search record.Search
		want   []string
	}{
		"Curfew's own":             {record.Search{}, []string{own.ID}},
		"and its orphans":          {record.Search{OrphanTTL: time.Minute}, []string{own.ID}},
		"and those of a customer":  {record.Search{CustomerID: "ann"}, nil},
		"a table's":                {record.Search{Source: "bookings"}, ids(all...)},
		"a table's by age":         {record.Search{Source: "bookings", MaxAge: time.Hour}, ids(all...)},
		"a table's, of a customer": {record.Search{Source: "bookings", CustomerID: "ann"}, ids(all[0])},
		"not another table's":      {record.Search{Source: "calls", CustomerID: "ann"}, nil},
	} {
		c.search.Limit = 10
		found, err := f.store.Find(t.Context(), c.search)
		f.must(err)
		f.same(what, set(ids(found...)), set(c.want))
	}
}

func ids(all ...curfew.Snapshot) []string {
	var names []string
	for _, s := range all {
		names = append(names, s.ID)
	}
	return names
}

func set(names []string) map[string]bool {
	all := map[string]bool{}
	for _, name := range names {
		all[name] = true
	}
	return all
}

func TestTheNextDeadlineIsOfTheTablesAskedFor(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	own := f.admit("ada")
	f.age(own.ID, -time.Hour)
	soon := f.mirror("bookings", "1", "ann", curfew.Waiting, "", time.Minute)
	f.mirror("calls", "1", "bob", curfew.Waiting, "", time.Second)
	for what, c := range map[string]struct {
		sources []string
		want    time.Time
	}{
		"Curfew's own":       {nil, f.read(own.ID).ExpiresAt},
		"and one table's":    {[]string{"bookings"}, soon.ExpiresAt},
		"and what is no one": {[]string{"none"}, f.read(own.ID).ExpiresAt},
	} {
		at, _, err := f.store.NextDeadline(t.Context(), time.Time{}, c.sources)
		f.must(err)
		if !at.Equal(c.want) {
			t.Errorf("%s: the next deadline is %s, want %s", what, at, c.want)
		}
	}
}

func TestNobodyElseWritesAMirror(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	st := f.mirror("bookings", "42", "ann", curfew.Waiting, "", -time.Hour)
	for what, c := range map[string]struct{ sql, says string }{
		"an older program's end": {
			`UPDATE curfew.sessions SET status = 'cancelled', version = version + 1, ended_at = now(), expires_at = NULL WHERE customer_id = 'ann'`,
			"session " + st.ID + " mirrors row 42 of bookings, and only curfew.adopt writes it: change that row",
		},
		"another program's end": {
			`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ann'`, "mirrors row 42 of bookings",
		},
		"a step that says nothing":  {`UPDATE curfew.sessions SET adopted_from = '' WHERE customer_id = 'ann'`, "mirrors row 42 of bookings"},
		"a mirror of nothing":       {insertMirror + `'bob', 1)`, "would mirror row 7 of calls"},
		"another program's mirror":  {insertMirror + `'bob', 0)`, "would mirror row 7 of calls"},
		"a session beside a mirror": {`INSERT INTO curfew.sessions (customer_id, id, status, expires_at) VALUES ('ann', gen_random_uuid(), 'waiting', now())`, "sessions_one_open"},
		"the end of it by deletion": {`DELETE FROM curfew.sessions WHERE customer_id = 'ann'`, "cannot be deleted"},
	} {
		_, err := f.store.pool.Exec(t.Context(), c.sql)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", what, err, c.says)
		}
	}
	f.same("the mirror", f.read(st.ID).Session, st.Session)
}

const insertMirror = `INSERT INTO curfew.sessions (adopted_from, adopted_id, status, id, expires_at, customer_id, version)
	VALUES ('calls', '7', 'waiting', gen_random_uuid(), now(), `

// A mirror touches no tally before it has ended, and the figures are exact all the way.
func TestFiguresStayExactThroughTheLifeOfAMirror(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.admit("ada")
	f.exec(`INSERT INTO curfew.sessions (customer_id, id, status, expires_at) VALUES ('foreign', gen_random_uuid(), 'waiting', now() + interval '1 hour')`)
	tallies := f.rows(`SELECT * FROM curfew.tallies`)
	exact := func(when string) {
		t.Helper()
		f.wantCounted()
		wrong, err := f.store.TallyDifferences(t.Context())
		f.must(err)
		f.same("wrong tallies once "+when, wrong, []curfew.TallyDifference(nil))
	}
	f.theirs()
	exact("mirrors are there")
	f.same("tallies that an open mirror touched", f.rows(`SELECT * FROM curfew.tallies`), tallies)
	f.mirror("bookings", "1", "ann", curfew.Cancelled, "", 0)
	f.mirror("bookings", "3", "cat", curfew.Completed, "max", 0)
	exact("two have ended")
	f.mirror("bookings", "1", "ann", curfew.Waiting, "", time.Hour)
	exact("one was opened again")
	f.exec(`SELECT curfew.adopt_gone('bookings', 'service:bookings', 'deleted', NULL, NULL)`)
	exact("their rows are gone")
	f.exec(`DELETE FROM curfew.session_requests r USING curfew.sessions s WHERE s.id = r.session_id AND s.adopted_from <> ''`)
	f.exec(`DELETE FROM curfew.sessions WHERE adopted_from <> ''`)
	exact("the mirrors are gone")
	f.exec(`UPDATE curfew.tallies SET n = n + 7 WHERE noun = 'checkout'`)
	f.mirror("bookings", "5", "fay", curfew.Waiting, "", time.Hour)
	_, err := f.store.Mend(t.Context())
	f.must(err)
	exact("they were counted anew")
}

func TestHealthCountsAndNamesMirrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.late("ada")
	all := f.theirs()
	p := curfew.DefaultPolicy()
	byStatus := map[curfew.SessionStatus]int{curfew.Waiting: 3, curfew.Live: 1, curfew.Scheduled: 1, curfew.Completed: 0, curfew.Cancelled: 0}
	watched, err := f.store.SessionFigures(t.Context(), p)
	f.must(err)
	f.same("sessions of a table that is only watched", watched, curfew.SessionFigures{ByStatus: byStatus, Stale: 1, VeryStale: 1})
	f.exec(`INSERT INTO curfew.adoptions (name, relation, mode) VALUES ('bookings', 'public.bookings', 'enforce')`)
	sessions, err := f.store.SessionFigures(t.Context(), p)
	f.must(err)
	f.same("sessions", sessions, curfew.SessionFigures{
		ByStatus: byStatus, Stale: 2, VeryStale: 2, OverdueAssigned: 1, OverdueLive: 1, OverdueScheduled: 1,
	})
	requests, err := f.store.RequestFigures(t.Context())
	f.must(err)
	f.same("stale requests", requests.Stale, 2)
	details, err := f.store.HealthDetails(t.Context(), p, 10)
	f.must(err)
	f.same("stale", len(details.Stale), 2)
	f.same("the rest", []string{
		details.OverdueAssigned[0].Origin(), details.OverdueLive[0].Origin(), details.OverdueScheduled[0].Origin(),
	}, []string{all[1].Origin(), all[2].Origin(), all[3].Origin()})
	f.same("contradictions", f.links("sessions"), []curfew.Inconsistency(nil))
}

func (f *fixture) links(table string) []curfew.Inconsistency {
	f.Helper()
	l, err := f.store.Links(f.Context(), table, "", 100)
	f.must(err)
	return l.Found
}

// What nobody may end does not lie in the way of what is ended.
func TestASweepReadsNoMirror(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for page := range 10 { // one statement for all of them would take too long on a busy machine
		f.exec(fmt.Sprintf(`SELECT curfew.adopt('bookings', 'service:bookings', 'their row', NULL, NULL, array_agg(jsonb_populate_record(NULL::curfew.adopted_row,
		jsonb_build_object('adopted_id', n, 'word', 'open', 'status', 'waiting', 'customer_id', 'c' || n, 'expires_at', now() - n * interval '1 minute'))))
		FROM generate_series(%d, %d) n`, 1000*page+1, 1000*page+1000))
	}
	f.behindTriggers([]string{`INSERT INTO curfew.sessions (customer_id, id, status, version, ended_at, end_reason)
		SELECT 'e' || n, gen_random_uuid(), 'cancelled', 1, now(), 'expired' FROM generate_series(1, $1::int) n`}, 50_000)
	own := f.late("ada")
	f.exec("VACUUM ANALYZE curfew.sessions")
	at, id := since(curfew.Cursor{})
	plan := strings.Join(f.rows("EXPLAIN (ANALYZE, COSTS off, TIMING off) "+selectOverdue, at, id, 100), "\n")
	if !strings.Contains(plan, "Index Scan using sessions_deadline") || strings.Contains(plan, "Rows Removed by Filter: ") || !strings.Contains(plan, "(actual rows=1 ") {
		t.Errorf("the plan is\n%s", plan)
	}
	found, err := f.store.Find(t.Context(), record.Search{Limit: 100})
	f.must(err)
	f.same("found", ids(found...), []string{own.ID})
	for what, c := range map[string]struct {
		sql   string
		args  []any
		index string
	}{
		"a table's question":     {selectAdoptedOverdue, []any{at, id, 100, "bookings"}, "sessions_adopted_deadline"},
		"a table's wider one":    {selectAdoptedDue, []any{at, id, 100, time.Hour, time.Hour, "bookings"}, "sessions_adopted_deadline"},
		"the sessions' figures":  {countSessions, []any{time.Minute, time.Minute}, "sessions_adopted_deadline"},
		"the next deadline":      {selectNextDeadline, []any{at, []string{"bookings"}}, "sessions_adopted_deadline"},
		"what stands":            {selectActivity, []any{time.Hour, int64(60)}, "sessions_adopted_deadline"},
		"the next deadline, own": {selectNextDeadline, []any{at, []string(nil)}, "sessions_deadline"},
	} {
		plan := strings.Join(f.rows("EXPLAIN "+c.sql, c.args...), "\n")
		if !strings.Contains(plan, c.index) || strings.Contains(plan, "Seq Scan on sessions") {
			t.Errorf("%s: the plan is\n%s", what, plan)
		}
	}
}

// The service mirrors rows with its own rights.
func TestARoleThatOwnsNothingMirrors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.same("functions that mirror", strings.Join(executes, " "), strings.Join(f.rows(`SELECT proname FROM pg_proc
		WHERE pronamespace = 'curfew'::regnamespace AND proname LIKE 'adopt%' AND prorettype <> 'trigger'::regtype ORDER BY 1`), " "))
	role := f.service()
	s := f.as(role)
	for n, status := range []curfew.SessionStatus{curfew.Scheduled, curfew.Waiting, curfew.Live, curfew.Completed, curfew.Waiting} {
		_, err := s.exec(t.Context(), adoptRow, "bookings", "1", status, "ann", "max", time.Hour)
		f.must(err)
		f.same(fmt.Sprintf("status after step %d", n), f.only(`SELECT status FROM curfew.sessions ORDER BY adopted_generation DESC LIMIT 1`), string(status))
	}
	f.exec(`REVOKE EXECUTE ON FUNCTION curfew.adopt, curfew.adopt_gone FROM ` + role)
	grants, err := s.Denied(t.Context())
	f.must(err)
	f.same("missing grants", grants, []string{grantExecute([]string{"adopt", "adopt_gone"}, strings.Trim(role, `"`))})
	f.exec(grants[0])
	f.must(s.Verify(t.Context()))
}
