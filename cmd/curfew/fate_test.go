package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v86"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/internal/stripe/stripetest"
)

// plansOnSale are those of the shop: two are paid for at once, of two the money is reserved
// until a mechanic accepts, or until both are in.
const plansOnSale = `{"chat10":{"kind":"chat","duration":"24h"},"video15":{"kind":"video","duration":"24h"},` +
	`"reserved":{"kind":"chat","duration":"24h","capture":"at_acceptance"},"joined":{"kind":"video","duration":"24h","capture":"at_live"}}`

// plans are those on sale.
func (o *oracle) plans() map[string]curfew.Plan {
	o.Helper()
	var all config.Plans
	if err := all.UnmarshalText([]byte(plansOnSale)); err != nil {
		o.Fatal(err)
	}
	return all.ByName
}

// connected is a second account that customers pay.
const connected = "acct_1"

// sale is a payment, and what is still going to happen to it at its bank.
type sale struct {
	stripetest.Checkout
	ref      string
	held     bool // its money is reserved at first
	slow     bool // and takes its time to be captured
	declined bool // and the bank refuses to pay it
	plain    bool // nothing will happen to it
	steps    []step
	orders   int // messages that say what was bought
	reported bool
	unnamed  bool   // reported by the shop's order number, and nobody has said which payment that is
	refund   string // the last one by hand
}

// step is one thing that happens to a payment.
type step func(*oracle, *sale)

// fate is what happens to a share of the payments.
type fate struct {
	share float64
	steps []step
}

// What happens to payments that were taken, in this order. The rest is left alone.
var fates = []fate{
	{.03, disputes(stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusWarningUnderReview, stripe.DisputeStatusWarningClosed)},
	{.02, disputes(stripe.DisputeStatusWarningNeedsResponse, stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusLost)},
	{.03, disputes(stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview, stripe.DisputeStatusWon)},
	{.03, disputes(stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusLost)},
	{.02, disputes(stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusLost, stripe.DisputeStatusWon)},
	{.02, disputes(stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusPrevented)},
	{.02, disputes(stripe.DisputeStatusNeedsResponse, stripe.DisputeStatusUnderReview)},
	{.03, []step{giveBack(.3), giveBack(.5), giveBack(1)}},
	{.04, []step{giveBack(.4)}},
	{.04, []step{giveBack(1)}},
	{.03, []step{giveBack(1), bounce}},
}

// What happens to money that is reserved, before Curfew can ask for it.
var reservedFates = []fate{
	{.08, []step{func(o *oracle, s *sale) { o.fake.Holds().Lapse(s.ref) }}},
	{.08, []step{func(o *oracle, s *sale) { o.fake.Holds().Release(s.ref) }}},
	{.08, []step{func(o *oracle, s *sale) { o.fake.Holds().Capture(s.ref, s.Amount) }}},
	{.06, []step{func(o *oracle, s *sale) { o.fake.Holds().Capture(s.ref, (s.Amount+1)/2) }}},
}

func disputes(states ...stripe.DisputeStatus) []step {
	all := make([]step, len(states))
	for i, state := range states {
		all[i] = func(o *oracle, s *sale) { o.fake.ChangeDispute(s.ref, state) }
	}
	return all
}

func giveBack(share float64) step {
	return func(o *oracle, s *sale) { s.refund = o.fake.GiveBack(s.ref, share) }
}

// bounce lets the refund by hand fail, days after it was made.
func bounce(o *oracle, s *sale) {
	if s.refund != "" {
		o.fake.ChangeRefund(s.refund, stripe.RefundStatusFailed, "lost_or_stolen_card")
	}
}

// chance is a number from 0 up to 1 that belongs to a name: whatever else is asked, and in
// whatever order.
func (o *oracle) chance(format string, args ...any) float64 {
	return seed.Dice(o.seed, fmt.Sprintf(format, args...)).Float64()
}

// sell lets customers pay: some twice, some whom nobody knows, some for what is not sold here,
// some with a debit that takes days, and some with money that is only reserved.
func (o *oracle) sell(n int) {
	for i := range n {
		s := &sale{Checkout: stripetest.Checkout{
			CustomerID: fmt.Sprintf("c-%d", o.dice.IntN(payments()*3/2)), Plan: []string{"chat10", "video15"}[o.dice.IntN(2)],
			Amount: int64(1 + o.dice.IntN(9999)), Currency: []string{"eur", "usd", "jpy"}[o.dice.IntN(3)],
		}, orders: 1}
		how := o.dice.Float64()
		if o.dice.IntN(5) == 0 {
			s.Account = connected
		}
		switch {
		case i%17 == 0:
			s.CustomerID = ""
		case i%38 == 0:
			s.Plan, how = "gold", 0
		case i%19 == 0:
			s.Plan, how = "gold", 1
		}
		switch {
		case how < .3:
			o.reserve(s)
		case how < .4:
			o.debit(s)
		default:
			s.ref = o.fake.Pay(s.Checkout)
			s.steps = o.happens(s, fates)
			s.plain = len(s.steps) == 0
		}
		o.sales = append(o.sales, s)
	}
}

// reserve lets a bank reserve money: most of it until it is taken, some for too short a time;
// some banks refuse to pay it, or take their time.
func (o *oracle) reserve(s *sale) {
	how := o.dice.Float64()
	if s.held = true; s.Plan != "gold" {
		s.Plan = "reserved"
	}
	switch {
	case s.Plan == "gold":
	case how < .25:
		s.Plan = "joined"
	case how < .3:
		s.HoldFor = 20 * time.Hour // a mechanic may accept for longer than that
	}
	holds := o.fake.Holds()
	s.ref = holds.Authorise(s.Checkout)
	switch {
	case how > .9:
		s.declined = true
		holds.DeclineCapture(s.ref, "do_not_honor")
	case how > .82:
		s.slow = true
		holds.DelayCapture(s.ref)
	case !o.asks && how > .3:
		s.steps = o.happens(s, reservedFates)
	}
}

// debit takes money that a bank promises, and sends later or never.
func (o *oracle) debit(s *sale) {
	s.ref = o.fake.CompleteUnpaid(s.Checkout)
	ends := func(o *oracle, s *sale) { o.fake.FailPayment(s.ref) }
	if o.dice.IntN(2) == 0 {
		ends = func(o *oracle, s *sale) { o.fake.SucceedPayment(s.ref) }
	}
	s.steps = []step{func(o *oracle, s *sale) { s.orders++; ends(o, s) }}
}

// happens chooses what will happen to a payment.
func (o *oracle) happens(s *sale, among []fate) []step {
	chance := o.chance("fate of %s", s.ref)
	for _, c := range among {
		if chance -= c.share; chance < 0 {
			return slices.Clone(c.steps)
		}
	}
	return nil
}

// proceed lets the next thing happen to a share of the payments.
func (o *oracle) proceed(share float64) {
	o.rounds++
	for _, s := range o.sales {
		if len(s.steps) > 0 && o.chance("%s goes on in round %d", s.ref, o.rounds) < share {
			s.next(o)
		}
	}
}

// finish lets everything happen that is still to happen to some payments.
func (o *oracle) finish(some func(*sale) bool) {
	for _, s := range o.sales {
		for len(s.steps) > 0 && some(s) {
			s.next(o)
		}
	}
}

func (s *sale) next(o *oracle) {
	s.steps[0](o, s)
	s.steps = s.steps[1:]
}

// endRefunds ends refunds that take days: some fail, and so do some that had succeeded.
func (o *oracle) endRefunds() {
	for _, r := range o.fake.Refunds() {
		chance := o.chance("end of the refund of %s", r.Ref)
		switch {
		case r.Key == "" && r.Status != stripe.RefundStatusPending:
		case r.Status == stripe.RefundStatusPending && chance < .1, r.Status == stripe.RefundStatusSucceeded && chance < .03:
			o.fake.ChangeRefund(r.ID, stripe.RefundStatusFailed, "declined")
		case r.Status == stripe.RefundStatusPending:
			o.fake.ChangeRefund(r.ID, stripe.RefundStatusSucceeded, "")
		}
	}
}

// endCaptures ends captures that are under way, and tells it: half of them fail.
func (o *oracle) endCaptures() {
	o.Helper()
	ended := false
	for _, s := range o.sales {
		if !s.slow || o.fake.Holds().Of(s.ref).State != "processing" {
			continue
		}
		ended = true
		if o.chance("end of the capture of %s", s.ref) < .5 {
			o.fake.Holds().SucceedCapture(s.ref)
		} else {
			o.fake.Holds().FailCapture(s.ref, "expired_card")
		}
	}
	if ended {
		o.deliverAll()
	}
}

// number is what all names of a payment end with.
func number(ref string) string { return ref[strings.LastIndex(ref, "_")+1:] }
