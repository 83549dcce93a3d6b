package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

func minor(amount int64) *int64 { return &amount }

// What was paid for a reference cannot change. What a report leaves out is not compared.
func TestARepeatedReferenceWithAnotherAmountIsAMismatch(t *testing.T) {
	for sentence, test := range map[string]struct {
		amount   *int64
		currency string
		want     error
	}{
		"the same again":                 {minor(2900), "eur", nil},
		"the currency in capitals":       {minor(2900), "EUR", nil},
		"nothing is said of the amount":  {nil, "", nil},
		"only the currency is said":      {nil, "eur", nil},
		"less":                           {minor(2899), "eur", curfew.IdempotencyMismatch},
		"more":                           {minor(2901), "eur", curfew.IdempotencyMismatch},
		"nothing":                        {minor(0), "eur", curfew.IdempotencyMismatch},
		"another currency":               {minor(2900), "usd", curfew.IdempotencyMismatch},
		"only another currency is said":  {nil, "usd", curfew.IdempotencyMismatch},
		"an amount without its currency": {minor(2900), "", curfew.Invalid},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				first := env.pay("c", "p1")
				before := env.Dump(env)
				p := env.purchase("c", "p1")
				p.Amount, p.Currency = test.amount, test.currency
				f, err := env.FulfillCheckout(env.Context(), shop, p)
				if !errors.Is(err, test.want) {
					env.Fatalf("got %v, want %v", err, test.want)
				}
				if err == nil && (!f.Replayed || f.SessionID != first.SessionID) {
					env.Errorf("it answers %+v", f)
				}
				if env.Dump(env) != before {
					env.Error("it changed something")
				}
			})
		})
	}
}

// The provider's amount counts once it has spoken, and the shop may go on repeating its own.
func TestAProvidersAmountWinsAndTheShopMayRepeatItsOwn(t *testing.T) {
	for sentence, providerFirst := range map[string]bool{"the shop is first": false, "the provider is first": true} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				with := reportedPayment("c", "p1")
				with.Amount = 3451 // with tax
				if providerFirst {
					env.receive(paid(with))
				} else {
					env.pay("c", "p1")
					env.receive(paid(with))
				}
				for range 2 {
					if f := env.pay("c", "p1"); f.Outcome != curfew.Fulfilled || !f.Replayed {
						env.Errorf("the shop's report is answered with %+v", f)
					}
					env.receive(paid(with))
				}
				if c := env.outcome("p1", curfew.Fulfilled); c.Amount != 3451 {
					env.Errorf("%d were paid", c.Amount)
				}
			})
		})
	}
}

// overtaken lets a shop report a payment just after a provider has told its facts, and before anything comes of them.
type overtaken struct {
	lifecycle.Store
	shop func()
	once sync.Once
}

func (o *overtaken) Report(ctx context.Context, t record.PaymentReport) (record.Ledger, error) {
	l, err := o.Store.Report(ctx, t)
	o.once.Do(o.shop)
	return l, err
}

func TestAProvidersAmountWinsAlsoWhereTheShopOvertakesIt(t *testing.T) {
	for sentence, test := range map[string]struct {
		amount  *int64
		concern string
	}{
		"the shop does not say how much": {nil, ""},
		"the shop says the same":         {minor(3451), ""},
		"the shop says another amount":   {minor(2000), record.Disagreement},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				with := reportedPayment("c", "p1")
				with.Amount = 3451
				p := env.purchase("c", "p1")
				if p.Amount = test.amount; p.Amount == nil {
					p.Currency = ""
				}
				w := &overtaken{Store: env.Store, shop: func() { must(env.FulfillCheckout(env.Context(), shop, p))(env) }}
				env.banked(newBank(), w).receive(paid(with))
				if c := env.outcome("p1", curfew.Fulfilled); c.Amount != 3451 || c.Currency != "eur" || c.Concern != test.concern {
					env.Errorf("%d %s were paid, and it says %q %s", c.Amount, c.Currency, c.Concern, c.Note)
				}
				before := env.Dump(env)
				env.receive(paid(with))
				if env.Dump(env) != before {
					env.Error("told again it is otherwise")
				}
			})
		})
	}
}

// A report that did not say how much was paid is not contradicted by one that does.
func TestAnAmountThatNobodySaidMatchesEvery(t *testing.T) {
	onEachStore(t, func(env *environment) {
		p := env.purchase("c", "p1")
		p.Amount, p.Currency = nil, ""
		must(env.FulfillCheckout(env.Context(), shop, p))(env)
		if f := env.pay("c", "p1"); !f.Replayed {
			env.Errorf("it answers %+v", f)
		}
	})
}

func TestAnExtensionsAmountCannotChangeEither(t *testing.T) {
	onEachStoreWith(t, moreTime, func(env *environment) {
		f := env.live("c", "p1", "m")
		x := more(f.SessionID, "x1")
		x.Amount, x.Currency = minor(900), "eur"
		must(env.Extend(env.Context(), shop, x))(env)
		if again := must(env.Extend(env.Context(), shop, x))(env); !again.Replayed {
			env.Errorf("it answers %+v", again)
		}
		for _, other := range []lifecycle.Extension{
			{SessionID: f.SessionID, Plan: "more15", PaymentRef: "x1", Amount: minor(901), Currency: "eur"},
			{SessionID: f.SessionID, Plan: "more15", PaymentRef: "x1", Amount: minor(900), Currency: "usd"},
		} {
			if _, err := env.Extend(env.Context(), shop, other); !errors.Is(err, curfew.IdempotencyMismatch) {
				env.Errorf("%d %s: %v", *other.Amount, other.Currency, err)
			}
		}
		x = lifecycle.Extension{SessionID: f.SessionID, Plan: "more30", PaymentRef: "x2", Amount: minor(1200)}
		if _, err := env.Extend(env.Context(), shop, x); !errors.Is(err, curfew.Invalid) {
			env.Errorf("an amount without a currency: %v", err)
		}
	})
}
