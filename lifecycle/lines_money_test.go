package lifecycle_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
	"github.com/curfewhq/curfew/lifecycle"
)

// evenly is a payment for so many sessions of 2900 each.
func evenly(customer, ref string, n int64) storetest.Report {
	p := several(customer, ref, n)
	p.Amount = n * 2900
	return p
}

// One line that is refunded gives back its share, once, and nothing of the others.
func TestALineIsGivenBackAlone(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := several("ada", "p1", 3)
		env.receive(paid(p))
		all := env.lines("p1")
		for i, line := range []int{1, 2, 0} {
			must(env.RefundCheckout(env.Context(), admin, all[line].ID, "goodwill"))(env)
			env.settleRefunds()
			env.settleRefunds()
			for range 2 {
				env.receive(paid(p), b.message(p))
			}
			if len(b.asked) != i+1 || b.asked[i].Amount != all[line].Amount {
				env.Errorf("asked %+v", b.asked)
			}
			for other, c := range env.lines("p1") {
				back := other == 1 || other == 2 && i > 0 || i == 2
				if (c.Outcome == curfew.Refunded) != back || back && c.RefundAmount != c.Amount {
					env.Errorf("after line %d, line %d is %s (%s)", line+1, other+1, c.Outcome, c.Note)
				}
			}
		}
		if b.sum(p.PaymentID) != p.Amount {
			env.Errorf("%d were given back", b.sum(p.PaymentID))
		}
	})
}

// A dispute is of a payment, however many lines that has: each line says so, and health counts it once.
func TestADisputeIsOfThePayment(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := several("ada", "p1", 3)
		env.receive(paid(p), p.Disputed("needs_response"))
		for _, c := range env.lines("p1") {
			if c.DisputedAt.IsZero() {
				env.Errorf("line %d does not say that its payment is disputed", c.Line)
			}
		}
		if f := finding(env.Report(env.Context()), lifecycle.PaymentsDisputed); f == nil || f.Count != 1 {
			env.Errorf("the finding is %+v", f)
		}
	})
}

// message is the message with all refunds of a payment.
func (b *bank) message(p storetest.Report) curfew.Notice {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := p.GivenBack(0)
	n.Facts = append([]curfew.Fact(nil), b.given[p.PaymentID]...)
	return n
}

// What is done to the payment as a whole concerns the lines from behind, those that were
// served last.
func TestWhatIsLeftIsForTheServedLinesFirst(t *testing.T) {
	serve := func(env *environment) {
		env.finished(lifecycle.Fulfillment{SessionID: env.outcome("p1", curfew.Fulfilled).SessionID, RequestID: env.requestOf("p1")}, "max")
	}
	for sentence, c := range map[string]struct {
		arrange func(env *environment)
		say     func(p storetest.Report) []curfew.Notice
		want    []curfew.Outcome
	}{
		"all is given back": {
			nil, func(p storetest.Report) []curfew.Notice { return []curfew.Notice{p.GivenBack(8700)} },
			[]curfew.Outcome{curfew.Refunded, curfew.Refunded, curfew.Refunded},
		},
		"all is given back, and one was served": {
			serve, func(p storetest.Report) []curfew.Notice { return []curfew.Notice{p.GivenBack(8700)} },
			[]curfew.Outcome{curfew.Fulfilled, curfew.Refunded, curfew.Refunded},
		},
		"a third is given back": {
			nil, func(p storetest.Report) []curfew.Notice { return []curfew.Notice{p.GivenBack(2900)} },
			[]curfew.Outcome{curfew.Fulfilled, curfew.Credited, curfew.Refunded},
		},
		"half is given back": {
			nil, func(p storetest.Report) []curfew.Notice { return []curfew.Notice{p.GivenBack(4350)} },
			[]curfew.Outcome{curfew.Fulfilled, curfew.Held, curfew.Refunded},
		},
		"a third is disputed": {
			nil, func(p storetest.Report) []curfew.Notice {
				return []curfew.Notice{thirdDisputed(p, "needs_response", 1)}
			},
			credits(curfew.Fulfilled, 3),
		},
		"a third is lost": {
			nil, func(p storetest.Report) []curfew.Notice { return []curfew.Notice{thirdDisputed(p, "lost", 1)} },
			[]curfew.Outcome{curfew.Fulfilled, curfew.Credited, curfew.Void},
		},
		"a third is lost, and won after all": {
			nil, func(p storetest.Report) []curfew.Notice {
				return []curfew.Notice{thirdDisputed(p, "lost", 1), thirdDisputed(p, "won", 2)}
			},
			credits(curfew.Fulfilled, 3),
		},
		"all is lost, and one was served": {
			serve, func(p storetest.Report) []curfew.Notice { return []curfew.Notice{p.Disputed("lost")} },
			[]curfew.Outcome{curfew.Fulfilled, curfew.Void, curfew.Void},
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				p := evenly("ada", "p1", 3)
				env.receive(paid(p))
				if c.arrange != nil {
					c.arrange(env)
				}
				for range 2 {
					for _, n := range c.say(p) {
						env.receive(n, paid(p), n)
					}
				}
				env.became("p1", c.want...)
			})
		})
	}
}

func (env *environment) requestOf(ref string) string {
	env.Helper()
	return must(env.Session(env.Context(), env.outcomeOf(ref).SessionID))(env).Request.ID
}

func thirdDisputed(p storetest.Report, state string, after time.Duration) curfew.Notice {
	n := p.Disputed(state)
	n.Facts[0].Amount, n.Facts[0].At = p.Amount/3, time.Now().Add(after*time.Millisecond)
	return n
}

// A line of which a part is gone gives the rest back, where the policy says so.
func TestTheRestOfALineIsGivenBack(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.RefundPart = true }, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p, single := evenly("ada", "p1", 3), reportedPayment("bob", "p2")
		env.receive(paid(p), paid(single))
		for _, each := range []storetest.Report{p, single} {
			b.given[each.PaymentID] = []curfew.Fact{refundMade("re-desk-"+each.Ref, 1000, "eur")}
			env.receive(b.message(each))
		}
		env.settleRefunds()
		env.became("p1", curfew.Fulfilled, curfew.Credited, curfew.Refunded)
		env.became("p2", curfew.Refunded)
		if b.sum(p.PaymentID) != 2900 || b.sum(single.PaymentID) != 2900 {
			env.Errorf("%d and %d were given back", b.sum(p.PaymentID), b.sum(single.PaymentID))
		}
	})
}

// While the provider is asked for one line, it is asked for no other: what it gives back
// meanwhile is for that one.
func TestLinesAreGivenBackOneAfterAnother(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		p := evenly("ada", "p1", 3)
		env.receive(paid(p))
		all := env.lines("p1")
		b.after = func() error { return curfew.Errorf(curfew.Unavailable, "no answer") }
		must(env.RefundCheckout(env.Context(), admin, all[2].ID, "goodwill"))(env)
		env.settleRefunds()
		must(env.RefundCheckout(env.Context(), admin, all[1].ID, "goodwill"))(env)
		env.settleRefunds()
		env.settleRefunds()
		if env.became("p1", curfew.Fulfilled, curfew.RefundDue, curfew.Refunding); len(b.asked) != 1 {
			env.Errorf("asked %+v", b.asked)
		}
		b.after = newBank().after
		env.receive(b.message(p))
		env.became("p1", curfew.Fulfilled, curfew.RefundDue, curfew.Refunded)
		env.settleRefunds()
		env.became("p1", curfew.Fulfilled, curfew.Refunded, curfew.Refunded)
		if b.sum(p.PaymentID) != 5800 {
			env.Errorf("%d were given back", b.sum(p.PaymentID))
		}
	})
}

// Many workers: every line has its money back once.
func TestNeverTwoRefundsOfALine(t *testing.T) {
	onEachStore(t, func(env *environment) {
		chosen := seed.New(env)
		chances := seed.NewChances(chosen)
		b := newBank()
		var named []string // ids of lines and their numbers: the ids are others in each run
		fail := func() error {
			if chances.Of(strings.NewReplacer(named...).Replace(b.asked[len(b.asked)-1].Key)) < 1./4 {
				return curfew.Errorf(curfew.Unavailable, "no answer")
			}
			return nil
		}
		b.before, b.after = fail, fail
		env = env.banked(b, env.Store)
		p := several("ada", "p1", 5)
		env.receive(paid(p))
		for i, c := range env.lines("p1") {
			named = append(named, c.ID, fmt.Sprint("line ", i))
		}
		for _, c := range env.lines("p1") {
			must(env.RefundCheckout(env.Context(), admin, c.ID, "goodwill"))(env)
		}
		for range 200 {
			together(3, func(int) { _ = env.SettleRefunds(env.Context()) })
			env.Exec(env, "UPDATE "+env.Schema+"checkouts SET next_at = NULL")
			env.Exec(env, "DELETE FROM "+env.Schema+"signals WHERE name LIKE 'refund:%'")
			if must(env.Store.CheckoutFigures(env.Context()))(env).ByOutcome[curfew.Refunded] == 5 {
				break
			}
		}
		env.became("p1", curfew.Refunded, curfew.Refunded, curfew.Refunded, curfew.Refunded, curfew.Refunded)
		if len(b.given[p.PaymentID]) != 5 || b.sum(p.PaymentID) != p.Amount {
			env.Errorf("given back %+v", b.given[p.PaymentID])
		}
	})
}

// fate is what happens to one payment for several sessions, at random.
type fate struct {
	env    *environment
	b      *bank
	rng    *rand.Rand
	p      storetest.Report
	sent   []curfew.Notice
	course []string
	lost   int64 // what the bank claims
	at     time.Time
}

// send sends a message, perhaps twice, and perhaps another that was sent before.
func (f *fate) send(n curfew.Notice) {
	f.sent = append(f.sent, n)
	for range 1 + f.rng.IntN(2) {
		f.env.receive(n)
	}
	f.env.receive(f.sent[f.rng.IntN(len(f.sent))])
}

// act does one thing that can happen to a line, or to the payment.
func (f *fate) act() {
	all := f.env.lines(f.p.Ref)
	c := all[f.rng.IntN(len(all))]
	ctx := f.env.Context()
	acts := []struct {
		name string
		do   func() error
	}{
		{"spend", func() error {
			return failed(f.env.CreateSession(ctx, shop, lifecycle.NewSession{CustomerID: f.p.CustomerID, Plan: "chat10"}))
		}},
		{"cancel", func() error { return failed(f.env.Cancel(ctx, c.SessionID, shop)) }},
		{"serve", func() error {
			s, err := f.env.Session(ctx, c.SessionID)
			if err != nil {
				return err
			}
			risky := must(f.env.Store.Checkout(ctx, s.CheckoutID))(f.env).AtRisk
			if s.Offered() && !risky {
				f.env.finished(lifecycle.Fulfillment{SessionID: s.ID, RequestID: s.Request.ID}, "m-"+f.p.Ref)
			}
			return nil
		}},
		{"refund " + fmt.Sprint(c.Line), func() error { return failed(f.env.RefundCheckout(ctx, admin, c.ID, "goodwill")) }},
		{"give back at once", func() error { return f.env.SettleRefunds(ctx) }},
		{"give back by hand", func() error {
			if left := f.p.Amount - f.b.sum(f.p.PaymentID) - f.lost; left > 0 && f.lost == 0 {
				f.b.give(f.p, min(left, []int64{700, 2900, 4000}[f.rng.IntN(3)]))
				f.send(f.b.message(f.p))
			}
			return nil
		}},
		{"dispute", func() error {
			if left := f.p.Amount - f.b.sum(f.p.PaymentID); f.lost == 0 && left > 0 {
				f.lost = min(left, []int64{2900, 1000, left}[f.rng.IntN(3)])
				f.disputed("needs_response")
			}
			return nil
		}},
		{"decide", f.decide},
		{"tell it again", func() error { f.send(paid(f.p)); return nil }},
	}
	a := acts[f.rng.IntN(len(acts))]
	f.course = append(f.course, a.name)
	if err := a.do(); err != nil && curfew.KindOf(err) == curfew.Internal {
		f.env.Fatalf("%v: %v", f.course, err)
	}
}

func (f *fate) disputed(state string) {
	n := f.p.Disputed(state)
	f.at = f.at.Add(time.Second)
	n.Facts[0].Amount, n.Facts[0].At = f.lost, f.at
	f.send(n)
}

// decide ends a dispute.
func (f *fate) decide() error {
	if f.lost == 0 {
		return nil
	}
	if f.rng.IntN(2) == 0 {
		f.disputed("won")
		f.lost = 0
	} else {
		f.disputed("lost")
	}
	return nil
}

// give is a refund that somebody makes at the provider.
func (b *bank) give(p storetest.Report, amount int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.given[p.PaymentID] = append(b.given[p.PaymentID], refundMade("re-desk-"+newName(), amount, p.Currency))
}

// Whatever happens to the lines of a payment: nobody gets money twice, none is forgotten, and
// none is spent that is not there.
func TestTheBooksOfLinesAreRight(t *testing.T) {
	onEachStore(t, func(env *environment) {
		s := seed.New(env)
		for i := range effort.Of(0, 4, 100) {
			f := &fate{b: newBank(), rng: seed.Dice(s, fmt.Sprint(i)), at: time.Now()}
			f.env = env.banked(f.b, env.Store)
			f.p = several(fmt.Sprint("c", i), fmt.Sprint("p", i), 1+f.rng.Int64N(5))
			f.send(paid(f.p))
			for range 12 {
				f.act()
			}
			f.end()
		}
	})
}

// end settles everything, and compares the books.
func (f *fate) end() {
	if f.lost > 0 {
		f.disputed([]string{"won", "lost"}[f.rng.IntN(2)])
	}
	f.env.Exec(f.env, "UPDATE "+f.env.Schema+"checkouts SET next_at = NULL")
	f.env.settleRefunds()
	f.send(f.b.message(f.p))
	l := must(f.env.Store.LedgerOf(f.env.Context(), f.p.Ref))(f.env)
	b := l.Money()
	unclaimed, unpaid := b.Worth(), -b.Refunded
	for _, c := range l.Checkouts {
		switch c.Outcome {
		case curfew.RefundDue, curfew.Refunding:
			f.env.Errorf("%v: line %d is %s still (%s)", f.course, c.Line, c.Outcome, c.Note)
		case curfew.Credited, curfew.Deferred:
			if l.LeftFor(c, b.Worth()) < c.Amount {
				f.env.Errorf("%v: line %d is %s, and not paid", f.course, c.Line, c.Outcome)
			}
			unclaimed -= c.Amount
		case curfew.Fulfilled, curfew.Held:
			unclaimed -= min(c.Amount, l.LeftFor(c, b.Worth()))
		case curfew.Refunded:
			unpaid += c.Due() // less is given back if the bank has the rest by then
		}
	}
	if b.Refunded != f.b.sum(f.p.PaymentID) || b.Refunded+b.Lost > b.Captured || b.Open() != 0 {
		f.env.Errorf("%v: given back are %d, and here %+v", f.course, f.b.sum(f.p.PaymentID), b)
	}
	if unclaimed > max(unpaid, 0) {
		f.env.Errorf("%v: %d are nobody's: %s", f.course, unclaimed, outcomesOf(l))
	}
}

func outcomesOf(l record.Ledger) string {
	var all []string
	for _, c := range l.Checkouts {
		all = append(all, fmt.Sprintf("%d %s %d/%d (%s)", c.Line, c.Outcome, c.Amount, c.RefundAmount, c.Note))
	}
	return strings.Join(all, ", ")
}
