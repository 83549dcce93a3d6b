package httpapi_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

func TestTheBooksOverHTTP(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	admin := func(query string) answer {
		return h.sendAs(curfew.Admin, "anna", "GET", "/api/debug/books"+query, "")
	}
	h.sendAs(curfew.Service, "shop", "POST", "/api/checkouts", `{"paymentRef":"=p1","customerId":"carl","plan":"chat10","amount":123450,"currency":"EUR"}`)
	month := time.Now().UTC().Format("2006-01")
	for query, want := range map[string]string{
		"":            "1,1234.50,1234.50,0.00", // payments, on trust, captured, refunded
		"&lines=true": "'=p1,,,carl,chat10,fulfilled,EUR,1234.50",
	} {
		got := admin("?month=" + month + query)
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(got.body, want) {
			t.Errorf("%q: %d %s\n%s", query, got.status, got.header.Get("Content-Type"), got.body)
		}
		if name := got.header.Get("Content-Disposition"); !strings.HasPrefix(name, "attachment; filename=\"curfew-") || !strings.Contains(name, month) {
			t.Errorf("%q: the file is called %s", query, name)
		}
		if rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll(); err != nil || len(rows) != 2 {
			t.Errorf("%q has %d rows: %v", query, len(rows), err)
		}
	}
	if got := admin("?month=2001-01&lines=false"); strings.Count(got.body, "\n") != 1 {
		t.Errorf("a month without payments: %s", got.body)
	}
	for _, bad := range []string{"", "?month=", "?month=2026", "?month=2026-13", "?month=november", "?month=2026-11&lines=perhaps", "?month=2026-11&from=1"} {
		if got := admin(bad); got.status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", bad, got.status, got.body)
		}
	}
}

func TestTheBooksAndTheEvidenceByTheClient(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	amount := int64(123450)
	_, err := h.shop().FulfillCheckout(h.Context(), api.Purchase{
		PaymentRef: "p1", CustomerID: "carl", Plan: "chat10", Amount: &amount, Currency: "eur", Email: "carl@example.org",
	})
	must(t, err)
	month, admin := time.Now().UTC().Format("2006-01"), h.as(curfew.Admin, "anna")
	var totals, lines strings.Builder
	must(t, admin.Books(h.Context(), month, &totals))
	must(t, admin.BookLines(h.Context(), month, &lines))
	if !strings.Contains(totals.String(), "1234.50,1234.50") || !strings.Contains(lines.String(), "p1,,,carl") {
		t.Errorf("the books are\n%s\n%s", &totals, &lines)
	}
	evidence, err := admin.Evidence(h.Context(), "p1")
	if err != nil || evidence["customer_email_address"] != "carl@example.org" || !strings.Contains(evidence["product_description"], "chat10") {
		t.Errorf("the evidence is %v, %v", evidence, err)
	}
	refused, ok := errors.AsType[*api.Problem](admin.Books(h.Context(), "november", &totals))
	if !ok || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("a month that is none: %v", refused)
	}
}

// A customer sees what is left to spend, until when, and why it cannot be spent now.
func TestUnspentCreditsAreInTheStatus(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{policy: func(p *curfew.Policy) { p.CreditTTL = 48 * time.Hour }})
	amount := int64(990)
	for i := range 2 {
		f, err := h.shop().FulfillCheckout(h.Context(), api.Purchase{
			PaymentRef: fmt.Sprint("p", i), CustomerID: "carl", Plan: "chat10", Amount: &amount, Currency: "eur",
		})
		must(t, err)
		_, err = h.shop().Cancel(h.Context(), f.SessionID)
		must(t, err)
		if i == 0 {
			h.exec(`INSERT INTO payment_facts (payment, provider, account, kind, object, state, told_at)
				SELECT checkout_id, 'stripe', '', 'dispute', 'dp', 'needs_response', 1 FROM sessions WHERE id = ?`, f.SessionID)
		}
	}
	golden(t, "status-credits", h.sendAs(curfew.Customer, "carl", "GET", "/api/customers/carl/session-status", ""))
	status, err := h.shop().SessionStatus(h.Context(), "carl")
	must(t, err)
	if len(status.Credits) != 2 {
		t.Fatalf("%d credits", len(status.Credits))
	}
	for i, c := range status.Credits {
		if c.Spendable != (i == 1) || c.ExpiresAt == nil || c.ExpiresAt.Sub(c.Since) != 48*time.Hour {
			t.Errorf("credit %d is %s", i, fmt.Sprint(c))
		}
	}
}
