package postgres

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
)

// psql is another program: PostgreSQL's own. It answers what it printed, with
// what it was refused.
func (w *world) psql(statements ...string) (out string, refused bool) {
	w.Helper()
	path, err := exec.LookPath("psql")
	if err != nil {
		w.Fatal("psql is not here: run scripts/install-test-deps")
	}
	args := []string{"--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", w.url}
	for _, s := range statements {
		args = append(args, "--command="+s)
	}
	text, err := exec.CommandContext(w.Context(), path, args...).CombinedOutput()
	return strings.TrimSpace(string(text)), err != nil
}

// writes is psql, allowed.
func (w *world) writes(statements ...string) {
	w.Helper()
	if out, refused := w.psql(statements...); refused {
		w.Fatalf("psql was refused: %s", out)
	}
}

// isRefused is psql, refused with a text.
func (w *world) isRefused(because, statement string) {
	w.Helper()
	if out, refused := w.psql(statement); !refused || !strings.Contains(out, because) {
		w.Errorf("psql was answered (refused: %t): %s", refused, out)
	}
}

// history is a subject's events, a line each.
func (w *world) history(subject string) []string {
	w.Helper()
	return w.rows(`SELECT number, from_status || '>' || to_status, actor, reason FROM curfew.events WHERE subject_id = $1 ORDER BY number`, subject)
}

const foreign = `INSERT INTO curfew.sessions (customer_id, id, status, expires_at) VALUES ('ada', gen_random_uuid(), '%s', now() + interval '15 minutes')`

func TestAnotherProgramInsertsAfterAnOverdueSession(t *testing.T) {
	t.Parallel()
	waiting := func(w *world) curfew.Standing { return w.admit("ada") }
	for what, c := range map[string]struct {
		begin    func(*world) curfew.Standing
		session  string // as it becomes
		request  string
		money    bool
		fromInto string
	}{
		"waiting": {waiting, "cancelled expired", "expired", true, "waiting>cancelled"},
		"orphaned": {func(w *world) curfew.Standing {
			st := w.admit("ada")
			w.exec(`UPDATE curfew.session_requests SET status = 'expired', ended_at = now()`)
			return st
		}, "cancelled orphaned", "expired", true, "waiting>cancelled"},
		"assigned": {func(w *world) curfew.Standing { return w.accept(w.admit("ada"), "max") }, "cancelled no_show", "cancelled", true, "waiting>cancelled"},
		"live": {
			func(w *world) curfew.Standing { return w.start(w.accept(w.admit("ada"), "max")) },
			"completed overran", "completed", false, "live>completed",
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			st := c.begin(w)
			w.age(st.ID, 3*time.Hour)
			w.writes(fmt.Sprintf(foreign, "waiting"))

			w.same("the overdue session", w.only(`SELECT status, end_reason FROM curfew.sessions WHERE id = $1`, st.ID), c.session)
			w.same("its request", w.only(`SELECT status FROM curfew.session_requests WHERE session_id = $1`, st.ID), c.request)
			w.same("its money", w.only(`SELECT money_due FROM curfew.checkouts WHERE id = $1`, st.CheckoutID), fmt.Sprint(c.money))
			w.same("slots", w.rows(`SELECT * FROM curfew.mechanic_slots`), []string(nil))
			events := w.history(st.ID)
			reason := strings.Fields(c.session)[1]
			w.same("its last event", events[len(events)-1], fmt.Sprintf("%d %s system:guard %s", st.Version+1, c.fromInto, reason))

			open, err := w.store.Open(t.Context(), "ada")
			w.must(err)
			w.same("the new session's version", open.Version, int64(1))
			w.same("its history", w.history(open.ID), []string{"1 >waiting system:foreign another program"})
			if what == "live" && !w.read(st.ID).EndedAt.Equal(w.read(st.ID).StartedAt.Add(st.Duration)) {
				t.Errorf("what overran ended at %s", w.read(st.ID).EndedAt)
			}
			w.wantCounted()
		})
	}
}

func TestAnotherProgramInsertsASecondOpenSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	st := w.admit("ada")
	w.isRefused("sessions_one_open", fmt.Sprintf(foreign, "waiting"))
	w.isRefused("cannot go from nothing to live: legal is scheduled, waiting", fmt.Sprintf(foreign, "live"))
	w.writes(fmt.Sprintf(foreign, "waiting") + " ON CONFLICT DO NOTHING")
	w.same("events", w.rows(`SELECT subject_id FROM curfew.events WHERE subject = 'session'`), []string{w.only(`SELECT id FROM curfew.sessions`)})
	w.same("the first session", w.read(st.ID).Version, int64(1))
}

func TestAnotherProgramCancels(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	st := w.accept(w.admit("ada"), "max")
	w.writes(`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ada'`)

	now := w.read(st.ID)
	w.same("the session", []any{now.Status, now.EndReason, now.Version, now.MechanicID, now.ExpiresAt.IsZero()},
		[]any{curfew.Cancelled, curfew.Foreign, int64(3), "max", true})
	w.same("the request", now.Request.Status, curfew.RequestCancelled)
	w.same("slots", w.rows(`SELECT * FROM curfew.mechanic_slots`), []string(nil))
	w.same("the history", w.history(st.ID), []string{
		"1 >waiting service:shop paid", "2 waiting>waiting mechanic:max accepted", "3 waiting>cancelled system:foreign another program",
	})
	due, err := w.store.Unsettled(t.Context(), "", 9)
	w.must(err)
	if len(due) != 1 || !due[0].Checkout.MoneyDue || due[0].Session.ID != st.ID {
		t.Errorf("unsettled: %+v", due)
	}
	w.admit("ada")
	w.wantCounted()
}

func TestAnotherProgramIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ended := w.admit("ended")
	_, err := w.store.Change(t.Context(), ending(ended, curfew.Cancelled, curfew.ByRequest))
	w.must(err)
	w.admit("waiting")
	_, err = w.store.Defer(t.Context(), admission("payer").Checkout, shop, time.Hour)
	w.must(err)
	for statement, because := range map[string]string{
		`UPDATE curfew.sessions SET status = 'waiting', ended_at = NULL, expires_at = now() WHERE customer_id = 'ended'`: "cannot go from cancelled to waiting: it has ended for ever",
		`UPDATE curfew.sessions SET status = 'completed', ended_at = now() WHERE customer_id = 'waiting'`:                "cannot go from waiting to completed: legal is cancelled, live, waiting",
		`UPDATE curfew.sessions SET version = 7 WHERE customer_id = 'waiting'`:                                           "has version 1, which cannot become 7",
		`UPDATE curfew.sessions SET status = 'live', version = 7 WHERE customer_id = 'waiting'`:                          "has version 1, which cannot become 7",
		`DELETE FROM curfew.session_requests; DELETE FROM curfew.sessions WHERE customer_id = 'waiting'`:                 "set its status to 'cancelled' instead",
		`DELETE FROM curfew.checkouts WHERE customer_id = 'payer'`:                                                       "is not settled and cannot be deleted",
		`UPDATE curfew.events SET reason = 'x'`:                                                                          "is history and stays as it is",
		`DELETE FROM curfew.events`:                                                                                      "is history and stays as it is",
	} {
		before := w.rows(`SELECT s::text FROM curfew.sessions s ORDER BY 1`)
		w.isRefused(because, statement)
		w.same("sessions", w.rows(`SELECT s::text FROM curfew.sessions s ORDER BY 1`), before)
	}
}

// Another program needs no right but to the table it writes: what it fires
// brings version, event and money all the same.
func TestAnotherProgramNeedsNoOtherRight(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	role := w.role()
	w.exec(`GRANT SELECT, INSERT, UPDATE, DELETE ON curfew.sessions, curfew.checkouts TO ` + role)
	as := func(statements ...string) {
		t.Helper()
		w.writes(append([]string{"SET ROLE " + role}, statements...)...)
	}
	st := w.accept(w.admit("ada"), "max")
	as(`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ada'`, fmt.Sprintf(foreign, "waiting"))
	w.same("the request", w.read(st.ID).Request.Status, curfew.RequestCancelled)
	w.same("the cancelled", w.history(st.ID)[2:], []string{"3 waiting>cancelled system:foreign another program"})
	w.same("the inserted", w.only(`SELECT s.version, e.number, e.actor FROM curfew.sessions s JOIN curfew.events e ON e.subject_id = s.id
		WHERE s.customer_id = 'ada' AND s.status = 'waiting'`), "1 1 system:foreign")
	w.same("the money", w.only(`SELECT money_due FROM curfew.checkouts`), "true")

	as(`UPDATE curfew.checkouts SET outcome = 'refunded' WHERE customer_id = 'ada'`)
	w.same("the payment", w.history(st.CheckoutID)[1:], []string{"2 fulfilled>refunded system:foreign another program"})
	as(`INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) VALUES ('eve', gen_random_uuid(), 'chat10', 'held', 1)`)
	as(`UPDATE curfew.sessions SET status = 'live', version = version + 1 WHERE customer_id = 'ada' AND status = 'waiting'`)
	as(`UPDATE curfew.sessions SET status = 'completed', ended_at = now(), end_reason = 'finished', expires_at = NULL, version = version + 1
		WHERE customer_id = 'ada' AND status = 'live'`)
	for statement, because := range map[string]string{
		`UPDATE curfew.sessions SET status = 'waiting', version = version + 1 WHERE status = 'completed'`:                        "it has ended for ever",
		`UPDATE curfew.checkouts SET outcome = 'held', version = version + 1 WHERE customer_id = 'ada'`:                          "it is refunded for ever",
		`UPDATE curfew.checkouts SET outcome = 'credited', version = version + 1 WHERE customer_id = 'eve'`:                      "legal is deferred, fulfilled, refund_due, refunded",
		`INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) VALUES ('eve', gen_random_uuid(), '', 'x', 1)`:   "cannot go from nothing to x",
		`DELETE FROM curfew.checkouts WHERE customer_id = 'eve'`:                                                                 "is not settled",
		`SELECT curfew.tally('session', 'cancelled', 1)`:                                                                         "permission denied for function tally",
		`SELECT curfew.guard_follow(s, 'cancelled') FROM curfew.sessions s`:                                                      "permission denied for function guard_follow",
		`SELECT curfew.guard_event(s, '', '', '') FROM curfew.sessions s`:                                                        "permission denied for function guard_event",
		`CREATE TEMP TABLE x (id text); CREATE TRIGGER t BEFORE DELETE ON x FOR EACH ROW EXECUTE FUNCTION curfew.guard_kept('')`: "permission denied for function curfew.guard_kept",
	} {
		if out, refused := w.psql("SET ROLE "+role, statement); !refused || !strings.Contains(out, because) {
			t.Errorf("%s: refused %t: %s", statement, refused, out)
		}
	}
	w.wantCounted()
}

// role is a database role of the test's own, with a right to the schema alone.
func (w *world) role() string {
	w.Helper()
	name := pgx.Identifier{"curfew_test_" + newID()}.Sanitize()
	w.exec(`CREATE ROLE ` + name)
	w.exec(`GRANT USAGE ON SCHEMA curfew TO ` + name)
	w.Cleanup(func() {
		for _, statement := range []string{`DROP OWNED BY `, `DROP ROLE `} {
			if _, err := w.store.pool.Exec(context.WithoutCancel(w.Context()), statement+name); err != nil {
				w.Error(err)
			}
		}
	})
	return name
}

func TestGuardsHoldTheTransitionsOfTheHouse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for _, step := range curfew.Transitions() {
		want = append(want, fmt.Sprintf("%s>%s", step.From, step.To))
	}
	slices.Sort(want)
	got := w.rows(`SELECT from_status || '>' || to_status FROM curfew.session_transitions`)
	slices.Sort(got)
	w.same("the guards' transitions", got, want)
}

func TestGuardsHoldTheOutcomesOfTheHouse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var want []string
	for _, step := range curfew.OutcomeSteps() {
		want = append(want, fmt.Sprintf("%s>%s", step.From, step.To))
	}
	slices.Sort(want)
	got := w.rows(`SELECT from_outcome || '>' || to_outcome FROM curfew.outcome_steps`)
	slices.Sort(got)
	w.same("the guards' outcomes", got, want)
}

func TestAnotherProgramMovesAPayment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	st := w.admit("ada")
	w.isRefused("cannot go from fulfilled to held: legal is credited, forfeited, refund_due, refunded", `UPDATE curfew.checkouts SET outcome = 'held'`)
	w.isRefused("leave it to the guards", `UPDATE curfew.checkouts SET version = version + 2`)
	w.isRefused("cannot go from nothing to credited", `INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) VALUES ('ada', gen_random_uuid(), 'chat10', 'credited', 1)`)
	w.writes(`UPDATE curfew.sessions SET status = 'cancelled'`, `UPDATE curfew.checkouts SET outcome = 'refunded'`)
	w.same("its history", w.history(st.CheckoutID), []string{"1 >fulfilled service:shop paid", "2 fulfilled>refunded system:foreign another program"})
	w.same("the payment", w.only(`SELECT version, money_due FROM curfew.checkouts`), "2 false")
	w.isRefused("it is refunded for ever", `UPDATE curfew.checkouts SET outcome = 'fulfilled'`)
	w.isRefused("history", `UPDATE curfew.events SET customer_id = 'bob'`)
	w.wantCounted()
}

func TestGuardsAreSwitched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	names := namesIn(guardTriggers)
	if len(names) < 6 {
		t.Fatalf("the guards are %v", names)
	}
	w.missing()
	w.exec(`DROP TRIGGER guard_sessions_moved ON curfew.sessions`)
	w.exec(`ALTER TABLE curfew.events DISABLE TRIGGER guard_events_kept`)
	w.missing("guard_sessions_moved", "guard_events_kept")

	w.must(w.store.SetGuards(t.Context(), false))
	w.missing()
	w.same("guards left", w.rows(selectGuards), []string(nil))
	_, err := w.store.Migrate(t.Context())
	w.must(err)
	w.same("guards after a migration, switched off", w.rows(selectGuards), []string(nil))
	w.must(w.store.Tidy(t.Context(), time.Hour))
	w.admit("ada")
	w.writes(`DELETE FROM curfew.events WHERE customer_id = 'ada'`)

	w.must(w.store.SetGuards(t.Context(), true))
	w.missing()
	w.same("guards", len(w.rows(selectGuards)), len(names))
}

func (w *world) missing(want ...string) {
	w.Helper()
	got, err := w.store.GuardsMissing(w.Context())
	w.must(err)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("missing guards are %v, want %v", got, want)
	}
}

func TestMigrateRepairsGuardsAndOtherwiseLeavesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	installed := func() string {
		return w.only(`SELECT max(t.oid)::text FROM pg_trigger t WHERE tgname LIKE 'guard\_%'`)
	}
	before := installed()
	_, err := w.store.Migrate(t.Context())
	w.must(err)
	w.same("the newest trigger", installed(), before)

	w.exec(`DROP TRIGGER guard_sessions_moved ON curfew.sessions`)
	_, err = w.store.Migrate(t.Context())
	w.must(err)
	w.missing()
}

// Our own writes are right without the guards, and leave one event with them;
// the contract is run with them.
func TestOurWritesAreRightWithoutGuards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.store.SetGuards(t.Context(), false))
	st := w.start(w.accept(w.admit("ada"), "max"))
	st, err := w.store.Change(t.Context(), ending(st, curfew.Completed, curfew.Finished))
	w.must(err)
	w.same("events", len(w.history(st.ID)), 4)
	w.same("the request", st.Request.Status, curfew.RequestCompleted)
	w.same("slots", w.rows(`SELECT * FROM curfew.mechanic_slots`), []string(nil))
	late := w.late("bob")
	ended, err := w.store.End(t.Context(), batch(late))
	w.must(err)
	w.same("ended", len(ended), 1)
	w.same("events", len(w.history(late.ID)), 2)
	w.wantCounted()
}

// TRUNCATE would take rows without their triggers.
func TestNothingIsTruncated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.store.Change(t.Context(), ending(w.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	w.must(err)
	for table, because := range map[string]string{
		"sessions CASCADE":   "delete those that have ended",
		"session_requests":   "delete those that have ended",
		"checkouts":          "delete those that are settled",
		"payment_refs":       "reported again",
		"idempotency_keys":   "a repeated call",
		"payment_repayments": "owed again",
		"mechanic_slots":     "cancel the sessions",
		"events":             "history",
		"tallies":            "curfew migrate --recount",
	} {
		w.isRefused(because, `TRUNCATE curfew.`+table)
	}
	w.same("payments", w.only(`SELECT count(*) FROM curfew.checkouts`), "1")
	w.wantCounted()
}
