package lifecycle_test

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
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

func (w *world) explain(subject string) timeline.Timeline {
	w.Helper()
	return must(w.Explain(w.Context(), subject, curfew.Cursor{}))(w)
}

var (
	uuids   = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	moments = regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC`)
)

// plainly is a text without ids and times.
func plainly(text string) string {
	return moments.ReplaceAllString(uuids.ReplaceAllString(text, "ID"), "TIME")
}

// told is a story's lines, each with its kind.
func toldBy(s timeline.Timeline) []string {
	var lines []string
	for _, en := range s.Entries {
		lines = append(lines, string(en.Kind)+": "+plainly(en.Sentence))
	}
	return lines
}

func TestTheStoryOfACustomer(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p1")
		w.pay("c", "p2") // waits for the slot
		if _, err := w.CreateSession(w.Context(), shop, lifecycle.NewSession{CustomerID: "c", Plan: "free"}); !errors.Is(err, curfew.SessionOpen) {
			w.Fatal(err)
		}
		must(w.Accept(w.Context(), f.RequestID, "m"))(w)
		must(w.Unassign(w.Context(), admin, f.SessionID, "he is ill"))(w)
		w.Age(w, f.SessionID, longAgo)
		c := byHand
		c.Reason = "monday"
		run := must(w.RunCleanup(w.Context(), c))(w) // p2 has the slot now
		must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c", Reason: "he asked"}))(w)
		w.undo(run.ID)
		before := w.dump()
		story := w.explain("c")
		if before != w.dump() {
			w.Error("telling changed something")
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
		if diff := cmp.Diff(want, toldBy(story)); diff != "" {
			w.Errorf("the story (-want +got):\n%s", diff)
		}
		if !slices.IsSortedFunc(story.Entries, func(a, b timeline.Entry) int { return a.At.Compare(b.At) }) {
			w.Error("it is not in the order of time")
		}
		if story.Blocker == nil || len(story.Sessions) != 3 || len(story.Checkouts) != 2 || story.More || story.CustomerID != "c" {
			w.Errorf("beside: %+v", story)
		}
	})
}

func TestEverySubjectLeadsToTheStory(t *testing.T) {
	worlds(t, func(w *world) {
		p := w.purchase("c", "p1")
		p.Email = "home@example.org"
		f := must(w.FulfillCheckout(w.Context(), shop, p))(w)
		for subject, want := range map[string]timeline.TargetKind{
			"c": timeline.OfCustomer, f.SessionID: timeline.OfSession, f.RequestID: timeline.OfRequest,
			f.CheckoutID: timeline.OfCheckout, "p1": timeline.OfReference, "home@example.org": timeline.OfEmail,
		} {
			story := w.explain(subject)
			if story.Target != (timeline.Target{Kind: want, ID: subject}) || story.CustomerID != "c" || len(story.Entries) != 3 || story.Blocker == nil {
				w.Errorf("%s: %+v", subject, story)
			}
		}
		p = w.purchase("d", "p2")
		p.Email = "home@example.org"
		must(w.FulfillCheckout(w.Context(), shop, p))(w)
		story := w.explain("home@example.org")
		if diff := cmp.Diff([]string{"c", "d"}, story.Customers); diff != "" || story.CustomerID != "" ||
			story.Summary != "2 customers have paid with this address: ask for one of them." {
			w.Errorf("an address of two: %+v", story)
		}
	})
}

func TestAnUnknownSubjectSaysWhatWasTried(t *testing.T) {
	worlds(t, func(w *world) {
		for subject, want := range map[string]string{
			"nobody": `there is no customer, payment reference or e-mail address "nobody"`,
			"00000000-0000-7000-8000-000000000000": `there is no session, request, checkout, run, customer, payment reference or e-mail address ` +
				`"00000000-0000-7000-8000-000000000000"`,
			"%": `there is no customer, payment reference or e-mail address "%"`,
		} {
			_, err := w.Explain(w.Context(), subject, curfew.Cursor{})
			if !errors.Is(err, curfew.NotFound) || err.Error() != want {
				w.Errorf("%s: %v", subject, err)
			}
		}
		for _, subject := range []string{"", "a\x00", curfew.Nobody, strings.Repeat("x", 300)} {
			if _, err := w.Explain(w.Context(), subject, curfew.Cursor{}); !errors.Is(err, curfew.Invalid) {
				w.Errorf("%q: %v", subject, err)
			}
		}
	})
}

// The first sentence answers, and the actions are what can be done then.
func TestTheAnswerAndWhatCanBeDone(t *testing.T) {
	for sentence, test := range map[string]struct {
		begin   func(w *world) (subject string)
		want    string
		actions []lifecycle.ActionName
	}{
		"waiting": {
			begin:   func(w *world) string { w.pay("c", "p1"); return "c" },
			want:    "Customer c is blocked by session ID (waiting, no mechanic yet), at the latest until TIME; what can be done: cancel, wait.",
			actions: []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.RefundPayment},
		},
		"accepted": {
			begin:   func(w *world) string { w.accepted("c", "p1", "m"); return "c" },
			want:    "Customer c is blocked by session ID (waiting, with mechanic m), at the latest until TIME; what can be done: cancel, wait.",
			actions: []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.ReleaseSlot, lifecycle.RefundPayment},
		},
		"live": {
			begin:   func(w *world) string { w.live("c", "p1", "m"); return "c" },
			want:    "Customer c is blocked by session ID (live, with mechanic m), at the latest until TIME; what can be done: end, wait.",
			actions: []lifecycle.ActionName{lifecycle.ForceClear, lifecycle.RefundPayment},
		},
		"overdue": {
			begin:   func(w *world) string { w.Age(w, w.pay("c", "p1").SessionID, longAgo); return "c" },
			want:    "Customer c is not blocked: session ID (waiting, no mechanic yet) is overdue, and whoever looks next settles it.",
			actions: []lifecycle.ActionName{lifecycle.ClearCustomer, lifecycle.RefundPayment},
		},
		"credited": {
			begin: func(w *world) string {
				w.pay("c", "p1")
				must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(w)
				return "c"
			},
			want:    "Customer c is not blocked. Payment p1 (29.00 EUR, chat10) is a credit.",
			actions: []lifecycle.ActionName{lifecycle.RefundPayment},
		},
		"a refund is due": {
			begin: func(w *world) string {
				w.pay("c", "p1")
				must(w.RefundCheckout(w.Context(), admin, "p1", "goodwill"))(w)
				return "p1"
			},
			want: "Customer c is not blocked. Payment p1 (29.00 EUR, chat10) is to be given back. Payment p1 (29.00 EUR, chat10) is refund_due.",
		},
		"an appointment": {
			begin: func(w *world) string {
				at := time.Now().Add(time.Hour)
				p := w.purchase("c", "p1")
				p.StartsAt = &at
				must(w.FulfillCheckout(w.Context(), shop, p))(w)
				return "c"
			},
			want: "Customer c is not blocked. Appointment ID starts at TIME.",
		},
		"a session that has ended": {
			begin: func(w *world) string {
				f := w.pay("c", "p1")
				w.finish(f)
				return f.SessionID
			},
			want:    "Customer c is not blocked. Session ID is completed (finished) since TIME.",
			actions: []lifecycle.ActionName{lifecycle.RefundPayment},
		},
		"a payment that nobody owns": {
			begin: func(w *world) string {
				w.receive(paid(told("", "p1")))
				return "p1"
			},
			want:    "Nobody knows whose payment p1 (29.00 EUR, chat10) is: held. Say whose it is, or give it back.",
			actions: []lifecycle.ActionName{lifecycle.RefundPayment},
		},
		"a run": {
			begin: func(w *world) string {
				run, _ := w.swept("c", 2)
				return run.ID
			},
			want:    "Cleanup run ID changed 4 rows in all (by admin anna).",
			actions: []lifecycle.ActionName{lifecycle.UndoRun},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			worlds(t, func(w *world) {
				story := w.explain(test.begin(w))
				if got := plainly(story.Summary); got != test.want {
					w.Errorf("it says\n%s\nwant\n%s", got, test.want)
				}
				var actions []lifecycle.ActionName
				for _, a := range story.Actions {
					actions = append(actions, a.Name)
				}
				if diff := cmp.Diff(test.actions, actions); diff != "" {
					w.Errorf("the actions (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAStoryIsToldPageByPage(t *testing.T) {
	worlds(t, func(w *world) {
		f := w.pay("c", "p1")
		const refusals = 600
		for range refusals {
			if err := w.Store.Refuse(w.Context(), "c", f.SessionID); err != nil {
				w.Fatal(err)
			}
		}
		seen := map[string]int{}
		total, pages := 0, 0
		for before, more := (curfew.Cursor{}), true; more; pages++ {
			story := must(w.Explain(w.Context(), "c", before))(w)
			total += len(story.Entries)
			for _, en := range story.Entries {
				seen[fmt.Sprint(en.At, en.Kind, en.Number, en.ID)]++
			}
			if story.More && len(story.Entries) != 500 {
				w.Errorf("a page of %d", len(story.Entries))
			}
			before, more = story.Next, story.More
		}
		if total != refusals+3 || pages != 2 || len(seen) < 4 {
			w.Errorf("%d entries on %d pages", total, pages)
		}
	})
}

func TestTheStoryOfARun(t *testing.T) {
	worlds(t, func(w *world) {
		run, _ := w.swept("c", 2)
		u := w.undo(run.ID)
		kinds := func(s timeline.Timeline) string {
			var all []string
			for _, en := range s.Entries {
				all = append(all, string(en.Kind))
			}
			slices.Sort(all)
			return strings.Join(all, " ")
		}
		story := w.explain(run.ID)
		if last := story.Entries[4]; last.CustomerID != "c1" || last.Kind != timeline.PaymentEntry {
			w.Errorf("its last line is %+v", last)
		}
		if kinds(story) != "payment payment run session session" || len(story.Actions) > 0 || story.CustomerID != "" {
			w.Errorf("the undone run: %s %+v", kinds(story), story.Actions)
		}
		story = w.explain(u.Run.ID)
		if kinds(story) != "payment payment run session session" ||
			plainly(story.Summary) != "Run ID undid run ID: 2 sessions were revived (by admin anna: too early)." {
			w.Errorf("the undo: %s %s", kinds(story), story.Summary)
		}
	})
}
