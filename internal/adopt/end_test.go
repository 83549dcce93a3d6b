package adopt

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
)

var acceptRaces = flag.Int("races", 0, "how many accepts race with a sweep; by default 100000, or 200 with -short")

// session is the open mirror of a row.
func (m *market) session(adopted string) curfew.Session {
	m.Helper()
	var s curfew.Session
	err := m.pool.QueryRow(m.Context(), `SELECT id::text, customer_id, coalesce(mechanic_id, ''), status, version FROM curfew.sessions
		WHERE adopted_id = $1 ORDER BY adopted_generation DESC LIMIT 1`, adopted).Scan(&s.ID, &s.CustomerID, &s.MechanicID, &s.Status, &s.Version)
	if err != nil {
		m.Fatal(err)
	}
	return s
}

var (
	admin  = curfew.Actor{Role: curfew.Admin, ID: "root"}
	bob    = curfew.Actor{Role: curfew.Mechanic, ID: "bob"}
	accept = record.Change{
		Guard: record.Guard{Overdue: record.No}, To: curfew.Waiting, Actor: bob, Reason: curfew.AcceptedReason, Assign: "bob", RequestTo: curfew.Accepted,
	}
	release = record.Change{To: curfew.Waiting, Actor: bob, Reason: curfew.ReleasedReason, Release: true, RequestTo: curfew.Pending}
	begin   = record.Change{To: curfew.Live, Actor: bob, Reason: curfew.BothJoinedReason, MechanicJoins: true}
	cancel  = record.Change{To: curfew.Cancelled, EndedBy: curfew.ByRequest, Actor: admin, Reason: "cancelled: changed their mind"}
	finish  = record.Change{To: curfew.Completed, EndedBy: curfew.Finished, Actor: admin, Reason: "finished"}
	expire  = record.Change{Guard: record.Guard{Overdue: record.Yes}, To: curfew.Cancelled, EndedBy: curfew.Expired, Actor: curfew.Admitting, Reason: "expired"}
)

// change makes a change to the row with id 1, as the lifecycle does.
func (m *market) change(a table, c record.Change) (curfew.Snapshot, error) {
	m.Helper()
	c.From = m.session("1")
	return a.Change(m.Context(), c)
}

func TestAChangeIsDoneToTheRow(t *testing.T) {
	t.Parallel()
	const row = `SELECT concat_ws(' ', status, mechanic, 'accepted ' || (accepted_at = made_at + interval '1 hour')::text,
		CASE WHEN started_at IS NOT NULL THEN 'started' END, CASE WHEN ended_at IS NOT NULL THEN 'ended' END, note) FROM public.help WHERE id = 1`
	for sentence, test := range map[string]struct {
		before  string
		changes []record.Change
		row     string
		session string
	}{
		"accept":                                 {"", []record.Change{accept}, "asked bob accepted false", "waiting bob v2"},
		"accept and release":                     {"", []record.Change{accept, release}, "asked", "waiting  v3"},
		"accept and begin":                       {"", []record.Change{accept, begin}, "running bob accepted false started", "live bob v3"},
		"a session that is finished":             {"", []record.Change{accept, begin, finish}, "done bob accepted false started ended", "completed bob v4"},
		"a cancellation tells no lies about why": {"", []record.Change{cancel}, "expired ended", "cancelled  v2"},
		"a cancellation of what was accepted":    {"", []record.Change{accept, cancel}, "gone bob accepted false ended", "cancelled bob v3"},
		"a live session that was too short": {
			"",
			[]record.Change{accept, begin, {To: curfew.Cancelled, EndedBy: curfew.TooShort, Actor: admin, Reason: "too_short"}},
			"expired bob accepted false started ended", "cancelled bob v4",
		},
		"the end of what is overdue": {`UPDATE public.help SET deadline = now() - interval '1 minute'`, []record.Change{expire}, "expired ended nobody came", "cancelled  v3"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m, a := enforced(t, helpTable)
			m.exec(`INSERT INTO public.help (customer, minutes) VALUES ('ada', 20)`)
			m.exec(`INSERT INTO public.offers (help) VALUES (1)`)
			if test.before != "" {
				m.exec(test.before)
			}
			var s curfew.Snapshot
			var err error
			for _, c := range test.changes {
				if s, err = m.change(a, c); err != nil {
					t.Fatal(err)
				}
			}
			m.expect("the row", m.text(row), test.row)
			m.expect("the session", fmt.Sprintf("%s %s v%d", s.Status, s.MechanicID, s.Version), test.session)
			m.expect("their request", m.text(`SELECT state FROM public.offers`), map[bool]string{true: "over", false: "open"}[s.Status.Ended()])
			last := test.changes[len(test.changes)-1]
			m.expect("the event", m.text(`SELECT actor || ' ' || reason FROM curfew.events ORDER BY number DESC LIMIT 1`), last.Actor.String()+" "+last.Reason)
			if s.Status.Ended() && (s.EndReason != last.EndedBy || s.EndedAt.IsZero() || s.Request.Status.Open()) {
				t.Errorf("the end is %+v", s)
			}
			m.verified(a)
			m.holds()
		})
	}
}

func TestAChangeThatCannotBeDoneSaysWhereToDoIt(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct {
		before  string
		mapping func(*mapping.Table)
		change  record.Change
		want    string
	}{
		"one party joins":             {"", nil, record.Change{To: curfew.Waiting, CustomerJoins: true}, "does not say who has joined a session before both have: join it in the app"},
		"an appointment begins":       {"", nil, record.Change{To: curfew.Scheduled}, "does not say how a session goes from waiting to scheduled: do it in the app"},
		"no column for a mechanic":    {"", func(t *mapping.Table) { t.Mechanic = mapping.Mechanic{} }, accept, "does not say who has accepted a session: accept it in the app"},
		"no status for an accept":     {"", func(t *mapping.Table) { t.Mechanic.Accepted = []string{"running"} }, accept, "has no status for a session that is accepted and not live yet"},
		"no ending":                   {"", func(t *mapping.Table) { t.End = nil }, cancel, "adopt.help.end has no ending by which a waiting session becomes cancelled; end it in the app"},
		"it is not overdue":           {"", nil, expire, "has changed"},
		"it is overdue":               {`UPDATE public.help SET deadline = now() - interval '1 minute'`, nil, accept, "has changed"},
		"the row moved unseen":        {`ALTER TABLE public.help DISABLE TRIGGER USER; UPDATE public.help SET mechanic = 'eve'; ALTER TABLE public.help ENABLE TRIGGER USER`, nil, accept, "has changed"},
		"somebody else was asked for": {`UPDATE public.help SET mechanic = 'eve'`, func(t *mapping.Table) { t.Mechanic.Accepted = []string{"queued"} }, accept, "has changed"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable)
			mapped := help()
			if test.mapping != nil {
				test.mapping(&mapped)
			}
			a := m.adopted(mapped)
			m.enforce(a)
			m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
			if test.before != "" {
				m.exec(test.before)
			}
			before := m.text(`SELECT h::text FROM public.help h`)
			if _, err := m.change(a, test.change); !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v", err)
			}
			m.expect("the row", m.text(`SELECT h::text FROM public.help h`), before)
		})
	}
}

func TestABusyMechanicCannotAccept(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(`INSERT INTO public.help (customer) VALUES ('ada')`)
	m.exec(`INSERT INTO public.help (customer, mechanic, accepted_at) VALUES ('dan', 'bob', now())`)
	if _, err := m.change(a, accept); !errors.Is(err, curfew.MechanicBusy) {
		t.Errorf("the error is %v", err)
	}
	m.expect("the mechanic", m.text(`SELECT mechanic FROM public.help WHERE id = 1`), "")
}

func TestNothingIsWrittenWithoutTriggers(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	m.exec(`DROP TRIGGER zz_curfew_mirror_update ON public.help`)
	if n, err := m.sweep(t.Context(), a); n != 0 || !errors.Is(err, curfew.Unavailable) ||
		!strings.Contains(err.Error(), "public.help is not enforced: it lacks the trigger zz_curfew_mirror_update") {
		t.Errorf("swept %d: %v", n, err)
	}
	if wrong, err := a.Installed(t.Context(), mapping.Reasons()); !strings.Contains(wrong, "lacks zz_curfew_mirror_update") || err != nil {
		t.Errorf("installed: %s (%v)", wrong, err)
	}
	m.enforce(a)
	if n, err := m.sweep(t.Context(), a); n != 1 || err != nil {
		t.Errorf("swept %d: %v", n, err)
	}
}

func TestAnEndCountsInItsRun(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	m.exec(`INSERT INTO public.help (customer, made_at) SELECT 'c' || i, now() - interval '1 hour' FROM generate_series(1, 3) i`)
	m.exec(`INSERT INTO curfew.runs (id, trigger, actor, outcome) VALUES ('018f0000-0000-7000-8000-000000000001', 'sweeper', 'system:sweeper', 'running')`)
	b := record.Batch{Rule: record.RuleNamed(curfew.OldWaiting), Actor: curfew.Sweeper, RunID: "018f0000-0000-7000-8000-000000000001", Note: "by hand"}
	b.Stats.Count(curfew.NoShows, false)
	for _, id := range []string{"3", "1", "2"} {
		s := m.session(id)
		b.Ends = append(b.Ends, record.PlannedEnd{CustomerID: s.CustomerID, SessionID: s.ID, Version: s.Version, Reason: curfew.Expired})
	}
	b.Ends[2].Version++
	ended, err := a.End(t.Context(), b)
	if err != nil || len(ended) != 2 || ended[0].Session.CustomerID != "c2" || ended[1].Session.CustomerID != "ada" || !ended[0].RequestEnded || ended[0].Deadline.IsZero() {
		t.Fatalf("ended %+v (%v)", ended, err)
	}
	m.expect("the run", m.text(`SELECT concat(stats ->> 'oldWaitingSessions', stats ->> 'expiredRequests', stats ->> 'noShows', stats ->> 'totalCleaned') FROM curfew.runs`), "2215")
	m.expect("the events", m.text(`SELECT string_agg(DISTINCT concat_ws(' ', actor, reason, run_id), ', ') FROM curfew.events WHERE to_status = 'cancelled'`),
		"system:sweeper expired: by hand 018f0000-0000-7000-8000-000000000001")
	m.expect("their rows", m.rows(), "1 expired, 2 asked, 3 expired, 4 asked")
}

// Whoever holds a row, or its request, is not waited for.
func TestRowsThatSomebodyHoldsAreLeft(t *testing.T) {
	t.Parallel()
	for _, hold := range []string{`SELECT FROM public.help FOR UPDATE`, `SELECT FROM public.offers FOR UPDATE`, `UPDATE public.help SET mechanic = 'bob'`} {
		t.Run(hold, func(t *testing.T) {
			t.Parallel()
			m, a := enforced(t, helpTable)
			m.exec(overdueRow)
			m.exec(`INSERT INTO public.offers (help) VALUES (1)`)
			end := m.hold(hold)
			if n, err := m.sweep(t.Context(), a); n != 0 || err != nil {
				t.Errorf("swept %d: %v", n, err)
			}
			m.exec(`SET LOCAL lock_timeout = '2s'; INSERT INTO public.help (customer) VALUES ('ada')`)
			m.expect("their rows", m.rows(), "1 asked, 2 asked")
			end()
			if n, err := m.sweep(t.Context(), a); n != 1 || err != nil {
				t.Errorf("swept %d: %v", n, err)
			}
		})
	}
}

// Who refers to a row by a foreign key does not hold it.
func TestAReferenceDoesNotKeepARow(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	m.exec(overdueRow)
	defer m.hold(`INSERT INTO public.offers (help, state) VALUES (1, 'over')`)()
	if n, err := m.sweep(t.Context(), a); n != 1 || err != nil {
		t.Errorf("swept %d: %v", n, err)
	}
}

func TestACustomerBuysWhileTheSweepHoldsTheRow(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable+`CREATE UNIQUE INDEX one_open ON public.help (customer) WHERE status IN ('asked', 'queued', 'running')`)
	m.exec(overdueRow)
	bought := make(chan error, 1)
	err := a.tx(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		w, err := a.writing(ctx, tx)
		if err != nil {
			return err
		}
		s := m.session("1")
		b := record.Batch{Rule: record.RuleNamed(curfew.OldWaiting), Actor: curfew.Sweeper, Ends: []record.PlannedEnd{
			{CustomerID: s.CustomerID, SessionID: s.ID, Version: s.Version, Reason: curfew.Expired},
		}}
		if ended, err := w.endBatch(ctx, b); err != nil || len(ended) != 1 {
			return fmt.Errorf("ended %v: %w", ended, err)
		}
		go func() {
			_, err := m.pool.Exec(t.Context(), `INSERT INTO public.help (customer) VALUES ('ada')`)
			bought <- err
		}()
		waits := false
		for !waits { // for the unique index
			waits = m.text(`SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`) != "0"
		}
		return nil
	})
	if err == nil {
		err = <-bought
	}
	if err != nil {
		t.Fatal(err)
	}
	m.expect("their rows", m.rows(), "1 expired, 2 asked")
	m.expect("the mirrors", m.states(), "1 cancelled expired, 2 waiting")
	m.verified(a)
}

// An app accepts requests and then sessions, as its own way is, while all of them become overdue and are swept.
func TestNoAcceptedSessionIsEnded(t *testing.T) {
	t.Parallel()
	m, a := enforced(t, helpTable)
	const crowd = 50
	var accepted sync.Map
	races := effort.Of(*acceptRaces, 100, 100_000)
	for n := 0; n < races; n += crowd {
		m.exec(`TRUNCATE public.help CASCADE`)
		m.exec(`INSERT INTO public.help (id, customer, deadline) SELECT i, 'c' || i, now() - interval '1 second' FROM generate_series($1::int, $2::int) i`, n+1, n+crowd)
		m.exec(`INSERT INTO public.offers (help) SELECT id FROM public.help`)
		var all sync.WaitGroup
		all.Go(func() {
			for id := n + 1; id <= n+crowd; id++ {
				if m.accepts(id) {
					accepted.Store(id, true)
				}
			}
		})
		all.Go(func() { m.sweepByFew(a) })
		all.Wait()
		if got := m.text(`SELECT count(*) FROM public.help WHERE mechanic IS NOT NULL AND status <> 'asked' AND status <> 'gone'`); got != "0" {
			t.Fatalf("%s accepted rows were ended", got)
		}
		m.expect("both", m.text(`SELECT count(*) FROM public.help h JOIN public.offers o ON o.help = h.id WHERE (h.status = 'expired') <> (o.state = 'over')`), "0")
		m.verified(a)
	}
	won := 0
	accepted.Range(func(any, any) bool { won++; return true })
	t.Logf("%d of %d were accepted", won, races)
}

// sweepByFew ends rows a few a transaction, in the order of their ids.
func (m *market) sweepByFew(a table) {
	m.Helper()
	rows, err := m.pool.Query(m.Context(), `SELECT customer_id, id::text, version FROM curfew.sessions WHERE status = 'waiting' AND mechanic_id IS NULL ORDER BY adopted_id::int`)
	if err != nil {
		m.Error(err)
		return
	}
	ends, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (e record.PlannedEnd, err error) {
		e.Reason = curfew.Expired
		err = r.Scan(&e.CustomerID, &e.SessionID, &e.Version)
		return e, err
	})
	for few := range slices.Chunk(ends, 3) {
		if err == nil {
			_, err = a.End(m.Context(), record.Batch{Rule: record.RuleNamed(curfew.OldWaiting), Actor: curfew.Sweeper, Ends: few})
		}
	}
	if err != nil {
		m.Error(err)
	}
}

// accepts is the app's accept: the request first, and then the session if nobody has it.
func (m *market) accepts(id int) bool {
	m.Helper()
	taken := false
	err := pgx.BeginFunc(m.Context(), m.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(m.Context(), `UPDATE public.offers SET state = 'taken' WHERE help = $1 AND state = 'open'`, id)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		tag, err = tx.Exec(m.Context(), `UPDATE public.help SET mechanic = 'm' || id, accepted_at = now() WHERE id = $1 AND mechanic IS NULL AND status = 'asked'`, id)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("request %d was open, and its session was not", id)
		}
		taken = err == nil
		return err
	})
	if err != nil {
		m.Error(err)
	}
	return taken
}
