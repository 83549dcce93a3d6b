package lifecycle_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/effort"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/seed"
)

// course is what happens to one payment whose money is reserved, at random.
type course struct {
	env      *environment
	v        *vault
	rng      *rand.Rand
	p        storetest.Report
	accepted bool // by somebody, ever
	history  []string
}

// act does one thing that may happen to a session, and may be refused.
func (c *course) act() {
	s, err := c.env.Session(c.env.Context(), c.env.outcomeOf(c.p.Ref).SessionID)
	if err != nil {
		c.env.Fatal(err)
	}
	mechanic := fmt.Sprint(c.p.Ref, "-m", c.rng.IntN(2))
	acts := []struct {
		name string
		do   func() error
	}{
		{"accept", func() error {
			err := failed(c.env.Accept(c.env.Context(), s.Request.ID, mechanic))
			now, _ := c.env.Session(c.env.Context(), s.ID)
			c.accepted = c.accepted || err == nil && s.MechanicID == "" || now.EndReason == curfew.ByPayment
			return err
		}},
		{"release", func() error { return failed(c.env.Release(c.env.Context(), s.Request.ID, s.MechanicID)) }},
		{"cancel", func() error { return failed(c.env.Cancel(c.env.Context(), s.ID, shop)) }},
		{"expire", func() error {
			c.env.Age(c.env, s.ID, longAgo)
			return failed(c.env.RunFullCleanup(c.env.Context()))
		}},
		{"settle", func() error { c.env.past("next_at", c.p.Ref); return c.env.SettleCaptures(c.env.Context()) }},
		{"settle at once", func() error { return c.env.SettleCaptures(c.env.Context()) }},
		{"tell", func() error { return c.env.Receive(c.env.Context(), c.v.notice(c.p)) }},
		{"join", func() error {
			if s.MechanicID == "" || c.env.outcomeOf(c.p.Ref).Capture != "captured" { // others wait for the bank
				return nil
			}
			return errors.Join(
				failed(c.env.Join(c.env.Context(), s.ID, curfew.Actor{Role: curfew.Customer, ID: s.CustomerID})),
				failed(c.env.Join(c.env.Context(), s.ID, curfew.Actor{Role: curfew.Mechanic, ID: s.MechanicID})))
		}},
	}
	a := acts[c.rng.IntN(len(acts))]
	c.history = append(c.history, a.name)
	if err := a.do(); err != nil && !errors.Is(err, curfew.Conflict) && !errors.Is(err, curfew.NotFound) &&
		!errors.Is(err, curfew.AlreadyClaimed) && !errors.Is(err, curfew.Invalid) {
		c.env.Fatalf("%v: %v", c.history, err)
	}
}

func failed[T any](_ T, err error) error { return err }

// outcomeOf is a payment as it is.
func (env *environment) outcomeOf(ref string) curfew.Checkout {
	env.Helper()
	return must(env.Checkout(env.Context(), ref))(env)
}

// Whatever happens, and in whatever order, the bank takes the money at most once; it does
// if a mechanic accepted and it did not refuse; and nothing stays reserved after the end.
func TestReservedMoneyIsTakenOnceOrReleased(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		s := seed.New(env)
		for i := range effort.Of(0, 10, 1500) {
			rng := seed.Dice(s, fmt.Sprint(i))
			faults := []curfew.Kind{curfew.Unavailable, curfew.PaymentRequired, curfew.RateLimited, curfew.Unauthenticated}
			fail := func(curfew.MoneyOrder) error {
				if k := rng.IntN(3 * len(faults)); k < len(faults) {
					return curfew.Errorf(faults[k], "as it happens")
				}
				return nil
			}
			lose := func(curfew.MoneyOrder) error {
				if rng.IntN(4) == 0 {
					return curfew.Errorf(curfew.Unavailable, "the answer is lost")
				}
				return nil
			}
			c := &course{env: env, v: v, rng: rng, p: reportedPayment(fmt.Sprint("c", i), fmt.Sprint("p", i))}
			v.refuse, v.lose = fail, lose
			env.receive(v.reserve(c.p, 7*24*time.Hour))
			for range 2 + rng.IntN(10) {
				c.act()
			}
			v.refuse, v.lose = newVault().refuse, newVault().lose
			c.end()
			c.check()
		}
	})
}

// end lets everything come to its end without further faults.
func (c *course) end() {
	s := must(c.env.Session(c.env.Context(), c.env.outcomeOf(c.p.Ref).SessionID))(c.env)
	if !s.Status.Ended() {
		must(c.env.End(c.env.Context(), s.ID, shop))(c.env)
	}
	for range 3 {
		c.env.past("next_at", c.p.Ref)
		c.env.settleCaptures()
		c.env.past("next_at", c.p.Ref)
		c.env.settleRefunds()
	}
}

func (c *course) check() {
	now := c.env.outcomeOf(c.p.Ref)
	bank := *c.v.reserved[c.p.PaymentID]
	taken := 0
	for _, o := range c.v.calls {
		if o.PaymentID == c.p.PaymentID && strings.HasPrefix(o.Key, "capture:") {
			taken++
		}
	}
	given := c.v.sum(c.p.PaymentID)
	ok := false
	switch bank.State {
	case "captured":
		ok = c.accepted && now.Capture == "captured" &&
			(now.Outcome == curfew.Fulfilled && given == 0 || now.Outcome == curfew.Refunded && given == bank.Amount)
	case "voided":
		ok = (now.Capture == "released" || now.Capture == "failed") && now.Outcome == curfew.Void && given == 0 && (!c.accepted || taken > 0)
	}
	if !ok {
		c.env.Errorf("%v: accepted %t; the bank says %s, %d given back; it is %s, its money %s (%s)",
			c.history, c.accepted, bank.State, given, now.Outcome, now.Capture, now.Note)
	}
}

// A shop may report reserved money by two names before anybody says that it is one payment. The
// second report then holds nothing, and nobody is asked to release what the first one needs.
func TestReservedMoneyThatIsReportedTwiceIsReservedOnce(t *testing.T) {
	onEachStoreWith(t, takesLater("at_acceptance", false), func(env *environment) {
		v := newVault()
		env = env.banked(v, env.Store)
		p := reportedPayment("ada", "p1")
		first := env.pay("ada", p.PaymentID)
		if second := env.pay("ada", "p1"); second.Outcome != curfew.Deferred {
			env.Errorf("it is answered %+v", second)
		}
		env.receive(v.reserve(p, 48*time.Hour))
		if err := env.SettleCaptures(env.Context()); err != nil {
			env.Error(err)
		}
		want := map[string]string{p.PaymentID: "fulfilled authorised", "p1": "void released"}
		for _, c := range must(env.Store.Checkouts(env.Context(), "ada"))(env) {
			if got := string(c.Outcome) + " " + c.Capture; got != want[c.Ref] {
				env.Errorf("%s is %s", c.Ref, got)
			}
		}
		env.is(first.SessionID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
		if asked := v.keys(); len(asked) > 0 {
			env.Errorf("the bank was asked for %v", asked)
		}
	})
}
