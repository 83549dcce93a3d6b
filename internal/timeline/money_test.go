package timeline_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// account is what a test's provider calls the payment of customer c.
var account = storetest.Report{
	Ref: "cs_1", PaymentID: "pi_1", CustomerID: "c", Plan: "chat10", Amount: 123450, Currency: "eur", Paid: true,
}

// receive is a provider's message, sent now.
func (env *environment) receive(n curfew.Notice) {
	env.Helper()
	for i := range n.Facts {
		if n.Facts[i].At.IsZero() {
			n.Facts[i].At = time.Now()
		}
	}
	if err := env.Payments.Receive(env.Context(), n); err != nil {
		env.Fatal(err)
	}
}

// says is a message with one fact about the account's payment.
func says(kind curfew.FactKind, object, state string, amount int64, reason string) curfew.Notice {
	n := account.GivenBack(0)
	n.References = []string{account.PaymentID, account.Ref}
	n.Facts = []curfew.Fact{{Kind: kind, Object: object, State: state, Amount: amount, Currency: "eur", Reason: reason}}
	return n
}

// reservation is the message that the account's money is reserved for a week.
func reservation() curfew.Notice {
	reserved := account
	reserved.Plan = "reserved"
	n := reserved.Notice()
	n.Facts[0].Object, n.Facts[0].State, n.Facts[0].Until = account.PaymentID, "authorised", time.Now().Add(7*24*time.Hour)
	return n
}

func (env *environment) requestOf(customer string) string {
	env.Helper()
	return must(env.Store.Open(env.Context(), customer))(env).Request.ID
}

// The courses that accountants ask about, whole.
func TestTheCoursesOfMoney(t *testing.T) {
	for name, course := range map[string]struct {
		happens func(env *environment)
		want    string
	}{
		"a dispute that was lost": {func(env *environment) {
			env.receive(account.Notice())
			must(env.Sessions.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(env)
			env.receive(says("dispute", "du_1", "needs_response", 123450, "fraudulent"))
			env.receive(says("dispute", "du_1", "under_review", 123450, "fraudulent"))
			env.receive(says("dispute", "du_1", "lost", 123450, "fraudulent"))
		}, `
Customer c is not blocked. Payment cs_1 (1,234.50 EUR, chat10) is void. 1,234.50 EUR was charged on TIME. 1,234.50 EUR was taken back by the customer's bank: the dispute is lost. It is worth 0.00 EUR now.
payment: 1,234.50 EUR was charged for payment cs_1 (pi_1).
session: Session ID (chat10, 30 minutes) began to wait for a mechanic (by the provider).
payment: Payment cs_1 (1,234.50 EUR, chat10) brought its session (by the provider).
session: Session ID was ended by hand before its deadline (by admin anna).
payment: Payment cs_1 (1,234.50 EUR, chat10) became a credit: it pays for the customer's next session of its plan (by admin anna: cleared).
payment: The customer's bank disputes 1,234.50 EUR of payment cs_1: answer at the provider (du_1: fraudulent).
payment: The customer's bank has an answer to its dispute of payment cs_1, and has not decided (du_1: fraudulent).
payment: The dispute of payment cs_1 was lost: the customer's bank took 1,234.50 EUR back (du_1: fraudulent).
payment: Payment cs_1 (1,234.50 EUR, chat10) was taken back, and is no credit any more: nothing is owed for it (by the provider).
payment: The loss of payment cs_1 (1,234.50 EUR, chat10) has to be booked: nothing is owed for it (by the provider).
`},
		"a dispute that was lost after the session": {func(env *environment) {
			env.receive(account.Notice())
			f := must(env.Store.Open(env.Context(), "c"))(env)
			must(env.Queue.Accept(env.Context(), f.Request.ID, "m"))(env)
			for _, by := range []curfew.Actor{{Role: curfew.Customer, ID: "c"}, {Role: curfew.Mechanic, ID: "m"}} {
				must(env.Sessions.Join(env.Context(), f.ID, by))(env)
			}
			env.Age(env, f.ID, 10*time.Minute)
			must(env.Sessions.End(env.Context(), f.ID, admin))(env)
			env.receive(says("dispute", "du_1", "lost", 123450, "fraudulent"))
		}, `
Customer c is not blocked. Payment cs_1 (1,234.50 EUR, chat10) is fulfilled. 1,234.50 EUR was charged on TIME. 1,234.50 EUR was taken back by the customer's bank: the dispute is lost. It is worth 0.00 EUR now.
payment: 1,234.50 EUR was charged for payment cs_1 (pi_1).
session: Session ID (chat10, 30 minutes) began to wait for a mechanic (by the provider).
payment: Payment cs_1 (1,234.50 EUR, chat10) brought its session (by the provider).
request: A mechanic accepted session ID (by mechanic m).
session: One of its parties came into session ID (by customer c).
session: Both were in: session ID went live, and its clock runs (by mechanic m).
session: Session ID was ended before its deadline: it is completed (by admin anna).
payment: The dispute of payment cs_1 was lost: the customer's bank took 1,234.50 EUR back (du_1: fraudulent).
payment: Payment cs_1 (1,234.50 EUR, chat10) failed, or was taken back, after it had bought a session: somebody has to ask the customer for it (by the provider).
`},
		"a bank debit that failed": {func(env *environment) {
			promised := account
			promised.Paid = false
			n := promised.Notice()
			n.Facts[0].Amount, n.Facts[0].Currency = 123450, "eur"
			env.receive(n)
			failed := says("promise", "cs_1", "failed", 123450, "")
			env.receive(says("attempt", "pi_1", "failed", 0, "insufficient_funds"))
			env.receive(failed)
		}, `
Customer c is not blocked. Payment cs_1 (1,234.50 EUR, chat10) is void. The customer's bank refused it (insufficient_funds): nothing was taken.
payment: The customer promised 1,234.50 EUR for payment cs_1, and the bank sends it later (cs_1).
payment: Payment cs_1 (1,234.50 EUR, chat10) is promised: its money has not come yet (by the provider).
payment: The bank did not send the money of payment cs_1: nothing was paid (pi_1: insufficient_funds).
payment: The money of payment cs_1 (1,234.50 EUR, chat10) will not come: nothing is owed for it (by the provider).
`},
		"a refund that failed": {func(env *environment) {
			env.receive(account.Notice())
			must(env.Checkouts.RefundCheckout(env.Context(), admin, "cs_1", "goodwill"))(env)
			env.receive(says("refund", "re_1", "pending", 123450, ""))
			env.receive(says("refund", "re_1", "succeeded", 123450, ""))
			env.receive(says("refund", "re_1", "failed", 123450, "lost_or_stolen_card"))
		}, `
Customer c is not blocked. Payment cs_1 (1,234.50 EUR, chat10) is to be given back by hand. Payment cs_1 (1,234.50 EUR, chat10) is refund_due. 1,234.50 EUR was charged on TIME. Refund re_1 failed (lost_or_stolen_card): the provider cannot repeat it; somebody has to pay the customer in another way, and record that.
payment: 1,234.50 EUR was charged for payment cs_1 (pi_1).
session: Session ID (chat10, 30 minutes) began to wait for a mechanic (by the provider).
payment: Payment cs_1 (1,234.50 EUR, chat10) brought its session (by the provider).
session: Session ID was cancelled, because its payment is given back (by admin anna: goodwill).
payment: The refund of payment cs_1 (1,234.50 EUR, chat10) is due (by admin anna: refunded: goodwill).
payment: A refund of 1,234.50 EUR of payment cs_1 is under way (re_1).
payment: 1,234.50 EUR of payment cs_1 was given back (re_1).
payment: Payment cs_1 (1,234.50 EUR, chat10) was given back (by the provider).
payment: A refund of 1,234.50 EUR of payment cs_1 failed, and the money came back: the provider cannot repeat it, somebody has to pay the customer in another way (re_1: lost_or_stolen_card).
payment: The refund of payment cs_1 (1,234.50 EUR, chat10) failed at the provider: it is due again, by hand (by the provider: refused: refund re_1 is failed: lost_or_stolen_card).
`},
		"money that was reserved, and charged on acceptance": {func(env *environment) {
			env.receive(reservation())
			must(env.Queue.Accept(env.Context(), env.requestOf("c"), "m"))(env)
			env.receive(says("attempt", "pi_1", "captured", 123450, ""))
		}, `
Customer c is blocked by session ID (waiting, with mechanic m), at the latest until TIME; what can be done: cancel, wait. Payment cs_1 (1,234.50 EUR, reserved) is fulfilled. 1,234.50 EUR was charged on TIME.
payment: 1,234.50 EUR was reserved at the customer's bank for payment cs_1: nothing was charged yet (pi_1, until TIME).
session: Session ID (reserved, 30 minutes) began to wait for a mechanic (by the provider).
payment: Payment cs_1 (1,234.50 EUR, reserved) brought its session (by the provider).
request: A mechanic accepted session ID (by mechanic m).
payment: What is reserved for payment cs_1 (1,234.50 EUR, reserved) is to be charged now (by mechanic m).
payment: 1,234.50 EUR was charged for payment cs_1 (pi_1).
deadline: Session ID goes back into the queue with its place kept, unless its mechanic has come in.
`},
		"money that was reserved, and released": {func(env *environment) {
			env.receive(reservation())
			must(env.Sessions.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: "c"}))(env)
			env.receive(says("attempt", "pi_1", "voided", 0, "abandoned"))
		}, `
Customer c is not blocked. Payment cs_1 (1,234.50 EUR, reserved) is void. The reservation was released: nothing was taken. The customer's bank may show it for some days.
payment: 1,234.50 EUR was reserved at the customer's bank for payment cs_1: nothing was charged yet (pi_1, until TIME).
session: Session ID (reserved, 30 minutes) began to wait for a mechanic (by the provider).
payment: Payment cs_1 (1,234.50 EUR, reserved) brought its session (by the provider).
session: Session ID was ended by hand before its deadline (by admin anna).
payment: Nothing is owed for payment cs_1 (1,234.50 EUR, reserved): what was reserved at the customer's bank is released, and nothing is charged (by admin anna: cleared).
payment: What was reserved for payment cs_1 was released: nothing was taken, and the customer's bank may show it for some days (pi_1: abandoned).
`},
	} {
		t.Run(name, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				course.happens(env)
				line := env.explain("cs_1")
				if other := env.explain(account.PaymentID); other.Summary != line.Summary || len(other.Entries) != len(line.Entries) {
					env.Errorf("its other name tells otherwise: %s", other.Summary)
				}
				got := plainly(line.Summary) + "\n" + strings.Join(linesOf(line), "\n")
				if diff := cmp.Diff(strings.Split(strings.TrimSpace(course.want), "\n"), strings.Split(got, "\n")); diff != "" {
					env.Errorf("it is told (-want +got):\n%s", diff)
				}
			})
		})
	}
}
