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
func (f *fixture) psql(statements ...string) (out string, refused bool) {
	f.Helper()
	path, err := exec.LookPath("psql")
	if err != nil {
		f.Fatal("psql is not here: run scripts/install-test-deps")
	}
	args := []string{"--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", f.url}
	for _, s := range statements {
		args = append(args, "--command="+s)
	}
	text, err := exec.CommandContext(f.Context(), path, args...).CombinedOutput()
	return strings.TrimSpace(string(text)), err != nil
}

// writes is psql, allowed.
func (f *fixture) writes(statements ...string) {
	f.Helper()
	if out, refused := f.psql(statements...); refused {
		f.Fatalf("psql was refused: %s", out)
	}
}

// isRefused is psql, refused with a text.
func (f *fixture) isRefused(because, statement string) {
	f.Helper()
	if out, refused := f.psql(statement); !refused || !strings.Contains(out, because) {
		f.Errorf("psql was answered (refused: %t): %s", refused, out)
	}
}

// history is a subject's events, a line each.
func (f *fixture) history(subject string) []string {
	f.Helper()
	return f.rows(`SELECT number, from_status || '>' || to_status, actor, reason FROM curfew.events WHERE subject_id = $1 ORDER BY number`, subject)
}

const foreign = `INSERT INTO curfew.sessions (customer_id, id, status, expires_at) VALUES ('ada', gen_random_uuid(), '%s', now() + interval '15 minutes')`

func TestAnotherProgramInsertsAfterAnOverdueSession(t *testing.T) {
	t.Parallel()
	waiting := func(f *fixture) curfew.Snapshot { return f.admit("ada") }
	for what, c := range map[string]struct {
		begin    func(*fixture) curfew.Snapshot
		session  string // as it becomes
		request  string
		money    bool
		fromInto string
	}{
		"waiting": {waiting, "cancelled expired", "expired", true, "waiting>cancelled"},
		"orphaned": {func(f *fixture) curfew.Snapshot {
			st := f.admit("ada")
			f.exec(`UPDATE curfew.session_requests SET status = 'expired', ended_at = now()`)
			return st
		}, "cancelled orphaned", "expired", true, "waiting>cancelled"},
		"assigned": {func(f *fixture) curfew.Snapshot { return f.accept(f.admit("ada"), "max") }, "cancelled unattended", "cancelled", true, "waiting>cancelled"},
		"assigned, and the mechanic is in": {func(f *fixture) curfew.Snapshot {
			st := f.accept(f.admit("ada"), "max")
			f.exec(`UPDATE curfew.sessions SET mechanic_joined_at = now()`)
			return st
		}, "cancelled no_show", "cancelled", true, "waiting>cancelled"},
		"live": {
			func(f *fixture) curfew.Snapshot { return f.start(f.accept(f.admit("ada"), "max")) },
			"completed overran", "completed", false, "live>completed",
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			st := c.begin(f)
			f.age(st.ID, 3*time.Hour)
			f.writes(fmt.Sprintf(foreign, "waiting"))

			f.same("the overdue session", f.only(`SELECT status, end_reason FROM curfew.sessions WHERE id = $1`, st.ID), c.session)
			f.same("its request", f.only(`SELECT status FROM curfew.session_requests WHERE session_id = $1`, st.ID), c.request)
			f.same("its money", f.only(`SELECT money_due FROM curfew.checkouts WHERE id = $1`, st.CheckoutID), fmt.Sprint(c.money))
			f.same("slots", f.rows(`SELECT * FROM curfew.mechanic_slots`), []string(nil))
			events := f.history(st.ID)
			reason := strings.Fields(c.session)[1]
			f.same("its last event", events[len(events)-1], fmt.Sprintf("%d %s system:guard %s", st.Version+1, c.fromInto, reason))

			open, err := f.store.Open(t.Context(), "ada")
			f.must(err)
			f.same("the new session's version", open.Version, int64(1))
			f.same("its history", f.history(open.ID), []string{"1 >waiting system:foreign another program"})
			if what == "live" && !f.read(st.ID).EndedAt.Equal(f.read(st.ID).StartedAt.Add(st.Duration)) {
				t.Errorf("what overran ended at %s", f.read(st.ID).EndedAt)
			}
			f.wantCounted()
		})
	}
}

func TestAnotherProgramInsertsASecondOpenSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	st := f.admit("ada")
	f.isRefused("sessions_one_open", fmt.Sprintf(foreign, "waiting"))
	f.isRefused("cannot go from nothing to live: legal is scheduled, waiting", fmt.Sprintf(foreign, "live"))
	f.writes(fmt.Sprintf(foreign, "waiting") + " ON CONFLICT DO NOTHING")
	f.same("events", f.rows(`SELECT subject_id FROM curfew.events WHERE subject = 'session'`), []string{f.only(`SELECT id FROM curfew.sessions`)})
	f.same("the first session", f.read(st.ID).Version, int64(1))
}

func TestAnotherProgramCancels(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	st := f.accept(f.admit("ada"), "max")
	f.writes(`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ada'`)

	now := f.read(st.ID)
	f.same("the session", []any{now.Status, now.EndReason, now.Version, now.MechanicID, now.ExpiresAt.IsZero()},
		[]any{curfew.Cancelled, curfew.Foreign, int64(3), "max", true})
	f.same("the request", now.Request.Status, curfew.RequestCancelled)
	f.same("slots", f.rows(`SELECT * FROM curfew.mechanic_slots`), []string(nil))
	f.same("the history", f.history(st.ID), []string{
		"1 >waiting service:shop paid", "2 waiting>waiting mechanic:max accepted", "3 waiting>cancelled system:foreign another program",
	})
	due, err := f.store.Unsettled(t.Context(), "", 9)
	f.must(err)
	if len(due) != 1 || !due[0].Checkout.MoneyDue || due[0].Session.ID != st.ID {
		t.Errorf("unsettled: %+v", due)
	}
	f.admit("ada")
	f.wantCounted()
}

func TestAnotherProgramIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ended := f.admit("ended")
	_, err := f.store.Change(t.Context(), endChange(ended, curfew.Cancelled, curfew.ByRequest))
	f.must(err)
	f.admit("waiting")
	_, err = f.store.Defer(t.Context(), admission("payer").Checkout, shop, time.Hour)
	f.must(err)
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
		before := f.rows(`SELECT s::text FROM curfew.sessions s ORDER BY 1`)
		f.isRefused(because, statement)
		f.same("sessions", f.rows(`SELECT s::text FROM curfew.sessions s ORDER BY 1`), before)
	}
}

// Another program needs no right but to the table it writes: what it fires
// brings version, event and money all the same.
func TestAnotherProgramNeedsNoOtherRight(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	role := f.role()
	f.exec(`GRANT SELECT, INSERT, UPDATE, DELETE ON curfew.sessions, curfew.checkouts TO ` + role)
	as := func(statements ...string) {
		t.Helper()
		f.writes(append([]string{"SET ROLE " + role}, statements...)...)
	}
	st := f.accept(f.admit("ada"), "max")
	as(`UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = 'ada'`, fmt.Sprintf(foreign, "waiting"))
	f.same("the request", f.read(st.ID).Request.Status, curfew.RequestCancelled)
	f.same("the cancelled", f.history(st.ID)[2:], []string{"3 waiting>cancelled system:foreign another program"})
	f.same("the inserted", f.only(`SELECT s.version, e.number, e.actor FROM curfew.sessions s JOIN curfew.events e ON e.subject_id = s.id
		WHERE s.customer_id = 'ada' AND s.status = 'waiting'`), "1 1 system:foreign")
	f.same("the money", f.only(`SELECT money_due FROM curfew.checkouts`), "true")

	as(`UPDATE curfew.checkouts SET outcome = 'refunded' WHERE customer_id = 'ada'`)
	f.same("the payment", f.history(st.CheckoutID)[1:], []string{"2 fulfilled>refunded system:foreign another program"})
	as(`INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) VALUES ('eve', gen_random_uuid(), 'chat10', 'held', 1)`)
	as(`UPDATE curfew.sessions SET status = 'live', version = version + 1 WHERE customer_id = 'ada' AND status = 'waiting'`)
	as(`UPDATE curfew.sessions SET status = 'completed', ended_at = now(), end_reason = 'finished', expires_at = NULL, version = version + 1
		WHERE customer_id = 'ada' AND status = 'live'`)
	for statement, because := range map[string]string{
		`UPDATE curfew.sessions SET status = 'waiting', version = version + 1 WHERE status = 'completed'`:                        "it has ended for ever",
		`UPDATE curfew.checkouts SET outcome = 'held', version = version + 1 WHERE customer_id = 'ada'`:                          "legal is refund_due",
		`UPDATE curfew.checkouts SET outcome = 'credited', version = version + 1 WHERE customer_id = 'eve'`:                      "legal is deferred, fulfilled, ignored, refund_due, refunded, void",
		`INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) VALUES ('eve', gen_random_uuid(), '', 'x', 1)`:   "cannot go from nothing to x",
		`DELETE FROM curfew.checkouts WHERE customer_id = 'eve'`:                                                                 "is not settled",
		`SELECT curfew.tally('session', 'cancelled', 1)`:                                                                         "permission denied for function tally",
		`SELECT curfew.guard_follow(s, 'cancelled') FROM curfew.sessions s`:                                                      "permission denied for function guard_follow",
		`SELECT curfew.guard_event(s, '', '', '') FROM curfew.sessions s`:                                                        "permission denied for function guard_event",
		`CREATE TEMP TABLE x (id text); CREATE TRIGGER t BEFORE DELETE ON x FOR EACH ROW EXECUTE FUNCTION curfew.guard_kept('')`: "permission denied for function curfew.guard_kept",
	} {
		if out, refused := f.psql("SET ROLE "+role, statement); !refused || !strings.Contains(out, because) {
			t.Errorf("%s: refused %t: %s", statement, refused, out)
		}
	}
	f.wantCounted()
}

// role is a database role of the test's own, with a right to the schema alone.
func (f *fixture) role() string {
	f.Helper()
	name := pgx.Identifier{"curfew_test_" + newID()}.Sanitize()
	f.exec(`CREATE ROLE ` + name)
	f.exec(`GRANT USAGE ON SCHEMA curfew TO ` + name)
	f.Cleanup(func() {
		for _, statement := range []string{`DROP OWNED BY `, `DROP ROLE `} {
			if _, err := f.store.pool.Exec(context.WithoutCancel(f.Context()), statement+name); err != nil {
				f.Error(err)
			}
		}
	})
	return name
}

func TestGuardsHoldTheTransitionsOfTheHouse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var want []string
	for _, step := range curfew.Transitions() {
		want = append(want, fmt.Sprintf("%s>%s", step.From, step.To))
	}
	slices.Sort(want)
	got := f.rows(`SELECT from_status || '>' || to_status FROM curfew.session_transitions`)
	slices.Sort(got)
	f.same("the guards' transitions", got, want)
}

func TestGuardsHoldTheOutcomesOfTheHouse(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var want []string
	for _, step := range curfew.OutcomeSteps() {
		want = append(want, fmt.Sprintf("%s>%s", step.From, step.To))
	}
	slices.Sort(want)
	got := f.rows(`SELECT from_outcome || '>' || to_outcome FROM curfew.outcome_steps`)
	slices.Sort(got)
	f.same("the guards' outcomes", got, want)
}

func TestAnotherProgramMovesAPayment(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	st := f.admit("ada")
	f.isRefused("cannot go from fulfilled to promised: legal is credited, forfeited, held, refund_due, refunded, void", `UPDATE curfew.checkouts SET outcome = 'promised'`)
	f.isRefused("leave it to the guards", `UPDATE curfew.checkouts SET version = version + 2`)
	f.isRefused("cannot go from nothing to forfeited", `INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version) VALUES ('ada', gen_random_uuid(), 'chat10', 'forfeited', 1)`)
	f.writes(`UPDATE curfew.sessions SET status = 'cancelled'`, `UPDATE curfew.checkouts SET outcome = 'refunded'`)
	f.same("its history", f.history(st.CheckoutID), []string{"1 >fulfilled service:shop paid", "2 fulfilled>refunded system:foreign another program"})
	f.same("the payment", f.only(`SELECT version, money_due FROM curfew.checkouts`), "2 false")
	f.isRefused("cannot go from refunded to fulfilled: legal is refund_due", `UPDATE curfew.checkouts SET outcome = 'fulfilled'`)
	f.isRefused("history", `UPDATE curfew.events SET customer_id = 'bob'`)
	f.wantCounted()
}

func TestGuardsAreSwitched(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	names := namesIn(guardTriggers)
	if len(names) < 6 {
		t.Fatalf("the guards are %v", names)
	}
	f.missing()
	f.exec(`DROP TRIGGER guard_sessions_moved ON curfew.sessions`)
	f.exec(`ALTER TABLE curfew.events DISABLE TRIGGER guard_events_kept`)
	f.missing("guard_sessions_moved", "guard_events_kept")

	f.must(f.store.SetGuards(t.Context(), false))
	f.missing()
	f.same("guards left", f.rows(selectGuards), []string(nil))
	_, err := f.store.Migrate(t.Context())
	f.must(err)
	f.same("guards after a migration, switched off", f.rows(selectGuards), []string(nil))
	f.must(f.store.Tidy(t.Context(), time.Hour))
	f.admit("ada")
	f.writes(`DELETE FROM curfew.events WHERE customer_id = 'ada'`)

	f.must(f.store.SetGuards(t.Context(), true))
	f.missing()
	f.same("guards", len(f.rows(selectGuards)), len(names))
}

func (f *fixture) missing(want ...string) {
	f.Helper()
	got, err := f.store.GuardsMissing(f.Context())
	f.must(err)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		f.Errorf("missing guards are %v, want %v", got, want)
	}
}

func TestMigrateRepairsGuardsAndOtherwiseLeavesThem(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	installed := func() string {
		return f.only(`SELECT max(t.oid)::text FROM pg_trigger t WHERE tgname LIKE 'guard\_%'`)
	}
	before := installed()
	_, err := f.store.Migrate(t.Context())
	f.must(err)
	f.same("the newest trigger", installed(), before)

	f.exec(`DROP TRIGGER guard_sessions_moved ON curfew.sessions`)
	_, err = f.store.Migrate(t.Context())
	f.must(err)
	f.missing()
}

// Our own writes are right without the guards, and leave one event with them;
// the contract is run with them.
func TestOurWritesAreRightWithoutGuards(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.store.SetGuards(t.Context(), false))
	st := f.start(f.accept(f.admit("ada"), "max"))
	st, err := f.store.Change(t.Context(), endChange(st, curfew.Completed, curfew.Finished))
	f.must(err)
	f.same("events", len(f.history(st.ID)), 4)
	f.same("the request", st.Request.Status, curfew.RequestCompleted)
	f.same("slots", f.rows(`SELECT * FROM curfew.mechanic_slots`), []string(nil))
	late := f.late("bob")
	ended, err := f.store.End(t.Context(), batch(late))
	f.must(err)
	f.same("ended", len(ended), 1)
	f.same("events", len(f.history(late.ID)), 2)
	f.wantCounted()
}

// TRUNCATE would take rows without their triggers.
func TestNothingIsTruncated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := f.store.Change(t.Context(), endChange(f.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	f.must(err)
	for table, because := range map[string]string{
		"sessions CASCADE":   "delete those that have ended",
		"session_requests":   "delete those that have ended",
		"checkouts":          "delete those that are settled",
		"payment_refs":       "reported again",
		"idempotency_keys":   "a repeated call",
		"payment_repayments": "owed again",
		"payment_facts":      "that was paid",
		"mechanic_slots":     "cancel the sessions",
		"events":             "history",
		"tallies":            "curfew migrate --recount",
	} {
		f.isRefused(because, `TRUNCATE curfew.`+table)
	}
	f.same("payments", f.only(`SELECT count(*) FROM curfew.checkouts`), "1")
	f.wantCounted()
}
