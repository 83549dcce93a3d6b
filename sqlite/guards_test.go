package sqlite_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/sqlite"
)

func TestGuards_AnOverdueSessionDoesNotStandInAnInsertsWay(t *testing.T) {
	t.Parallel()
	assigned := func(t *testing.T, s *sqlite.Store, st curfew.Snapshot) curfew.Snapshot {
		return accept(t, s, st, "max")
	}
	for name, test := range map[string]struct {
		before                           func(*testing.T, *sqlite.Store, curfew.Snapshot) curfew.Snapshot
		tear                             string // done to the file first
		status, reason, request, outcome string
	}{
		"waiting":  {status: "cancelled", reason: "expired", request: "expired", outcome: "fulfilled 1"},
		"assigned": {before: assigned, status: "cancelled", reason: "unattended", request: "cancelled", outcome: "fulfilled 1"},
		"assigned, and the mechanic is in": {
			before: assigned, tear: "UPDATE sessions SET mechanic_joined_at = 1", status: "cancelled", reason: "no_show", request: "cancelled", outcome: "fulfilled 1",
		},
		"live": {
			before: func(t *testing.T, s *sqlite.Store, st curfew.Snapshot) curfew.Snapshot {
				return start(t, s, accept(t, s, st, "max"))
			},
			status: "completed", reason: "overran", request: "completed", outcome: "fulfilled 0",
		},
		"orphan": {
			tear:   "UPDATE session_requests SET status = 'cancelled', ended_at = 1",
			status: "cancelled", reason: "orphaned", request: "cancelled", outcome: "fulfilled 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, path := fresh(t)
			st := admit(t, s, "ada")
			if test.before != nil {
				st = test.before(t, s, st)
			}
			was := st.Status
			must(t, path, test.tear+"; UPDATE sessions SET created_at = created_at - 7200000000, started_at = started_at - 7200000000, expires_at = "+inMicros(-time.Second))
			must(t, path, insert("ada", newID()))

			got, err := s.Session(t.Context(), st.ID)
			if err != nil {
				t.Fatal(err)
			}
			if string(got.Status) != test.status || string(got.EndReason) != test.reason || got.Version != st.Version+1 ||
				got.EndedAt.IsZero() || !got.ExpiresAt.IsZero() || string(got.Request.Status) != test.request {
				t.Errorf("the overdue session is now %+v", got)
			}
			if test.reason == "overran" && got.EndedAt.Sub(got.StartedAt) != got.Duration {
				t.Errorf("an overrun session counts %s, not what was bought", got.EndedAt.Sub(got.StartedAt))
			}
			if outcome := must(t, path, "SELECT outcome || ' ' || money_due FROM checkouts"); outcome != test.outcome {
				t.Errorf("its checkout is %s, want %s", outcome, test.outcome)
			}
			if slots := must(t, path, "SELECT count(*) FROM mechanic_slots"); slots != "0" {
				t.Errorf("%s slots are left", slots)
			}
			last := fmt.Sprintf("%d %s>%s system:guard %s", got.Version, was, test.status, test.reason)
			if h := history(t, path, st.ID); !strings.HasSuffix(h, last) || strings.Count(h, "\n") != int(got.Version)-1 {
				t.Errorf("its history is\n%s\nand should end with %s", h, last)
			}
			open, err := s.Open(t.Context(), "ada")
			if err != nil || open.Version != 1 || open.Status != curfew.Waiting {
				t.Errorf("the new session is %+v, %v", open, err)
			}
			if h := history(t, path, open.ID); h != "1 >waiting system:foreign another program" {
				t.Errorf("the new session's history is %s", h)
			}
		})
	}
}

func TestGuards_ASecondOpenSessionIsRefused(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := admit(t, s, "ada")
	sentence := "Only one session allowed at a time"
	refused(t, path, insert("ada", newID()), sentence)
	refused(t, path, strings.Replace(insert("ada", newID()), "INSERT", "INSERT OR REPLACE", 1), sentence)
	refused(t, path, strings.Replace(insert("ada", st.ID), "INSERT", "INSERT OR REPLACE", 1), "there already")
	must(t, path, insert("bob", newID()))
	refused(t, path, insert("bob", newID()), sentence)
}

func TestGuards_ACancelBringsAllThatFollows(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := accept(t, s, admit(t, s, "ada"), "max")
	must(t, path, "UPDATE sessions SET status = 'cancelled' WHERE id = '"+st.ID+"'")

	got, err := s.Session(t.Context(), st.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != curfew.Cancelled || got.EndReason != curfew.Foreign || got.Version != 3 || got.MechanicID != "max" ||
		got.EndedAt.IsZero() || !got.ExpiresAt.IsZero() || got.Request.Status != curfew.RequestCancelled {
		t.Errorf("the session is now %+v", got)
	}
	if _, err := s.Slot(t.Context(), "max"); !errors.Is(err, curfew.NotFound) {
		t.Errorf("the slot is not free: %v", err)
	}
	want := "1 >waiting service:shop paid\n2 waiting>waiting mechanic:max accepted\n3 waiting>cancelled system:foreign another program"
	if h := history(t, path, st.ID); h != want {
		t.Errorf("the history is\n%s\nwant\n%s", h, want)
	}
	due, err := s.Unsettled(t.Context(), "ada", 9)
	if err != nil || len(due) != 1 || !due[0].Checkout.MoneyDue || due[0].Session.ID != st.ID {
		t.Errorf("money due: %+v, %v", due, err)
	}
}

func TestGuards_AStepOfAnotherProgramLeavesItsEvent(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := accept(t, s, admit(t, s, "ada"), "max")
	must(t, path, "UPDATE sessions SET status = 'live'")
	got, err := s.Session(t.Context(), st.ID)
	if err != nil || got.Version != 3 || got.StartedAt.IsZero() || got.Request.Status != curfew.Accepted {
		t.Errorf("the session is now %+v, %v", got, err)
	}
	must(t, path, "UPDATE sessions SET status = 'completed', end_reason = 'finished'")
	got, err = s.Session(t.Context(), st.ID)
	if err != nil || got.Version != 4 || got.EndReason != curfew.Finished || got.Request.Status != curfew.RequestCompleted {
		t.Errorf("the session is now %+v, %v", got, err)
	}
	want := "3 waiting>live system:foreign another program\n4 live>completed system:foreign another program"
	if h := history(t, path, st.ID); !strings.HasSuffix(h, want) {
		t.Errorf("the history is\n%s", h)
	}
}

// TestGuards_IllegalStepsAreRefused tries every pair of statuses.
func TestGuards_IllegalStepsAreRefused(t *testing.T) {
	t.Parallel()
	for _, from := range curfew.SessionStatuses() {
		t.Run(string(from), func(t *testing.T) {
			t.Parallel()
			s, path := fresh(t)
			put(t, s, path, from)
			for _, to := range curfew.SessionStatuses() {
				if curfew.Legal(from, to) || from == to {
					continue
				}
				words := []string{"from " + string(from) + " to " + string(to)}
				for _, legal := range curfew.Transitions() {
					if legal.From == from {
						words = append(words, string(legal.To))
					}
				}
				if from.Ended() {
					words = append(words, "ended for ever")
				}
				refused(t, path, "UPDATE sessions SET status = '"+string(to)+"', ended_at = NULL, expires_at = 1, starts_at = 1", words...)
			}
			refused(t, path, "UPDATE sessions SET version = version + 2", "leave it to the guards")
			refused(t, path, "UPDATE sessions SET version = version - 1", "leave it to the guards")
		})
	}
}

// put makes one session of a status.
func put(t *testing.T, s *sqlite.Store, path string, status curfew.SessionStatus) {
	t.Helper()
	if status == curfew.Scheduled {
		must(t, path, "INSERT INTO sessions (customer_id, id, status, starts_at, expires_at) VALUES ('ada', 'x', 'scheduled', 1, 1)")
		return
	}
	st := admit(t, s, "ada")
	if status == curfew.Waiting {
		return
	}
	if status != curfew.Cancelled {
		start(t, s, accept(t, s, st, "max"))
	}
	if status.Ended() {
		must(t, path, "UPDATE sessions SET status = '"+string(status)+"'")
	}
}

func TestGuards_AnIllegalFirstStatusIsRefused(t *testing.T) {
	t.Parallel()
	_, path := fresh(t)
	for _, status := range []string{"live", "completed", "cancelled"} {
		refused(t, path, strings.Replace(insert("ada", newID()), "'waiting'", "'"+status+"'", 1), "from nothing to "+status, "scheduled", "waiting")
	}
}

func TestGuards_WhatHoldsSomethingStays(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := admit(t, s, "ada")
	refused(t, path, "DELETE FROM sessions", "set its status to 'cancelled' instead")
	refused(t, path, "UPDATE events SET reason = 'x'", "history")
	refused(t, path, "DELETE FROM events", "history")
	end(t, s, st)
	refused(t, path, "DELETE FROM checkouts", "still owes")
	must(t, path, "DELETE FROM session_requests; DELETE FROM sessions")
}

func TestGuards_OurOwnWritesLeaveOneEventEach(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := start(t, s, accept(t, s, admit(t, s, "ada"), "max"))
	end(t, s, st)
	want := "1 >waiting service:shop paid\n2 waiting>waiting mechanic:max accepted\n3 waiting>live customer:ada joined\n4 live>cancelled customer:ada over"
	if h := history(t, path, st.ID); h != want {
		t.Errorf("the history is\n%s\nwant\n%s", h, want)
	}
	if h := history(t, path, st.CheckoutID); h != "1 >fulfilled service:shop paid\n2 fulfilled>credited customer:ada over" {
		t.Errorf("the payment's history is\n%s", h)
	}
}

func TestGuards_TheirTransitionsAreTheTables(t *testing.T) {
	t.Parallel()
	_, path := fresh(t)
	var want []string
	for _, step := range curfew.Transitions() {
		want = append(want, string(step.From+"|"+step.To))
	}
	slices.Sort(want)
	got := strings.Split(must(t, path, "SELECT from_status, to_status FROM session_transitions"), "\n")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the guards' transitions (-curfew +guards.sql):\n%s", diff)
	}
}

func TestGuards_TheirOutcomesAreTheTables(t *testing.T) {
	t.Parallel()
	_, path := fresh(t)
	var want []string
	for _, step := range curfew.OutcomeSteps() {
		want = append(want, string(step.From+"|"+step.To))
	}
	slices.Sort(want)
	got := strings.Split(must(t, path, "SELECT from_outcome, to_outcome FROM outcome_steps"), "\n")
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the guards' outcomes (-curfew +guards.sql):\n%s", diff)
	}
}

func TestGuards_AnotherProgramMovesAPayment(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	st := admit(t, s, "ada")
	refused(t, path, "UPDATE checkouts SET outcome = 'deferred'", "from fulfilled: legal is credited, forfeited, held, refund_due, refunded, void")
	refused(t, path, "UPDATE checkouts SET version = version + 2", "leave it to the guards")
	refused(t, path, "INSERT INTO checkouts (customer_id, id, plan, outcome, version) VALUES ('ada', 'x', 'chat10', 'forfeited', 1)", "cannot begin so")
	must(t, path, "UPDATE sessions SET status = 'cancelled'; UPDATE checkouts SET outcome = 'refunded'")
	want := "1 >fulfilled service:shop paid\n2 fulfilled>refunded system:foreign another program"
	if h := history(t, path, st.CheckoutID); h != want {
		t.Errorf("the payment's history is\n%s", h)
	}
	if row := must(t, path, "SELECT version || ' ' || money_due FROM checkouts"); row != "2 0" {
		t.Errorf("the payment has version and mark %s", row)
	}
	refused(t, path, "UPDATE checkouts SET outcome = 'fulfilled'", "from refunded: legal is refund_due")
	refused(t, path, "UPDATE events SET customer_id = 'bob'", "history")
}

func TestGuards_AreSwitchedOnPurpose(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	missing := func() []string {
		names, err := s.GuardsMissing(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if names := missing(); len(names) > 0 {
		t.Errorf("missing after a migration: %v", names)
	}
	must(t, path, "DROP TRIGGER guard_events_kept")
	if diff := cmp.Diff([]string{"guard_events_kept"}, missing()); diff != "" {
		t.Errorf("missing after one was dropped:\n%s", diff)
	}
	for _, on := range []bool{false, true} {
		if err := s.SetGuards(t.Context(), on); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := must(t, path, "SELECT count(*) > 0 FROM sqlite_schema WHERE name GLOB 'guard_*'"); n != map[bool]string{true: "1", false: "0"}[on] {
			t.Errorf("guards switched to %t: there are some is %s", on, n)
		}
		if names := missing(); len(names) > 0 {
			t.Errorf("guards switched to %t, but missing: %v", on, names)
		}
	}
	must(t, path, "DROP TRIGGER guard_events_kept; CREATE TRIGGER guard_events_kept BEFORE DELETE ON events BEGIN SELECT 1; END")
	if _, err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	admit(t, s, "ada")
	refused(t, path, "DELETE FROM events", "history")
}
