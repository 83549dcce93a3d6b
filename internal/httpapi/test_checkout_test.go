package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

// The test checkout is sent once, however often it is asked for, and never where there are payments.
func TestTheTestCheckoutIsSentOnce(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	admin := "Authorization: Bearer " + h.token(curfew.Admin, "anna")
	for i, want := range []int{http.StatusCreated, http.StatusOK, http.StatusOK} {
		if got := h.send("POST", "/api/debug/test-checkout", "", admin); got.status != want {
			t.Errorf("call %d: %d %s", i+1, got.status, got.body)
		}
	}
	all, err := h.admin().FindCheckouts(t.Context(), api.CheckoutSelection{})
	if err != nil || len(all.Checkouts) != 1 || all.Checkouts[0].CustomerID != "test-customer" || all.Checkouts[0].Amount != 0 {
		t.Errorf("the payments are %+v (%v)", all, err)
	}
}

func TestNoTestCheckoutWhereThereArePayments(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	_, err := h.shop().FulfillCheckout(t.Context(), api.Purchase{PaymentRef: "pi_1", CustomerID: "ada", Plan: "chat10"})
	must(t, err)
	got := h.send("POST", "/api/debug/test-checkout", "", "Authorization: Bearer "+h.token(curfew.Admin, "anna"))
	if p := got.problem(t); got.status != http.StatusConflict || p.Detail != "there are payments already: the test checkout is for an empty database" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
