package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

// market is what Curfew is told of two adopted tables. It notes what it is asked to do, and
// does it to the mirrors, as the triggers on its tables would.
type market struct {
	*environment
	rules map[string][]curfew.EndReason // that are enforced, by table
	fails error                         // of every write
	asked []string
}

func (m *market) Enforced(context.Context) ([]string, error) {
	var names []string
	for name, rules := range m.rules {
		if len(rules) > 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *market) May(source string, reason curfew.EndReason) (bool, string) {
	return slices.Contains(m.rules[source], reason), source + " is in mode shadow"
}

func (m *market) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	m.asked = append(m.asked, fmt.Sprintf("change %s of %s to %s %s", c.From.AdoptedID, c.From.AdoptedFrom, c.To, c.EndedBy))
	if m.fails != nil {
		return curfew.Snapshot{}, m.fails
	}
	m.row(c.From.AdoptedFrom, c.From.AdoptedID, c.From.CustomerID, c.To, c.Assign)
	return m.Store.Session(ctx, c.From.ID)
}

func (m *market) End(ctx context.Context, source string, b record.Batch) ([]record.Ended, error) {
	var all []record.Ended
	for _, e := range b.Ends {
		s, err := m.Store.Session(ctx, e.SessionID)
		if err != nil {
			return nil, err
		}
		m.asked = append(m.asked, fmt.Sprintf("end %s of %s %s", s.AdoptedID, source, e.Reason))
		if m.fails != nil {
			return nil, m.fails
		}
		m.row(source, s.AdoptedID, s.CustomerID, b.Rule.To, "", string(e.Reason), b.RunID)
		ended, err := m.Store.Session(ctx, e.SessionID)
		if err != nil {
			return nil, err
		}
		all = append(all, record.Ended{Session: ended.Session, Deadline: s.ExpiresAt, RequestEnded: s.Offered()})
	}
	return all, nil
}

func (m *market) Findings(context.Context) ([]record.Finding, error) {
	return []record.Finding{{Code: "adopted_drift", Count: 2, Problem: "2 rows of bookings differ", Fix: "curfew adopt verify bookings"}}, nil
}

// adopted is an environment on PostgreSQL with two adopted tables, of which these rules of
// bookings are enforced.
func adopted(t *testing.T, rules ...curfew.EndReason) (*environment, *market) {
	t.Helper()
	policy := curfew.DefaultPolicy()
	m := &market{rules: map[string][]curfew.EndReason{"bookings": rules}}
	m.environment = newEnvironmentWith(t, stores.Postgres(t), lifecycle.Options{Policy: &policy, Adopted: m})
	return m.environment, m
}

// row mirrors a row, whose deadline passed an hour ago. What ends it is a reason and a run.
func (env *environment) row(source, id, customer string, status curfew.SessionStatus, mechanic string, over ...string) {
	env.Helper()
	why, run := "", ""
	if len(over) > 0 {
		why, run = over[0], over[1]
	}
	env.Exec(env, `SELECT curfew.adopt($1, 'service:' || $1, coalesce(nullif($6::text, ''), 'their row'), nullif($6, ''), nullif($7::text, '')::uuid, ARRAY[jsonb_populate_record(NULL::curfew.adopted_row,
		jsonb_build_object('adopted_id', $2::text, 'word', $3::text, 'status', $3::text, 'customer_id', $4::text, 'mechanic_id', nullif($5::text, ''),
			'created_at', now() - interval '3 hours', 'starts_at', now() - interval '2 hours', 'expires_at', now() - interval '1 hour'))])`,
		source, id, string(status), customer, mechanic, why, run)
}

// bookings is one overdue row in each status, of customers of its own.
func (env *environment) bookings() map[string]curfew.Snapshot {
	env.Helper()
	all := map[string]curfew.Snapshot{}
	for i, r := range []struct {
		customer, mechanic string
		status             curfew.SessionStatus
	}{{"ann", "", curfew.Waiting}, {"bob", "mia", curfew.Waiting}, {"cat", "max", curfew.Live}, {"dan", "", curfew.Scheduled}} {
		env.row("bookings", fmt.Sprint(i+1), r.customer, r.status, r.mechanic)
		all[r.customer] = must(env.Store.Unended(env.Context(), r.customer))(env)[0]
	}
	return all
}

// theirs is what is known of every mirror.
func (env *environment) theirs() []string {
	env.Helper()
	var all []string
	for _, row := range env.Query(env, `SELECT adopted_id, status, version, coalesce(end_reason, '') FROM curfew.sessions WHERE adopted_from <> '' ORDER BY 1`) {
		all = append(all, strings.Join(row, " "))
	}
	return all
}

// What is only watched is ended by nobody, and every refusal names the row and the mode.
func TestNothingEndsWhatIsOnlyWatched(t *testing.T) {
	t.Parallel()
	for mode, says := range map[string]string{"shadow": "bookings is in mode shadow", "no mapping": "this program has no mapping of that table"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			env, m := adopted(t)
			defer storetest.CheckInvariants(t, env.Harness)
			if mode == "no mapping" {
				policy := curfew.DefaultPolicy()
				env = newEnvironmentWith(t, env.Harness, lifecycle.Options{Policy: &policy})
			}
			rows := env.bookings()
			before := env.theirs()
			env.sweepsNothing()
			env.refusesEverything(rows, says)
			if diff := cmp.Diff(before, env.theirs()); diff != "" {
				t.Errorf("their mirrors changed (-was +is):\n%s", diff)
			}
			if len(m.asked) > 0 {
				t.Errorf("their rows were asked for %q", m.asked)
			}
			if apart := must(env.Store.Quarantined(t.Context(), 10))(t); len(apart) > 0 {
				t.Errorf("set apart: %v", apart)
			}
		})
	}
}

// sweepsNothing runs every cleanup that there is.
func (env *environment) sweepsNothing() {
	env.Helper()
	ctx := env.Context()
	byAge := byHand
	byAge.MaxAge, byAge.Reason = time.Hour, "the shop closes"
	for what, clean := range map[string]func() (curfew.Stats, error){
		"the sweeper":           func() (curfew.Stats, error) { return env.Sweep(ctx) },
		"the sweep of orphans":  func() (curfew.Stats, error) { return env.SweepOrphans(ctx) },
		"a full cleanup":        func() (curfew.Stats, error) { return env.RunFullCleanup(ctx) },
		"a cleanup by age":      func() (curfew.Stats, error) { run, err := env.RunCleanup(ctx, byAge); return run.Stats, err },
		"one of a customer":     func() (curfew.Stats, error) { return env.CleanupCustomerWaitingSessions(ctx, "ann", 0) },
		"one of expired offers": func() (curfew.Stats, error) { return env.CleanupExpiredRequests(ctx, time.Minute) },
		"the preview of a run":  func() (curfew.Stats, error) { p, err := env.Preview(ctx, byHand); return p.Stats(), err },
		"a dry run":             func() (curfew.Stats, error) { r, err := env.DryRun(ctx); return r.Stats, err },
		"a look at the customer": func() (curfew.Stats, error) {
			_, err := env.CheckCustomerSessionStatus(ctx, "ann")
			return curfew.Stats{}, err
		},
	} {
		if stats, err := clean(); err != nil || stats != (curfew.Stats{}) {
			env.Errorf("%s: %+v, %v", what, stats, err)
		}
	}
}

func (env *environment) refusesEverything(rows map[string]curfew.Snapshot, says string) {
	env.Helper()
	ctx := env.Context()
	blocker := must(env.CheckCustomerSessionStatus(ctx, "ann"))(env)
	if blocker == nil || !strings.Contains(blocker.Why, "row 1 of bookings") || !strings.Contains(blocker.Why, says) || !blocker.ReleasesAt.IsZero() {
		env.Errorf("ann is blocked by %+v", blocker)
	}
	_, err := env.CreateSession(ctx, shop, lifecycle.NewSession{CustomerID: "ann", Plan: "free"})
	if !errors.Is(err, curfew.SessionOpen) || !strings.Contains(err.Error(), "row 1 of bookings") || !strings.Contains(err.Error(), "Only one session allowed at a time.") {
		env.Errorf("a new session: %v", err)
	}
	if f := env.pay("ann", "p-ann"); f.Outcome != curfew.Deferred || f.Blocker == nil || f.Blocker.Session.ID != rows["ann"].ID {
		env.Errorf("a payment of a blocked customer is %+v", f)
	}
	ann, bob, cat := rows["ann"], rows["bob"], rows["cat"]
	mia, customer := curfew.Actor{Role: curfew.Mechanic, ID: "mia"}, curfew.Actor{Role: curfew.Customer, ID: "bob"}
	for what, refused := range map[string]func() (curfew.Snapshot, error){
		"accept":   func() (curfew.Snapshot, error) { return env.Accept(ctx, ann.Request.ID, "eva") },
		"cancel":   func() (curfew.Snapshot, error) { return env.Cancel(ctx, ann.ID, shop) },
		"end":      func() (curfew.Snapshot, error) { return env.End(ctx, cat.ID, admin) },
		"join":     func() (curfew.Snapshot, error) { return env.Join(ctx, bob.ID, customer) },
		"drop":     func() (curfew.Snapshot, error) { return env.Cancel(ctx, bob.ID, mia) },
		"release":  func() (curfew.Snapshot, error) { return env.Release(ctx, bob.Request.ID, "mia") },
		"unassign": func() (curfew.Snapshot, error) { return env.Unassign(ctx, admin, bob.ID, "ill") },
		"missed":   func() (curfew.Snapshot, error) { return env.End(ctx, rows["dan"].ID, admin) },
	} {
		if _, err := refused(); !errors.Is(err, curfew.Conflict) || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), " of bookings") {
			env.Errorf("%s: %v", what, err)
		}
	}
	for _, force := range []bool{false, true} {
		cleared := must(env.Clear(ctx, admin, lifecycle.Clearing{CustomerID: "cat", Force: force, Reason: "stuck"}))(env)
		if len(cleared.Ended) > 0 || len(cleared.Kept) != 1 || !strings.Contains(cleared.Kept[0].Why, "row 3 of bookings") {
			env.Errorf("a clearing, by force %t: %+v", force, cleared)
		}
	}
	_, err = env.Extend(ctx, shop, lifecycle.Extension{SessionID: cat.ID, Plan: "extend10", PaymentRef: "p-more"})
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "row 3 of bookings") {
		env.Errorf("an extension: %v", err)
	}
}

// An overdue row that nobody may end holds no mechanic up.
func TestAMechanicIsFreeOfWhatIsOnlyWatched(t *testing.T) {
	t.Parallel()
	env, _ := adopted(t)
	defer storetest.CheckInvariants(t, env.Harness)
	env.bookings()
	f := env.pay("ada", "p-1")
	if s := must(env.Accept(t.Context(), f.RequestID, "mia"))(t); s.MechanicID != "mia" {
		t.Errorf("the session has mechanic %q", s.MechanicID)
	}
}

func TestTheSweeperEndsTheRowsOfEnforcedRules(t *testing.T) {
	t.Parallel()
	env, m := adopted(t, curfew.Expired, curfew.Overran, curfew.Missed)
	defer storetest.CheckInvariants(t, env.Harness)
	env.bookings()
	env.row("calls", "9", "eve", curfew.Waiting, "") // a table that is only watched
	own := env.pay("ada", "p-1")
	env.Age(env, own.SessionID, longAgo)
	stats := must(env.Sweep(t.Context()))(t)
	if diff := cmp.Diff([]string{"end 1 of bookings expired", "end 3 of bookings overran", "end 4 of bookings missed"}, m.asked); diff != "" {
		t.Errorf("their rows were asked for (-want +got):\n%s", diff)
	}
	want := curfew.Stats{OldWaitingSessions: 2, ExpiredRequests: 2, Overran: 2, ScheduledMissed: 1, TotalCleaned: 7}
	if stats != want {
		t.Errorf("the sweep counts %+v, want %+v", stats, want)
	}
	if again := must(env.Sweep(t.Context()))(t); again.TotalCleaned > 0 || len(m.asked) > 3 {
		t.Errorf("the next sweep counts %+v and asks %q", again, m.asked)
	}
	runs := must(env.Runs(t.Context(), curfew.Cursor{}, 10))(t)
	if len(runs) != 2 {
		t.Errorf("there are %d runs, want one of Curfew's own and one of the table", len(runs))
	}
}

// Whatever is wrong with a table of theirs, Curfew's own sessions and payments are settled.
func TestATableThatFailsHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	env, m := adopted(t, curfew.Expired)
	defer storetest.CheckInvariants(t, env.Harness)
	for i := range 30 { // as many as a run takes for hopeless
		env.row("bookings", fmt.Sprint(i), fmt.Sprint("theirs-", i), curfew.Waiting, "")
	}
	m.fails = curfew.Errorf(curfew.Internal, "column status does not exist")
	own := env.pay("ada", "p-1")
	waits := env.pay("ada", "p-2")
	env.Age(env, own.SessionID, longAgo)
	if _, err := env.Sweep(t.Context()); err == nil {
		t.Error("the sweep does not say that it failed")
	}
	env.is(own.SessionID, curfew.Cancelled, curfew.Expired, curfew.RequestExpired, curfew.Credited)
	if c := must(env.Checkout(t.Context(), waits.CheckoutID))(t); c.Outcome != curfew.Fulfilled {
		t.Errorf("the payment that waited is %s", c.Outcome)
	}
}

// The customer's own next call ends their overdue row first.
func TestAnOverdueRowOfAnEnforcedRuleBlocksNobody(t *testing.T) {
	t.Parallel()
	env, m := adopted(t, curfew.Expired)
	defer storetest.CheckInvariants(t, env.Harness)
	env.bookings()
	if b := must(env.CheckCustomerSessionStatus(t.Context(), "ann"))(t); b != nil {
		t.Errorf("ann is blocked by %+v", b)
	}
	if f := env.pay("ann", "p-1"); f.Outcome != curfew.Fulfilled {
		t.Errorf("ann's payment is %s", f.Outcome)
	}
	if want := []string{"change 1 of bookings to cancelled expired"}; !slices.Equal(m.asked, want) {
		t.Errorf("their rows were asked for %q, want %q", m.asked, want)
	}
	if b := must(env.CheckCustomerSessionStatus(t.Context(), "bob"))(t); b == nil || b.Why == "" {
		t.Errorf("bob, whose rule is not enforced, is blocked by %+v", b)
	}
}

// A preview ends what it showed while that is enforced, and otherwise says why not.
func TestAPreviewIsRoutedToItsTable(t *testing.T) {
	t.Parallel()
	env, m := adopted(t, curfew.Expired, curfew.NoShow)
	defer storetest.CheckInvariants(t, env.Harness)
	env.bookings()
	own := env.pay("ada", "p-1")
	env.Age(env, own.SessionID, longAgo)
	p := must(env.StorePreview(t.Context(), byHand))(t)
	var from []string
	for _, it := range p.Items {
		from = append(from, it.AdoptedFrom+it.AdoptedID)
	}
	if diff := cmp.Diff([]string{"", "bookings1", "bookings2"}, from, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("the preview has (-want +got):\n%s", diff)
	}
	m.rules["bookings"] = []curfew.EndReason{curfew.NoShow}
	run, drifted, err := env.ExecutePreview(t.Context(), p.ID, byHand)
	if err != nil || run.Stats.NoShows == 0 || len(drifted) != 1 || !strings.Contains(drifted[0].Why, "row 1 of bookings: bookings is in mode shadow") {
		t.Errorf("the run counts %+v, drift %+v: %v", run.Stats, drifted, err)
	}
	if want := []string{"end 2 of bookings no_show"}; !slices.Equal(m.asked, want) {
		t.Errorf("their rows were asked for %q, want %q", m.asked, want)
	}
}

// What a run has ended of theirs comes back by their own program alone.
func TestARowThatWasEndedIsNotRevived(t *testing.T) {
	t.Parallel()
	env, _ := adopted(t, curfew.Expired)
	defer storetest.CheckInvariants(t, env.Harness)
	row := env.bookings()["ann"]
	run := must(env.RunCleanup(t.Context(), byHand))(t)
	undone := env.undo(run.ID)
	if len(undone.Revived) > 0 {
		t.Errorf("revived: %+v", undone.Revived)
	}
	if why := whys(undone)[row.ID]; !strings.Contains(why, "its row is in their table (row 1 of bookings); only the app can make a new one") {
		t.Errorf("not revived, because %q", why)
	}
}

func TestHealthReportsAdoptedTables(t *testing.T) {
	t.Parallel()
	env, _ := adopted(t)
	defer storetest.CheckInvariants(t, env.Harness)
	env.bookings()
	r := env.Report(t.Context())
	i := slices.IndexFunc(r.Findings, func(f lifecycle.Finding) bool { return f.Code == "adopted_drift" })
	if i < 0 || r.Findings[i].Fix != "curfew adopt verify bookings" || r.Findings[i].Severity != lifecycle.Warning {
		t.Errorf("the findings are %+v", r.Findings)
	}
	codes := []lifecycle.Code{lifecycle.StaleSessions, lifecycle.OverdueLive, lifecycle.OverdueAssigned, lifecycle.OverdueScheduled}
	for _, code := range codes { // their fixes would heal nothing
		if found(r, code) {
			t.Errorf("a table that is only watched has the finding %s", code)
		}
	}
	env.Exec(env, `INSERT INTO curfew.adoptions (name, relation, mode) VALUES ('bookings', 'public.bookings', 'enforce')`)
	r = env.Report(t.Context())
	for _, code := range codes {
		if !found(r, code) {
			t.Errorf("an enforced table lacks the finding %s: %+v", code, r.Findings)
		}
	}
}

// Explain names the row, who moved it, and why it stays.
func TestExplainNamesTheRow(t *testing.T) {
	t.Parallel()
	env, _ := adopted(t)
	defer storetest.CheckInvariants(t, env.Harness)
	row := env.bookings()["ann"]
	line := must(env.Explain(t.Context(), "ann", curfew.Cursor{}))(t)
	text := line.Summary
	for _, en := range line.Entries {
		text += "\n" + en.Sentence
	}
	for _, want := range []string{
		"Customer ann is blocked by session " + row.ID + " (row 1 of bookings) (waiting, no mechanic yet) until that ends.",
		"Curfew does not end it: ", "bookings is in mode shadow",
		"Session " + row.ID + " (row 1 of bookings) began to wait for a mechanic (by the app (bookings)).",
		"is overdue from then on, and Curfew does not end it",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if len(line.Actions) > 0 {
		t.Errorf("it offers %+v", line.Actions)
	}
}
