package timeline_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

var (
	uuids   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	moments = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)
)

// plainly is a text without ids and times.
func plainly(text string) string {
	return moments.ReplaceAllString(uuids.ReplaceAllString(text, "ID"), "TIME")
}

// linesOf is the lines of a timeline, each with its kind.
func linesOf(s timeline.Timeline) []string {
	var lines []string
	for _, en := range s.Entries {
		lines = append(lines, string(en.Kind)+": "+plainly(en.Sentence))
	}
	return lines
}

func TestTheTimelineOfACustomer(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p1")
		env.pay("c", "p2") // waits for the slot
		if _, err := env.Admission.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"}); !errors.Is(err, curfew.SessionOpen) {
			env.Fatal(err)
		}
		must(env.Queue.Accept(env.Context(), f.RequestID, "m"))(env)
		must(env.Queue.Unassign(env.Context(), admin, f.SessionID, "he is ill"))(env)
		env.Age(env, f.SessionID, longAgo)
		run := env.cleanUp("monday") // p2 has the slot now
		must(env.Sessions.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c", Reason: "he asked"}))(env)
		env.undo(run.ID)
		before := env.Dump(env)
		line := env.explain("c")
		if before != env.Dump(env) {
			env.Error("explaining changed something")
		}
		want := []string{
			"session: Session ID (chat10, 30 minutes) began to wait for a mechanic (by service shop).",
			"payment: Payment p1 (29.00 EUR, chat10) brought its session (by service shop).",
			"payment: Payment p2 (29.00 EUR, chat10) came while the customer's slot was taken: it waits for it (by service shop).",
			"refusal: The customer was refused: session ID held the slot.",
			"refusal: The customer was refused: session ID held the slot.",
			"request: A mechanic accepted session ID (by mechanic m).",
			"session: Session ID was put back into the queue (by admin anna: he is ill).",
			"run: Cleanup run ID changed 2 rows in all; run ID undid it (by admin anna: monday).",
			"session: Nobody accepted session ID in time: it ended (by admin anna: monday).",
			"payment: Payment p1 (29.00 EUR, chat10) became a credit: it pays for the customer's next session of its plan (by admin anna: expired: monday).",
			"session: Session ID (chat10, 30 minutes) began to wait for a mechanic (by an admission).",
			"payment: The slot was free: payment p2 (29.00 EUR, chat10) brought its session (by an admission).",
			"session: Session ID was ended by hand before its deadline (by admin anna: he asked).",
			"payment: Payment p2 (29.00 EUR, chat10) became a credit: it pays for the customer's next session of its plan (by admin anna: cleared: he asked).",
			"run: Run ID undid run ID: 1 session was revived (by admin anna: too early).",
			"session: Session ID (chat10, 30 minutes) began to wait for a mechanic in place of session ID (by admin anna: too early).",
			"payment: The credit of payment p1 (29.00 EUR, chat10) was spent on a new session (by admin anna: revived: too early).",
			"deadline: Session ID ends by itself (expired), unless a mechanic has accepted it; its payment is then credited.",
		}
		if diff := cmp.Diff(want, linesOf(line)); diff != "" {
			env.Errorf("the timeline (-want +got):\n%s", diff)
		}
		if !slices.IsSortedFunc(line.Entries, func(a, b timeline.Entry) int { return a.At.Compare(b.At) }) {
			env.Error("it is not in the order of time")
		}
		if line.Blocker == nil || len(line.Sessions) != 3 || len(line.Checkouts) != 2 || line.More || line.CustomerID != "c" {
			env.Errorf("beside: %+v", line)
		}
	})
}

func TestEveryTargetLeadsToTheTimeline(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := purchase("c", "p1")
		p.Email = "home@example.org"
		f := must(env.Admission.FulfillCheckout(env.Context(), shop, p))(env)
		for subject, want := range map[string]timeline.TargetKind{
			"c": timeline.OfCustomer, f.SessionID: timeline.OfSession, f.RequestID: timeline.OfRequest,
			f.CheckoutID: timeline.OfCheckout, "p1": timeline.OfReference, "home@example.org": timeline.OfEmail,
		} {
			line := env.explain(subject)
			if line.Target != (timeline.Target{Kind: want, ID: subject}) || line.CustomerID != "c" || len(line.Entries) != 3 || line.Blocker == nil {
				env.Errorf("%s: %+v", subject, line)
			}
		}
		p = purchase("d", "p2")
		p.Email = "home@example.org"
		must(env.Admission.FulfillCheckout(env.Context(), shop, p))(env)
		line := env.explain("home@example.org")
		if diff := cmp.Diff([]string{"c", "d"}, line.Customers); diff != "" || line.CustomerID != "" ||
			line.Summary != "2 customers have paid with this address: ask for one of them." {
			env.Errorf("an address of two: %+v", line)
		}
	})
}

func TestAnUnknownSubjectSaysWhatWasTried(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for subject, want := range map[string]string{
			"nobody": `there is no customer, payment reference or e-mail address "nobody"`,
			"00000000-0000-7000-8000-000000000000": `there is no session, request, checkout, run, customer, payment reference or e-mail address ` +
				`"00000000-0000-7000-8000-000000000000"`,
			"%": `there is no customer, payment reference or e-mail address "%"`,
		} {
			_, err := env.Explain(env.Context(), subject, curfew.Cursor{})
			if !errors.Is(err, curfew.NotFound) || err.Error() != want {
				env.Errorf("%s: %v", subject, err)
			}
		}
		for _, subject := range []string{"", "a\x00", curfew.Nobody, strings.Repeat("x", 300)} {
			if _, err := env.Explain(env.Context(), subject, curfew.Cursor{}); !errors.Is(err, curfew.Invalid) {
				env.Errorf("%q: %v", subject, err)
			}
		}
	})
}

// The first sentence answers, and the actions are what can be done then.
func TestTheAnswerAndWhatCanBeDone(t *testing.T) {
	for sentence, test := range map[string]struct {
		begin   func(env *environment) (subject string)
		want    string
		actions []lifecycle.ActionName
	}{
		"waiting": {
			begin:   func(env *environment) string { env.pay("c", "p1"); return "c" },
			want:    "Customer c is blocked by session ID (waiting, no mechanic yet), at the latest until TIME; what can be done: cancel, wait.",
			actions: []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.RefundPayment},
		},
		"accepted": {
			begin:   func(env *environment) string { env.accepted("c", "p1"); return "c" },
			want:    "Customer c is blocked by session ID (waiting, with mechanic m), at the latest until TIME; what can be done: cancel, wait.",
			actions: []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.ReleaseSlot, lifecycle.RefundPayment},
		},
		"live": {
			begin:   func(env *environment) string { env.live("c", "p1"); return "c" },
			want:    "Customer c is blocked by session ID (live, with mechanic m), at the latest until TIME; what can be done: end, wait.",
			actions: []lifecycle.ActionName{lifecycle.ForceClear, lifecycle.RefundPayment},
		},
		"overdue": {
			begin:   func(env *environment) string { env.Age(env, env.pay("c", "p1").SessionID, longAgo); return "c" },
			want:    "Customer c is not blocked: session ID (waiting, no mechanic yet) is overdue, and the next sweep or call settles it.",
			actions: []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.RefundPayment},
		},
		"credited": {
			begin: func(env *environment) string {
				env.pay("c", "p1")
				must(env.Sessions.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(env)
				return "c"
			},
			want:    "Customer c is not blocked. Payment p1 (29.00 EUR, chat10) is a credit.",
			actions: []lifecycle.ActionName{lifecycle.RefundPayment},
		},
		"a refund is due": {
			begin: func(env *environment) string {
				env.pay("c", "p1")
				must(env.Checkouts.RefundCheckout(env.Context(), admin, "p1", "goodwill"))(env)
				return "p1"
			},
			want: "Customer c is not blocked. Payment p1 (29.00 EUR, chat10) is to be given back by hand. Payment p1 (29.00 EUR, chat10) is refund_due. " +
				"Only the shop has reported 29.00 EUR: no provider has confirmed it.",
		},
		"an appointment": {
			begin: func(env *environment) string {
				at := time.Now().Add(time.Hour)
				p := purchase("c", "p1")
				p.StartsAt = &at
				must(env.Admission.FulfillCheckout(env.Context(), shop, p))(env)
				return "c"
			},
			want: "Customer c is not blocked. Appointment ID starts at TIME.",
		},
		"a session that has ended": {
			begin: func(env *environment) string {
				f := env.live("c", "p1")
				env.Age(env, f.SessionID, 10*time.Minute)
				must(env.Sessions.End(env.Context(), f.SessionID, admin))(env)
				return f.SessionID
			},
			want:    "Customer c is not blocked. Session ID is completed (finished) since TIME.",
			actions: []lifecycle.ActionName{lifecycle.RefundPayment},
		},
		"a payment that nobody owns": {
			begin: func(env *environment) string {
				reported := storetest.Report{Ref: "p1", PaymentID: "pi-p1", Plan: "chat10", Amount: 2900, Currency: "eur", Paid: true}
				if err := env.Payments.Receive(env.Context(), reported.Notice()); err != nil {
					env.Fatal(err)
				}
				return "p1"
			},
			want:    "Nobody knows whose payment p1 (29.00 EUR, chat10) is: held. Say whose it is, or give it back. 29.00 EUR was charged.",
			actions: []lifecycle.ActionName{lifecycle.RefundPayment},
		},
		"a run": {
			begin: func(env *environment) string {
				run := env.swept(2)
				return run.ID
			},
			want:    "Cleanup run ID changed 4 rows in all (by admin anna).",
			actions: []lifecycle.ActionName{lifecycle.UndoRun},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				line := env.explain(test.begin(env))
				if got := plainly(line.Summary); got != test.want {
					env.Errorf("it says\n%s\nwant\n%s", got, test.want)
				}
				var actions []lifecycle.ActionName
				for _, a := range line.Actions {
					actions = append(actions, a.Name)
				}
				if diff := cmp.Diff(test.actions, actions); diff != "" {
					env.Errorf("the actions (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestATimelineIsReadPageByPage(t *testing.T) {
	onEachStore(t, func(env *environment) {
		f := env.pay("c", "p1")
		const refusals = 600
		for range refusals {
			if err := env.Store.Refuse(env.Context(), "c", f.SessionID); err != nil {
				env.Fatal(err)
			}
		}
		seen := map[string]int{}
		total, pages := 0, 0
		for before, more := (curfew.Cursor{}), true; more; pages++ {
			line := must(env.Explain(env.Context(), "c", before))(env)
			total += len(line.Entries)
			for _, en := range line.Entries {
				seen[fmt.Sprint(en.At, en.Kind, en.Number, en.ID)]++
			}
			if line.More && len(line.Entries) != 500 {
				env.Errorf("a page of %d", len(line.Entries))
			}
			before, more = line.Next, line.More
		}
		if total != refusals+3 || pages != 2 || len(seen) < 4 {
			env.Errorf("%d entries on %d pages", total, pages)
		}
	})
}

func TestTheTimelineOfARun(t *testing.T) {
	onEachStore(t, func(env *environment) {
		run := env.swept(2)
		u := env.undo(run.ID)
		kinds := func(s timeline.Timeline) string {
			var all []string
			for _, en := range s.Entries {
				all = append(all, string(en.Kind))
			}
			slices.Sort(all)
			return strings.Join(all, " ")
		}
		line := env.explain(run.ID)
		if last := line.Entries[4]; last.CustomerID != "c1" || last.Kind != timeline.PaymentEntry {
			env.Errorf("its last line is %+v", last)
		}
		if kinds(line) != "payment payment run session session" || len(line.Actions) > 0 || line.CustomerID != "" {
			env.Errorf("the undone run: %s %+v", kinds(line), line.Actions)
		}
		line = env.explain(u.Run.ID)
		if kinds(line) != "payment payment run session session" ||
			plainly(line.Summary) != "Run ID undid run ID: 2 sessions were revived (by admin anna: too early)." {
			env.Errorf("the undo: %s %s", kinds(line), line.Summary)
		}
	})
}
