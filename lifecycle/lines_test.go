package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// several is a payment for so many sessions. It cannot be divided without a rest.
func several(customer, ref string, n int64) storetest.Report {
	p := reportedPayment(customer, ref)
	p.Quantity, p.Amount = n, n*2900+n-1
	return p
}

// lines are the checkouts of a payment, by line.
func (env *environment) lines(ref string) []curfew.Checkout {
	env.Helper()
	all := must(env.Store.LedgerOf(env.Context(), ref))(env).Checkouts
	slices.SortFunc(all, func(a, b curfew.Checkout) int { return int(a.Line - b.Line) })
	return all
}

// became checks what became of each line of a payment.
func (env *environment) became(ref string, want ...curfew.Outcome) []curfew.Checkout {
	env.Helper()
	all := env.lines(ref)
	var got []curfew.Outcome
	for _, c := range all {
		got = append(got, c.Outcome)
	}
	if !slices.Equal(got, want) {
		env.Errorf("the lines of %s are %v, want %v", ref, got, want)
	}
	return all
}

// credits are n outcomes, the first of which is another.
func credits(first curfew.Outcome, n int64) []curfew.Outcome {
	return append([]curfew.Outcome{first}, slices.Repeat([]curfew.Outcome{curfew.Credited}, int(n-1))...)
}

// Whoever tells it, and however often at once: one session now, and a credit for each other.
func TestAPaymentForSeveralSessionsHasALineForEach(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for n := int64(1); n <= 5; n++ {
			ref := fmt.Sprint("p", n)
			p := several("c-"+ref, ref, n)
			together(10, func(int) {
				if err := env.Receive(env.Context(), paid(p)); err != nil {
					env.Error(err)
				}
			})
			all := env.became(ref, credits(curfew.Fulfilled, n)...)
			var sum int64
			for i, c := range all {
				sum += c.Amount
				if c.Line != int64(i+1) || c.Concern != "" || c.CustomerID != p.CustomerID || c.PaymentID != p.PaymentID || uuid.MustParse(c.ID).Version() != 7 {
					env.Errorf("line %d is %+v", i+1, c)
				}
				if title := record.Title(c); i > 0 && title != fmt.Sprintf("%s line %d of %d", ref, i+1, n) {
					env.Errorf("line %d is called %q", i+1, title)
				}
			}
			if sum != p.Amount || all[0].Amount != 2900+n-1 {
				env.Errorf("%d lines cost %d, the first %d", n, sum, all[0].Amount)
			}
			must(env.Cancel(env.Context(), all[0].SessionID, shop))(env)
			for range n {
				f, err := env.CreateSession(env.Context(), shop, lifecycle.NewSession{CustomerID: p.CustomerID, Plan: "chat10"})
				if err != nil {
					env.Fatalf("a credit of %d: %v", n, err)
				}
				env.finished(f, "m-"+ref)
			}
			if err := env.spent(p.CustomerID); !errors.Is(err, curfew.PaymentRequired) {
				env.Errorf("spent once more: %v", err)
			}
		}
	})
}

// finished has a session taken place.
func (env *environment) finished(f lifecycle.Fulfillment, mechanic string) {
	env.Helper()
	must(env.Accept(env.Context(), f.RequestID, mechanic))(env)
	s := must(env.Session(env.Context(), f.SessionID))(env)
	must(env.Join(env.Context(), s.ID, curfew.Actor{Role: curfew.Customer, ID: s.CustomerID}))(env)
	must(env.Join(env.Context(), s.ID, curfew.Actor{Role: curfew.Mechanic, ID: mechanic}))(env)
	env.Age(env, s.ID, longAgo)
	must(env.RunFullCleanup(env.Context()))(env)
	if s = must(env.Session(env.Context(), s.ID))(env); s.Status != curfew.Completed {
		env.Fatalf("session %s is %s", s.ID, s.Status)
	}
}

// What the first line waits for, the others wait for, and it stands for all of them.
func TestLinesFollowTheFirst(t *testing.T) {
	for sentence, c := range map[string]struct {
		arrange func(env *environment, p *storetest.Report)
		first   curfew.Outcome
		act     func(env *environment, p storetest.Report)
		want    []curfew.Outcome
	}{
		"behind another session": {
			func(env *environment, _ *storetest.Report) { env.pay("ada", "other") }, "", nil, credits(curfew.Deferred, 3),
		},
		"held, and assigned": {
			func(_ *environment, p *storetest.Report) { p.CustomerID = "" }, curfew.Held,
			func(env *environment, _ storetest.Report) {
				must(env.AssignHeld(env.Context(), admin, "p1", "ada", "chat10", ""))(env)
				must(0, env.SettleUnjudged(env.Context()))(env)
			}, credits(curfew.Fulfilled, 3),
		},
		"held, and given back": {
			func(_ *environment, p *storetest.Report) { p.CustomerID = "" }, curfew.Held,
			func(env *environment, _ storetest.Report) {
				if c := must(env.RefundCheckout(env.Context(), admin, "p1", "unknown"))(env); c.Due() != 8702 {
					env.Errorf("%d are due", c.Due())
				}
			},
			[]curfew.Outcome{curfew.RefundDue},
		},
		"promised, and paid": {
			func(_ *environment, p *storetest.Report) { p.Paid = false }, curfew.Promised,
			func(env *environment, p storetest.Report) {
				n := p.GivenBack(0)
				n.Facts = []curfew.Fact{{Kind: "attempt", Object: p.PaymentID, State: "captured", Amount: p.Amount, Currency: p.Currency}}
				env.receive(n, n)
			}, credits(curfew.Fulfilled, 3),
		},
		"promised, and not paid": {
			func(_ *environment, p *storetest.Report) { p.Paid = false }, curfew.Promised,
			func(env *environment, p storetest.Report) { env.receive(promiseOf(p, "failed")) },
			[]curfew.Outcome{curfew.Void},
		},
		"ignored, and assigned": {
			func(_ *environment, p *storetest.Report) { p.Plan = "ebook" }, curfew.Ignored,
			func(env *environment, _ storetest.Report) {
				must(env.AssignHeld(env.Context(), admin, "p1", "ada", "video15", ""))(env)
				must(0, env.SettleUnjudged(env.Context()))(env)
			}, credits(curfew.Fulfilled, 3),
		},
		"a part was given back before": {
			func(_ *environment, p *storetest.Report) { p.Refunded = 1000 }, curfew.Held, nil, []curfew.Outcome{curfew.Held},
		},
		"for more sessions than can be": {
			func(_ *environment, p *storetest.Report) { p.Quantity = 101 }, curfew.Held, nil, []curfew.Outcome{curfew.Held},
		},
		"told without the quantity before": {
			func(env *environment, p *storetest.Report) {
				once := *p
				once.Quantity = 0
				env.receive(paid(once))
			}, "", nil, credits(curfew.Fulfilled, 3),
		},
		"given back before the quantity was told": {
			func(env *environment, p *storetest.Report) {
				once := *p
				once.Quantity = 0
				env.receive(paid(once), refunded(once, p.Amount))
			}, "", nil, []curfew.Outcome{curfew.Refunded},
		},
		"told by the shop before": {
			func(env *environment, _ *storetest.Report) { env.pay("ada", "p1") }, "", nil, credits(curfew.Fulfilled, 3),
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStoreWith(t, func(p *curfew.Policy) { p.HoldForeign = false }, func(env *environment) {
				p := several("ada", "p1", 3)
				c.arrange(env, &p)
				env.receive(paid(p), paid(p))
				if c.first != "" {
					if first := env.became("p1", c.first)[0]; first.Amount != p.Amount {
						env.Errorf("the first line stands for %d", first.Amount)
					}
				}
				if c.act != nil {
					c.act(env, p)
				}
				var sum int64
				for _, line := range env.became("p1", c.want...) {
					if sum += line.Amount; line.Concern != "" {
						env.Errorf("it cries wolf: %s", line.Note)
					}
				}
				if sum != p.Amount {
					env.Errorf("the lines cost %d", sum)
				}
			})
		})
	}
}

// dying fails to record lines as long as it is told to.
type dying struct {
	lifecycle.Store
	alive atomic.Int64
}

func (d *dying) Record(ctx context.Context, c curfew.Checkout, by curfew.Actor, reason string) (record.Receipt, error) {
	if c.Line > 1 && d.alive.Add(-1) < 0 {
		return record.Receipt{}, curfew.Errorf(curfew.Unavailable, "killed")
	}
	return d.Store.Record(ctx, c, by, reason)
}

func TestLinesThatWereInterruptedAreCompleted(t *testing.T) {
	onEachStore(t, func(env *environment) {
		for alive := range int64(3) {
			ref := fmt.Sprint("p", alive)
			d := &dying{Store: env.Store}
			d.alive.Store(alive)
			if err := env.with(d).Receive(env.Context(), paid(several("c-"+ref, ref, 4))); !errors.Is(err, curfew.Unavailable) {
				env.Errorf("received: %v", err)
			}
			env.became(ref, credits(curfew.Fulfilled, alive+1)...)
			must(env.Cancel(env.Context(), env.outcome(ref, curfew.Fulfilled).SessionID, shop))(env)
			must(0, env.SettleUnjudged(env.Context()))(env)
			env.became(ref, credits(curfew.Credited, 4)...)
		}
	})
}

func TestTheFirstPriceIsForAllLines(t *testing.T) {
	priced := func(p *curfew.Policy) {
		p.Plans = curfew.BuiltinPlans()
		plan, price := p.Plans["chat10"], int64(2900)
		plan.Price, plan.Currency = &price, "eur"
		p.Plans["chat10"] = plan
	}
	onEachStoreWith(t, priced, func(env *environment) {
		covered, less := several("ada", "p1", 3), several("bob", "p2", 3)
		covered.Amount, less.Amount = 8700, 8699
		env.receive(paid(covered), paid(less))
		env.became("p1", credits(curfew.Fulfilled, 3)...)
		if c := env.became("p2", curfew.Held)[0]; !strings.Contains(c.Note, "3 times plan chat10 costs") {
			env.Errorf("the note is %q", c.Note)
		}
	})
}

// A renewal comes in the night: it opens no session.
func TestARenewalIsACredit(t *testing.T) {
	onEachStore(t, func(env *environment) {
		now, later, odd, many := reportedPayment("ada", "in_1"), reportedPayment("bob", "in_2"), reportedPayment("", "in_3"), several("cyd", "in_4", 3)
		for _, p := range []*storetest.Report{&now, &later, &odd, &many} {
			p.Renewal = true
		}
		later.Paid, many.Paid = false, false
		env.receive(paid(now), paid(now), paid(later), paid(odd), paid(many))
		env.became("in_1", curfew.Credited)
		env.became("in_2", curfew.Promised)
		env.became("in_3", curfew.Held)
		env.became("in_4", curfew.Promised)
		later.Paid, many.Paid = true, true
		env.receive(paid(later), paid(many), paid(many))
		env.became("in_2", curfew.Credited)
		env.became("in_4", credits(curfew.Credited, 3)...)
		for _, customer := range []string{"ada", "bob", "cyd"} {
			if all := must(env.Store.SessionsOf(env.Context(), customer, 9))(env); len(all) > 0 {
				env.Errorf("%s has a session: %+v", customer, all)
			}
		}
		env.receive(refunded(now, 2900), later.Disputed("lost"))
		env.became("in_1", curfew.Refunded)
		env.became("in_2", curfew.Void)
		if err := env.spent("cyd"); err != nil {
			env.Error(err)
		}
	})
}

// All that was bought is taken when the first session is accepted.
func TestReservedLinesAreTakenTogether(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		p, gone := several("ada", "p1", 3), several("bob", "p2", 3)
		env.receive(v.reserve(p, 7*24*time.Hour), v.reserve(gone, 7*24*time.Hour))
		env.became("p1", curfew.Fulfilled)
		must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "max"))(env)
		must(env.Cancel(env.Context(), env.sessionOf("p2").ID, shop))(env)
		env.settleCaptures()
		env.became("p1", credits(curfew.Fulfilled, 3)...)
		env.became("p2", curfew.Void)
		if v.reserved[p.PaymentID].Amount != p.Amount || v.reserved[gone.PaymentID].State != "voided" {
			env.Errorf("taken are %+v and %+v", v.reserved[p.PaymentID], v.reserved[gone.PaymentID])
		}
	})
}

func TestMinutesAreBoughtSeveralTimes(t *testing.T) {
	extends := func(p *curfew.Policy) {
		p.Plans = curfew.BuiltinPlans()
		p.Plans["more"] = curfew.Plan{Kind: curfew.Chat, Duration: 10 * time.Minute, Extends: true}
	}
	onEachStoreWith(t, extends, func(env *environment) {
		f := env.live("ada", "p1", "max")
		before := must(env.Session(env.Context(), f.SessionID))(env)
		p := several("ada", "x1", 3)
		p.Plan, p.Extends = "more", f.SessionID
		env.receive(paid(p), paid(p))
		after := must(env.Session(env.Context(), f.SessionID))(env)
		if got := after.Duration - before.Duration; got != 30*time.Minute {
			env.Errorf("%s longer", got)
		}
		if c := env.became("x1", curfew.Fulfilled)[0]; c.Amount != p.Amount || c.Concern != "" {
			env.Errorf("it is %+v", c)
		}
	})
}
