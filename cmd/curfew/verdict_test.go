package main

import (
	"database/sql"
	"slices"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// truth is what the bank knows of a payment.
type truth struct {
	hold     stripetest.Hold // zero: nothing was ever reserved
	captured int64
	refunded int64
	refused  bool // a refund failed: the provider makes no other
	dispute  stripe.DisputeStatus
}

// truths are those of all payments, by their number.
func (o *oracle) truths() map[string]truth {
	all := map[string]truth{}
	for _, h := range o.fake.Holds().List() {
		all[number(h.Ref)] = truth{hold: h}
	}
	for _, p := range o.fake.Paid() {
		t := all[number(p.Ref)]
		t.captured, t.refunded, t.dispute = p.Amount, p.Refunded, p.Dispute
		all[number(p.Ref)] = t
	}
	for _, r := range o.fake.Refunds() {
		if r.Status == stripe.RefundStatusFailed {
			t := all[number(r.Ref)]
			t.refused = true
			all[number(r.Ref)] = t
		}
	}
	return all
}

func (t truth) lost() int64 {
	if t.dispute == stripe.DisputeStatusLost {
		return t.captured
	}
	return 0
}

func (t truth) open() bool {
	return t.dispute == stripe.DisputeStatusNeedsResponse || t.dispute == stripe.DisputeStatusUnderReview
}

// worth is what is left for sure.
func (t truth) worth() int64 {
	if t.open() {
		return 0
	}
	return t.captured - min(t.captured, t.refunded+t.lost())
}

// money says in a word what the bank knows.
func (t truth) money() string {
	switch {
	case t.hold.State == "held":
		return "reserved"
	case t.captured == 0:
		return "never came"
	case t.open():
		return "disputed"
	case t.lost() > 0:
		return "lost"
	case t.refunded == t.captured:
		return "given back"
	case t.refused:
		return "refund failed"
	case t.refunded > 0:
		return "part given back"
	case t.dispute == stripe.DisputeStatusWon:
		return "won back"
	}
	return "there"
}

// verdicts are the right outcomes of payments, by what the bank knows and by what came of the
// session. What is not in the table must not be.
var verdicts = map[string]map[string][]curfew.Outcome{
	"there":           {"open": {curfew.Fulfilled}, "served": {curfew.Fulfilled}},
	"won back":        {"open": {curfew.Fulfilled}, "served": {curfew.Fulfilled}, "ended": {curfew.Credited}, "none": {curfew.Credited}},
	"disputed":        {"open": {curfew.Fulfilled}, "served": {curfew.Fulfilled}, "ended": {curfew.RefundDue}, "none": {curfew.Promised, curfew.Deferred, curfew.RefundDue}},
	"lost":            {"served": {curfew.Fulfilled}, "ended": {curfew.Void}, "none": {curfew.Void}},
	"part given back": {"served": {curfew.Fulfilled}},
	"given back":      {"served": {curfew.Fulfilled}, "ended": {curfew.Refunded}, "none": {curfew.Refunded}},
	"refund failed":   {"open": {curfew.Fulfilled}, "served": {curfew.Fulfilled}, "ended": {curfew.RefundDue}, "none": {curfew.RefundDue}},
	"reserved":        {"open": {curfew.Fulfilled}},
	"never came":      {"served": {curfew.Fulfilled}, "ended": {curfew.Void}, "none": {curfew.Void, ""}},
}

// life is what came of a checkout's session.
type life struct {
	came     string // none, open, ended or served
	accepted bool   // ever
	started  bool
}

// lives are those of all checkouts that have had a session.
func (o *oracle) lives() map[string]life {
	o.Helper()
	all := map[string]life{}
	words := map[string]string{"completed": "served", "cancelled": "ended", "waiting": "open", "live": "open"}
	o.rows(`SELECT s.checkout_id, s.status, s.started_at IS NOT NULL, EXISTS (
		SELECT 1 FROM {events} e WHERE e.customer_id = s.customer_id AND e.subject_id = s.id AND e.reason = 'accepted')
		FROM {sessions} s WHERE s.checkout_id IS NOT NULL ORDER BY s.created_at`, func(rows *sql.Rows) error {
		var id, status string
		var l life
		err := rows.Scan(&id, &status, &l.started, &l.accepted)
		l.came, l.accepted, l.started = words[status], l.accepted || all[id].accepted, l.started || all[id].started
		all[id] = l
		return err
	})
	return all
}

// judge compares a checkout with what is right. Without one, it has no outcome.
func (o *oracle) judge(s *sale, c curfew.Checkout, t truth, l life) {
	o.Helper()
	if l.came == "" {
		l.came = "none"
	}
	if !slices.Contains(verdicts[t.money()][l.came], c.Outcome) {
		o.Errorf("payment %s (%s, %s) is %q: its money %s, its session is %s: %+v; %s, capture %q, concern %q",
			s.ref, c.ID, s.Plan, c.Outcome, t.money(), l.came, t, c.Note, c.Capture, c.Concern)
	}
	if c.ID == "" {
		return
	}
	intent := "pi_" + number(s.ref)
	if c.Amount != s.Amount || c.Currency != s.Currency || c.PaymentID != intent {
		o.Errorf("payment %s is %d %s (%s) here, and %d %s there", s.ref, c.Amount, c.Currency, c.PaymentID, s.Amount, s.Currency)
	}
	if s.held {
		o.judgeHold(s, c, t.hold, l)
	}
}

// judgeHold looks whether reserved money was taken if and only if it had to be: once, when
// its plan says so, unless the bank refused it or the session ended before.
func (o *oracle) judgeHold(s *sale, c curfew.Checkout, h stripetest.Hold, l life) {
	o.Helper()
	due := map[string]bool{"reserved": l.accepted, "joined": l.started}[c.Plan] || c.Plan != s.Plan // an operator sold it as another
	switch {
	case h.CapturedBy != "" && !due:
		o.Errorf("payment %s was captured by %s, and nobody had accepted it: %+v", s.ref, h.CapturedBy, l)
	case h.State != "captured" && !s.declined && due && (l.came == "open" || l.came == "served"):
		o.Errorf("payment %s was accepted, and its money is %s: %+v", s.ref, h.State, l)
	case h.EndedAt.IsZero() && l.came != "open":
		o.Errorf("payment %s stays reserved: its session is %q, its capture %s", s.ref, l.came, c.Capture)
	}
}

// sums are the books of one currency.
type sums struct{ Captured, Refunded, Lost, Worth int64 }

func (s sums) plus(captured, refunded, lost, worth int64) sums {
	return sums{s.Captured + captured, s.Refunded + refunded, s.Lost + lost, s.Worth + worth}
}

// ledgers are what Curfew knows of some payments, by the payment's id.
func (o *oracle) ledgers(all []curfew.Checkout) map[string]record.Ledger {
	o.Helper()
	known := map[string]record.Ledger{}
	o.withDatabase(func(db database) error {
		for part := range slices.Chunk(all, 500) {
			payments, err := db.Payments(o.Context(), record.PaymentIDs(part))
			if err != nil {
				return err
			}
			for id, l := range record.Ledgers(payments, part) {
				known[id] = l
			}
		}
		return nil
	})
	return known
}
