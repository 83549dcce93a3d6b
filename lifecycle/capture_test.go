package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
)

// vault is a bank that reserves money, and remembers what it was asked for.
type vault struct {
	*bank
	mu       sync.Mutex
	reserved map[string]*curfew.Fact // by payment
	reports  map[string]storetest.Report
	calls    []curfew.MoneyOrder
	// refuse fails a call that has done nothing, lose one that did its work.
	refuse, lose func(curfew.MoneyOrder) error
}

func newVault() *vault {
	never := func(curfew.MoneyOrder) error { return nil }
	return &vault{
		bank: newBank(), reserved: map[string]*curfew.Fact{}, reports: map[string]storetest.Report{}, refuse: never, lose: never,
	}
}

// reserve is the message that a payment is reserved for so long.
func (v *vault) reserve(p storetest.Report, life time.Duration) curfew.Notice {
	v.mu.Lock()
	defer v.mu.Unlock()
	p.Paid = false
	now := time.Now()
	v.reserved[p.PaymentID] = &curfew.Fact{
		Kind: "attempt", Object: p.PaymentID, State: "authorised", Amount: p.Amount, Currency: p.Currency, At: now, Until: now.Add(life),
	}
	v.reports[p.PaymentID], v.reports[p.Ref] = p, p
	return v.notice(p)
}

func (v *vault) notice(p storetest.Report) curfew.Notice {
	n := p.Notice()
	n.Facts = []curfew.Fact{*v.reserved[p.PaymentID]}
	return n
}

// become moves what is reserved to its next state.
func (v *vault) become(o curfew.MoneyOrder, state string, amount int64) ([]curfew.Fact, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.calls = append(v.calls, o)
	if err := v.refuse(o); err != nil {
		return nil, err
	}
	f := v.reserved[o.PaymentID]
	if f.State != "authorised" && f.State != state {
		return nil, curfew.Errorf(curfew.Conflict, "it is %s", f.State)
	}
	if f.State == "authorised" {
		f.State, f.Amount, f.At = state, amount, time.Now()
	}
	if err := v.lose(o); err != nil {
		return nil, err
	}
	return []curfew.Fact{*f}, nil
}

func (v *vault) Capture(_ context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	return v.become(o, "captured", o.Amount)
}

func (v *vault) Release(_ context.Context, o curfew.MoneyOrder) ([]curfew.Fact, error) {
	return v.become(o, "voided", o.Amount)
}

func (v *vault) Payment(_ context.Context, _, name string) (curfew.Notice, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, ok := v.reports[name]
	if !ok {
		return curfew.Notice{}, curfew.Errorf(curfew.NotFound, "there is no payment %s", name)
	}
	return v.notice(p), nil
}

// keys is what it was asked for, in order.
func (v *vault) keys() (keys []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, o := range v.calls {
		keys = append(keys, o.Key)
	}
	return keys
}

// takesLater is a policy whose plan chat10 takes its money later.
func takesLater(capture string, early bool) func(*curfew.Policy) {
	return func(p *curfew.Policy) {
		p.HoldForeign, p.Plans = true, curfew.BuiltinPlans()
		plan := p.Plans["chat10"]
		plan.Capture, plan.CaptureEarly = capture, early
		p.Plans["chat10"] = plan
	}
}

// onVault runs a test on both stores with a bank that reserves money, for a plan that takes
// it then.
func onVault(t *testing.T, capture string, test func(env *environment, v *vault)) {
	t.Helper()
	onEachStoreWith(t, takesLater(capture, false), func(env *environment) {
		v := newVault()
		test(env.banked(v, env.Store), v)
	})
}

// taken checks what became of a payment and of its money.
func (env *environment) taken(ref string, outcome curfew.Outcome, capture string) curfew.Checkout {
	env.Helper()
	c := env.outcome(ref, outcome)
	if c.Capture != capture {
		env.Errorf("the money of %s is %s, want %s", ref, c.Capture, capture)
	}
	return c
}

func (env *environment) settleCaptures() {
	env.Helper()
	if err := env.SettleCaptures(env.Context()); err != nil {
		env.Fatal(err)
	}
}

// session is the session of a payment that was reserved.
func (env *environment) sessionOf(ref string) curfew.Snapshot {
	env.Helper()
	return must(env.Session(env.Context(), env.outcome(ref, curfew.Fulfilled).SessionID))(env)
}

func TestReservedMoneyIsTakenWhenAMechanicAccepts(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		p := reportedPayment("kim", "p1")
		env.receive(v.reserve(p, 7*24*time.Hour))
		env.taken("p1", curfew.Fulfilled, "authorised")
		env.settleCaptures()
		if len(v.calls) != 0 {
			env.Fatalf("before anybody accepted, the bank was asked %v", v.keys())
		}
		s := env.sessionOf("p1")
		s = must(env.Accept(env.Context(), s.Request.ID, "m1"))(env)
		env.taken("p1", curfew.Fulfilled, "captured")
		env.receive(v.reserve(reportedPayment("", "p1"), 0)) // an old message, late
		env.settleCaptures()
		want := curfew.MoneyOrder{Key: "capture:p1", PaymentID: "pi-p1", Amount: 2900, Currency: "eur"}
		if len(v.calls) != 1 || v.calls[0] != want || s.MechanicID != "m1" {
			env.Errorf("asked %+v", v.calls)
		}
		must(env.Cancel(env.Context(), s.ID, shop))(env)
		env.taken("p1", curfew.RefundDue, "captured")
		env.settleRefunds()
		env.taken("p1", curfew.Refunded, "captured")
	})
}

func TestReservedMoneyIsReleasedWhenNobodyAccepts(t *testing.T) {
	ends := map[string]func(*environment, curfew.Snapshot){
		"by the customer": func(env *environment, s curfew.Snapshot) { must(env.Cancel(env.Context(), s.ID, shop))(env) },
		"by the sweeper": func(env *environment, s curfew.Snapshot) {
			env.Age(env, s.ID, longAgo)
			must(env.RunFullCleanup(env.Context()))(env)
		},
		"by the next call": func(env *environment, s curfew.Snapshot) {
			env.Age(env, s.ID, longAgo)
			must(env.CheckCustomerSessionStatus(env.Context(), s.CustomerID))(env)
			must(env.FulfillCheckout(env.Context(), shop, env.purchase(s.CustomerID, "next")))(env)
		},
		"by an operator": func(env *environment, _ curfew.Snapshot) {
			must(env.RefundCheckout(env.Context(), admin, "p1", "goodwill"))(env)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			onVault(t, "at_acceptance", func(env *environment, v *vault) {
				env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
				end(env, env.sessionOf("p1"))
				env.taken("p1", curfew.Void, "releasing")
				env.settleCaptures()
				env.taken("p1", curfew.Void, "released")
				env.settleCaptures()
				env.settleRefunds()
				if keys := v.keys(); len(keys) != 1 || keys[0] != "release:p1" || len(v.asked) != 0 {
					env.Errorf("the bank was asked %v, and to give back %v", keys, v.asked)
				}
			})
		})
	}
}

func TestAMechanicIsFreeWhenTheBankRefuses(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
		v.refuse = func(o curfew.MoneyOrder) error {
			if o.Key == "capture:p1" && len(v.calls) == 1 {
				return curfew.Errorf(curfew.PaymentRequired, "card_declined")
			}
			return nil
		}
		s := env.sessionOf("p1")
		if _, err := env.Accept(env.Context(), s.Request.ID, "m1"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("accepted: %v", err)
		}
		env.is(s.ID, curfew.Cancelled, curfew.ByPayment, curfew.RequestCancelled, curfew.Void)
		env.taken("p1", curfew.Void, "failed")
		if busy := must(env.Current(env.Context(), "m1"))(env); busy != nil {
			env.Errorf("the mechanic is still busy with %s", busy.ID)
		}
	})
}

// An answer that was lost is asked for again; what happened is looked up first.
func TestALostAnswerTakesTheMoneyOnce(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
		v.lose = func(curfew.MoneyOrder) error { return curfew.Errorf(curfew.Unavailable, "timeout") }
		s := env.sessionOf("p1")
		must(env.Accept(env.Context(), s.Request.ID, "m1"))(env)
		env.taken("p1", curfew.Fulfilled, "capturing")
		env.settleCaptures()
		if len(v.calls) != 1 {
			env.Fatalf("it was asked again at once: %v", v.keys())
		}
		env.past("next_at", "p1")
		env.settleCaptures()
		env.taken("p1", curfew.Fulfilled, "captured")
		if len(v.calls) != 1 {
			env.Errorf("the bank was asked %v", v.keys())
		}
	})
}

// What is being taken when the session ends is taken, and given back.
func TestWhatIsBeingTakenIsGivenBack(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
		v.refuse = func(curfew.MoneyOrder) error { return curfew.Errorf(curfew.Unavailable, "timeout") }
		s := must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
		must(env.Cancel(env.Context(), s.ID, shop))(env)
		env.taken("p1", curfew.RefundDue, "capturing")
		env.settleRefunds()
		env.taken("p1", curfew.RefundDue, "capturing")
		v.refuse = func(curfew.MoneyOrder) error { return nil }
		env.past("next_at", "p1")
		env.settleCaptures()
		env.taken("p1", curfew.RefundDue, "captured")
		env.past("next_at", "p1")
		env.settleRefunds()
		env.taken("p1", curfew.Refunded, "captured")
		if keys := v.keys(); fmt.Sprint(keys) != "[capture:p1 capture:p1]" || v.sum("pi-p1") != 2900 {
			env.Errorf("the bank was asked %v, and gave %d back", keys, v.sum("pi-p1"))
		}
	})
}

// A key that the provider refuses is nobody's fault but ours: the session stays, and an
// operator is told.
func TestNobodyIsPunishedForARefusedKey(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
		v.refuse = func(curfew.MoneyOrder) error { return curfew.Errorf(curfew.Unauthenticated, "invalid API key") }
		s := must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
		c := env.taken("p1", curfew.Fulfilled, "capturing")
		if c.Concern != record.CaptureFailed || c.Note == "" || s.MechanicID != "m1" {
			env.Errorf("it is %+v", c)
		}
	})
}

func TestMoneyIsTakenWhenBothAreIn(t *testing.T) {
	onVault(t, "at_live", func(env *environment, v *vault) {
		env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
		s := must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
		env.taken("p1", curfew.Fulfilled, "authorised")
		must(env.Join(env.Context(), s.ID, curfew.Actor{Role: curfew.Customer, ID: "kim"}))(env)
		env.taken("p1", curfew.Fulfilled, "authorised")
		s = must(env.Join(env.Context(), s.ID, curfew.Actor{Role: curfew.Mechanic, ID: "m1"}))(env)
		if s.Status != curfew.Live {
			env.Errorf("it is %s", s.Status)
		}
		env.taken("p1", curfew.Fulfilled, "captured")
	})
}

// An appointment beyond the authorization is refused, and nothing is taken; or its money is
// taken at once, as the plan says.
func TestAnAuthorizationThatIsTooShort(t *testing.T) {
	for _, early := range []bool{false, true} {
		t.Run(fmt.Sprint("early ", early), func(t *testing.T) {
			onEachStoreWith(t, takesLater("at_acceptance", early), func(env *environment) {
				v := newVault()
				env = env.banked(v, env.Store)
				p := reportedPayment("kim", "p1")
				p.StartsAt = time.Now().Add(8 * 24 * time.Hour).UTC().Truncate(time.Microsecond)
				reserved := v.reserve(p, 7*24*time.Hour)

				q := env.purchase("ada", "p2") // the shop is first, and the bank reserves for less
				q.StartsAt = &p.StartsAt
				must(env.FulfillCheckout(env.Context(), shop, q))(env)
				late := reportedPayment("ada", "p2")
				late.StartsAt = p.StartsAt
				env.taken("p2", curfew.Fulfilled, "authorised")
				env.receive(reserved, v.reserve(late, 7*24*time.Hour))
				env.settleCaptures()
				for _, ref := range []string{"p1", "p2"} {
					if !early {
						env.taken(ref, curfew.Void, "released")
						continue
					}
					c := env.taken(ref, curfew.Fulfilled, "captured")
					if s := must(env.Session(env.Context(), c.SessionID))(env); s.Status != curfew.Scheduled {
						env.Errorf("its session is %s", s.Status)
					}
				}
			})
		})
	}
}

// A payment that is disputed, or partly gone, is not accepted.
func TestASessionWhosePaymentIsDisputedIsNotAccepted(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := reportedPayment("kim", "p1")
		env.receive(paid(p))
		s := env.sessionOf("p1")
		env.receive(p.Disputed("needs_response"))
		if _, err := env.Accept(env.Context(), s.Request.ID, "m1"); !errors.Is(err, curfew.Conflict) {
			env.Errorf("accepted while disputed: %v", err)
		}
		won := p.Disputed("won")
		won.Facts[0].At = time.Now()
		env.receive(won)
		must(env.Accept(env.Context(), s.Request.ID, "m1"))(env)
	})
}

// An appointment that is cancelled so late that a share of its price is kept: all of it is
// taken, and the rest given back.
func TestAShareOfReservedMoneyIsKept(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		p := reportedPayment("kim", "p1")
		p.StartsAt = time.Now().Add(3 * time.Hour)
		env.receive(v.reserve(p, 7*24*time.Hour))
		c := env.taken("p1", curfew.Fulfilled, "authorised")
		must(env.Cancel(env.Context(), c.SessionID, shop))(env)
		env.taken("p1", curfew.RefundDue, "due")
		env.settleCaptures()
		env.taken("p1", curfew.RefundDue, "captured")
		env.settleRefunds()
		env.taken("p1", curfew.Refunded, "captured")
		if v.sum("pi-p1") != 1450 || v.calls[0].Amount != 2900 {
			env.Errorf("the bank was asked %+v, and gave %d back", v.calls, v.sum("pi-p1"))
		}
	})
}

// Who does not come, where that forfeits the price, pays it.
func TestForfeitedMoneyIsTaken(t *testing.T) {
	forfeit := func(p *curfew.Policy) {
		takesLater("at_live", false)(p)
		p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.NoShow: curfew.Forfeit}
	}
	onEachStoreWith(t, forfeit, func(env *environment) {
		v := newVault()
		env = env.banked(v, env.Store)
		env.receive(v.reserve(reportedPayment("kim", "p1"), 7*24*time.Hour))
		s := must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
		must(env.Join(env.Context(), s.ID, curfew.Actor{Role: curfew.Mechanic, ID: "m1"}))(env)
		env.Age(env, s.ID, longAgo)
		must(env.RunFullCleanup(env.Context()))(env)
		env.taken("p1", curfew.Forfeited, "due")
		env.settleCaptures()
		env.taken("p1", curfew.Forfeited, "captured")
	})
}

// Where the plan says so, a bank's promise brings a session at once. Nothing is given back
// before the money has come, and nothing at all if it does not come.
func TestADelayedPaymentIsAdmittedAtOnce(t *testing.T) {
	delayed := func(p *curfew.Policy) {
		takesLater("at_payment", false)(p)
		plan := p.Plans["chat10"]
		plan.Delayed = true
		p.Plans["chat10"] = plan
		p.Settle = map[curfew.EndReason]curfew.Settlement{curfew.ByRequest: curfew.Refund}
	}
	onEachStoreWith(t, delayed, func(env *environment) {
		b := newBank()
		env = env.banked(b, env.Store)
		for _, ref := range []string{"p1", "p2", "p3"} {
			p := reportedPayment("c-"+ref, ref)
			env.receive(promiseOf(p, "promised"))
			s := env.sessionOf(ref)
			switch ref {
			case "p1": // it comes after the session was cancelled
				must(env.Cancel(env.Context(), s.ID, shop))(env)
				env.settleRefunds()
				env.outcome(ref, curfew.RefundDue)
				env.receive(paid(p))
				env.settleRefunds()
				env.outcome(ref, curfew.Refunded)
			case "p2": // it never comes
				env.receive(promiseOf(p, "failed"))
				env.is(s.ID, curfew.Cancelled, curfew.ByPayment, curfew.RequestCancelled, curfew.Void)
			case "p3":
				env.receive(paid(p))
				env.is(s.ID, curfew.Waiting, "", curfew.Pending, curfew.Fulfilled)
			}
		}
		if len(b.asked) != 1 || b.sum("pi-p1") != 2900 {
			env.Errorf("the bank was asked %+v", b.asked)
		}
	})
}
