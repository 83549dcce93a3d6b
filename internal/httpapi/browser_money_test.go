package httpapi_test

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
)

var kim = curfew.Actor{Role: curfew.Customer, ID: "kim"}

// stripe is a message of Stripe about a payment of kim's.
func (m *pageFixture) stripe(id string, order *curfew.Order, facts ...curfew.Fact) {
	m.Helper()
	for i := range facts {
		facts[i].Currency, facts[i].At = "eur", m.now()
	}
	m.must(m.keeper.Payments.Receive(m.Context(), curfew.Notice{
		ID: "evt_" + id, Type: "test", Provider: "stripe", References: []string{"cs_test_" + id, "pi_" + id}, Name: "pi_" + id, Facts: facts, Order: order,
	}))
}

// paidFor is what kim ordered.
func paidFor(plan string, amount int64) *curfew.Order {
	return &curfew.Order{CustomerID: "kim", Plan: plan, Amount: amount, Price: amount, Currency: "eur", Email: "kim@example.org", Name: "Kim"}
}

// courses are payments whose money went every way.
func (m *pageFixture) courses() {
	m.Helper()
	clear := func() {
		_, err := m.admin().Clear(m.Context(), "kim", api.Clearing{Reason: "she asked"})
		m.must(err)
	}
	m.before(50*time.Hour, func() {
		m.stripe("disputed", paidFor("video15", 3900), curfew.Fact{Kind: "attempt", Object: "pi_disputed", State: "captured", Amount: 3900})
		clear()
	})
	m.before(30*time.Hour, func() {
		m.stripe("disputed", nil, curfew.Fact{Kind: "dispute", Object: "du_1", State: "needs_response", Amount: 3900, Reason: "fraudulent"})
	})
	m.before(26*time.Hour, func() {
		m.stripe("unrefunded", paidFor("diagnostic", 123450), curfew.Fact{Kind: "attempt", Object: "pi_unrefunded", State: "captured", Amount: 123450})
		_, err := m.admin().RefundCheckout(m.Context(), "pi_unrefunded", api.Refund{Reason: "the mechanic was ill"})
		m.must(err)
		m.stripe("unrefunded", nil, curfew.Fact{Kind: "refund", Object: "re_1", State: "succeeded", Amount: 123450})
	})
	m.before(3*time.Hour, func() {
		m.stripe("unrefunded", nil, curfew.Fact{Kind: "refund", Object: "re_1", State: "failed", Amount: 123450, Reason: "lost_or_stolen_card"})
		m.stripe("disputed", nil, curfew.Fact{Kind: "dispute", Object: "du_1", State: "lost", Amount: 3900, Reason: "fraudulent"})
	})
	m.before(2*time.Hour, func() {
		m.stripe("debit", paidFor("chat10", 1500), curfew.Fact{Kind: "promise", Object: "cs_test_debit", State: "promised", Amount: 1500})
		m.stripe("debit", nil, curfew.Fact{Kind: "attempt", Object: "pi_debit", State: "failed", Reason: "insufficient_funds"})
		m.stripe("part", paidFor("chat10", 1500), curfew.Fact{Kind: "attempt", Object: "pi_part", State: "captured", Amount: 1500})
		m.stripe("part", nil, curfew.Fact{Kind: "refund", Object: "re_2", State: "succeeded", Amount: 500})
	})
	m.before(4*time.Minute, func() {
		m.stripe("reserved", paidFor("expert", 4900), curfew.Fact{
			Kind: "attempt", Object: "pi_reserved", State: "authorised", Amount: 4900, Until: time.Now().Add(6 * 24 * time.Hour),
		})
	})
}

// moneyIsShown shows operators and the customer what became of each payment's money.
func moneyIsShown(w *tab) {
	w.fixture.courses()
	w.signIn(mara, paymentsPage)
	w.wait(alive)
	w.open(paymentsPage + "?outcome=refund_due")
	w.says("#payments", "1,234.50 EUR", "Refund re_1 failed (lost_or_stolen_card)", "in another way")
	if page := evaluated[string](w, "document.querySelector('#payments a[target=_blank]').href"); page != "https://dashboard.stripe.com/test/payments/pi_unrefunded" {
		w.Errorf("it leads to %s", page)
	}
	w.picture("money-refund")
	w.open(paymentsPage + "?outcome=void")
	w.says("#payments", "Was taken back by the bank: nothing is owed", "39.00 EUR taken back by the bank", "0.00 EUR worth now", "refused it (insufficient_funds): nothing was taken")
	w.accessible()
	w.picture("money-void")
	w.gone("#differences")
	refunded, err := w.fixture.keeper.Checkouts.Checkout(w.Context(), "pi_unrefunded")
	w.fixture.must(err)
	w.fixture.must(w.fixture.store.KeepDifferences(w.Context(), []record.Difference{
		{CheckoutID: refunded.ID, Kind: "refunded_here_only", Ref: refunded.Ref, Detail: "here 1,234.50 EUR, there 0.00 EUR given back"},
	}))
	w.open(paymentsPage + "?outcome=void")
	w.says("#differences", "The provider's books differ", "Given back here only", "there 0.00 EUR given back", "To do: Look at the provider", "ago")
	w.accessible()
	w.open(paymentsPage + "?outcome=held")
	w.says("#payments", "15.00 EUR charged", "5.00 EUR given back", "10.00 EUR worth now")
	w.picture("money-held")
	w.open(customerPage + "?q=kim")
	w.wait(alive, "#timeline")
	w.says("#timeline", "1,234.50 EUR was charged for payment", "The dispute of payment", "was lost")
	w.picture("money-customer")
}

// aCustomerSeesTheirMoney shows it in the customer's own words, and tells the mechanic while
// the bank is asked.
func aCustomerSeesTheirMoney(w *tab) {
	w.fixture.courses()
	w.signIn(kim, clearPage)
	w.wait(alive)
	w.says("#open", "49.00 EUR is reserved at your bank for expert", "the reservation is released")
	w.says("#payments", "49.00 EUR is reserved at your bank until", "39.00 EUR given back by your bank",
		"A refund did not reach you: your bank refused it.", "Your bank refused it: nothing was taken.")
	w.accessible()
	w.picture("money-mine")
}

// paymentIsConfirmed tells a mechanic that the bank is asked, and that it refused.
func paymentIsConfirmed(w *tab) {
	w.fixture.courses()
	w.signIn(maxim, mechanicPage)
	w.wait(alive)
	w.click("#queue button.accept")
	w.wait("#current")
	w.says("#current", "Confirming payment")
	w.picture("money-mechanic")
	w.fixture.stripe("reserved", nil, curfew.Fact{Kind: "attempt", Object: "pi_reserved", State: "voided", Reason: "do_not_honor"})
	w.until("it says so", "document.querySelector('#said').textContent.includes('you are free')")
	w.gone("#current")
}
