package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// paymentsShown is how many payments a page shows.
const paymentsShown = 50

// waiting lists the outcomes of payments that wait for something. Those that wait for a person come first.
var waiting = []curfew.Outcome{curfew.Held, curfew.RefundDue, curfew.Refunding, curfew.Deferred}

// paymentParams are the filters of the list.
var paymentParams = []string{"outcome", "plan", "customerId", "amount", "from", "to"}

// everyOutcome is what the address says for payments of any outcome.
const everyOutcome = "all"

// paymentsView shows the payments that the filters choose, the newest first. Without any filter it shows the first outcome
// with which any wait.
func (s *Site) paymentsView(ctx context.Context, r *http.Request, _ curfew.Actor) (any, error) {
	q, err := problem.PageQuery(r, append([]string{"after"}, paymentParams...)...)
	if err != nil {
		return nil, err
	}
	report := s.keeper.Health.Report(ctx)
	if report.Checkouts == nil {
		return nil, curfew.Errorf(curfew.Unavailable, "the payments could not be counted")
	}
	by := report.Checkouts.ByOutcome
	search, err := paymentSearch(q, by)
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(search.CustomerID, "", string(search.Outcome))
	found, next, err := s.directory.Payments(ctx, search)
	if err != nil {
		return nil, err
	}
	v := Payments{State: paymentsState(by), Outcomes: outcomeTabs(search.Outcome, by), Filters: paymentFilters(q, search)}
	v.CSV = "/api/checkouts.csv?" + paymentQuery(search).Encode()
	if next != "" {
		v.Looked = len(found) < paymentsShown
		v.More = Link{Name: "Earlier payments", Path: "?" + further(q, paymentParams, next, string(cmp.Or(search.Outcome, everyOutcome))).Encode()}
	}
	at := moments{time.Now()}
	if v.Payments, err = s.paymentLines(ctx, found, at); err != nil {
		return nil, err
	}
	if v.Differs, err = s.differences(ctx, at); err != nil {
		return nil, err
	}
	v.Compare = s.reconciliation()
	if v.Jobs, err = s.atWork(ctx, at, record.ReconcileJob); err != nil {
		return nil, err
	}
	for _, t := range report.Checkouts.Totals {
		v.Totals = append(v.Totals, Fact{
			Name:  outcomeNames[t.Outcome] + ", " + things("payment").of(t.Count),
			Value: curfew.Amount(t.Amount, t.Currency),
		})
	}
	return v, nil
}

// paymentLines converts payments, with what can be done about each.
func (s *Site) paymentLines(ctx context.Context, found []curfew.Checkout, at moments) ([]PaymentLine, error) {
	payments, err := s.keeper.Checkouts.Ledgers(ctx, found)
	if err != nil {
		return nil, err
	}
	var lines []PaymentLine
	for _, c := range found {
		line := paymentLine(c, payments, s.pages, at)
		if line.Actions, err = s.paymentActions(ctx, c); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// further returns the query of the next page of a list.
func further(q url.Values, params []string, after, chosen string) url.Values {
	next := given(q, params)
	next.Set("after", after)
	next.Set(params[0], chosen)
	return next
}

// given returns the filters of a query.
func given(q url.Values, params []string) url.Values {
	found := url.Values{}
	for _, name := range params {
		if q.Has(name) {
			found.Set(name, q.Get(name))
		}
	}
	return found
}

// pageOf returns the rows that a page shows of those that were read, which are one more if there is a next page, and the link to
// that. further are the filters.
func pageOf[T any](read []T, shown int, name string, further url.Values, cursor func(T) string) ([]T, Link) {
	if len(read) <= shown {
		return read, Link{}
	}
	further.Set("cursor", cursor(read[shown-1]))
	return read[:shown], Link{Name: name, Path: "?" + further.Encode()}
}

// differences shows how the provider's books differ, until they are settled.
func (s *Site) differences(ctx context.Context, at moments) ([]Difference, error) {
	all, err := s.keeper.Payments.Differences(ctx)
	lines := make([]Difference, len(all))
	for i, d := range all {
		lines[i] = Difference{
			Ref: cmp.Or(d.Ref, d.CheckoutID), Name: cmp.Or(differenceNames[d.Kind], d.Kind), Detail: d.Detail, Since: at.at(d.Since),
			Done: asSentence(d.Done), Todo: asSentence(d.Todo),
		}
	}
	return lines, err
}

// differenceNames names the kinds of differences.
var differenceNames = map[string]string{
	"missing_here": "Missing here", "not_paid_there": "The provider does not know the payment", "amount_differs": "The amounts differ",
	"refunded_there_only": "Given back there only", "refunded_here_only": "Given back here only",
}

func asSentence(text string) string {
	if text == "" {
		return ""
	}
	return capital(text) + "."
}

// chosenOutcome returns the outcome that is asked for, or else the first with which any wait; empty means any.
func chosenOutcome(q url.Values, by map[curfew.Outcome]int) curfew.Outcome {
	asked := curfew.Outcome(q.Get("outcome"))
	if _, ok := outcomeNames[asked]; ok || asked == everyOutcome {
		return map[bool]curfew.Outcome{false: asked}[asked == everyOutcome]
	}
	if q.Get("customerId")+q.Get("amount")+q.Get("plan")+q.Get("from")+q.Get("to") != "" {
		return ""
	}
	for _, o := range waiting {
		if by[o] > 0 {
			return o
		}
	}
	return ""
}

// outcomeNames names the lists of payments.
var outcomeNames = map[curfew.Outcome]string{
	curfew.Held: "Held", curfew.RefundDue: "Refund due", curfew.Refunding: "Refunding", curfew.Deferred: "Deferred",
	curfew.Credited: "Credits", curfew.Forfeited: "Used up", curfew.Refunded: "Refunded", curfew.Fulfilled: "Fulfilled",
	curfew.Promised: "Promised", curfew.Void: "Void", curfew.Ignored: "Ignored",
}

func outcomeTabs(chosen curfew.Outcome, by map[curfew.Outcome]int) []Tab {
	order := append(append([]curfew.Outcome{}, waiting...), curfew.Promised, curfew.Credited, curfew.Forfeited, curfew.Refunded,
		curfew.Fulfilled, curfew.Void, curfew.Ignored)
	tabs := []Tab{{Link: Link{Name: "All", Path: "/console/payments?outcome=" + everyOutcome, Here: chosen == ""}}}
	for _, o := range order {
		tabs = append(tabs, Tab{
			Link:  Link{Name: outcomeNames[o], Path: "/console/payments?outcome=" + string(o), Here: o == chosen},
			Count: grouped(by[o]),
		})
	}
	return tabs
}

func paymentsState(by map[curfew.Outcome]int) State {
	var parts []string
	for _, of := range []struct {
		outcome curfew.Outcome
		noun    noun
	}{
		{curfew.Held, noun{"payment is held for somebody to look at", "payments are held for somebody to look at"}},
		{curfew.RefundDue, noun{"refund is due", "refunds are due"}},
		{curfew.Refunding, noun{"is being refunded", "are being refunded"}},
		{curfew.Deferred, noun{"waits for a slot", "wait for a slot"}},
	} {
		if n := by[of.outcome]; n > 0 {
			parts = append(parts, of.noun.of(n))
		}
	}
	if len(parts) == 0 {
		return State{Tone: "good", Sentence: "Every payment is settled."}
	}
	tone := "warning"
	if by[curfew.Held] > 0 {
		tone = "critical"
	}
	return State{Tone: tone, Sentence: strings.Join(parts, ", ") + "."}
}

// paymentLine converts a payment.
func paymentLine(c curfew.Checkout, payments map[string]record.Ledger, pages providerPages, at moments) PaymentLine {
	p := payments[c.Payment()]
	l := PaymentLine{
		ID: c.ID, Ref: record.Title(c), Plan: c.Plan, Amount: paid(c), Outcome: string(c.Outcome), Became: capital(strings.TrimSuffix(becameOf(c, p), ".")),
		Note: c.Note, Email: c.Email, CustomerID: c.CustomerID, CreatedAt: at.at(c.CreatedAt),
	}
	if c.CustomerID == curfew.Nobody {
		l.CustomerID = ""
	}
	if p.ID != "" {
		l.Money = moneyView(p, c, pages)
	}
	l.Plain = len(l.Money.Notes) == 0 && len(l.Money.Sums) == 1 && l.Money.Sums[0].Tone == ""
	if c.Outcome == curfew.Void || c.Concern == record.RefundFailed {
		l.Note = "" // it is said already
	}
	return l
}

// paymentActions returns what can be done about a payment. Each action says everything that it does.
func (s *Site) paymentActions(ctx context.Context, c curfew.Checkout) ([]Action, error) {
	session, err := s.keeper.Checkouts.PaidFor(ctx, c)
	if err != nil {
		return nil, err
	}
	does := func(a lifecycle.ActionName) []string {
		return []string{
			paid(c) + " for " + c.Plan + ".",
			s.keeper.Rules.Consequence(a, lifecycle.Target{Session: session, Checkout: c, Named: true}),
		}
	}
	return actionsOn(c, does), nil
}

func actionsOn(c curfew.Checkout, does func(lifecycle.ActionName) []string) []Action {
	at := "POST /api/debug/checkouts/" + c.ID
	refund := Action{
		Name: "refund", Label: "Refund…", Call: at + "/refund", Ask: "Refund this payment?", Reason: "required", Harm: true,
		Why: does(lifecycle.RefundPayment), Done: "A refund is due.",
	}
	byHand := Action{
		Name: "by-hand", Label: "Already refunded…", Call: at + "/refund", Body: jsonOf(api.Refund{ByHand: true}), Ask: "Has it already been refunded?",
		Reason: "required", Why: does(lifecycle.CloseRefundAction), Done: "It is recorded as refunded.",
	}
	credit := Action{
		Name: "credit", Label: "Credit…", Call: at + "/credit", Ask: "Let the customer spend this payment?", Reason: "required", Why: does(lifecycle.CreditPayment), Done: "It is credited.",
	}
	assign := Action{
		Name: "assign", Label: "Assign…", Call: at + "/assign", Ask: "Whose payment is it, and what for?", Reason: "required", Why: does(lifecycle.AssignPayment),
		Fields: []Field{{Name: "customerId", Label: "Customer", Value: ownerOf(c), Required: true}, {Name: "plan", Label: "Plan", Value: c.Plan, Required: true}},
		Done:   "It is assigned.",
	}
	fulfil := Action{
		Name: "fulfil", Label: "Fulfil…", Call: at + "/fulfil", Ask: "Give this payment its session?", Reason: "optional", Why: does(lifecycle.FulfillPayment), Done: "It is fulfilled, or waits for its turn.",
	}
	switch c.Outcome {
	case curfew.Held:
		if ownerOf(c) == "" {
			return []Action{assign, refund}
		}
		return []Action{fulfil, assign, refund}
	case curfew.RefundDue:
		return []Action{byHand}
	case curfew.Deferred, curfew.Credited, curfew.Fulfilled:
		if c.Amount > 0 {
			return []Action{refund}
		}
	case curfew.Forfeited:
		return []Action{credit, refund}
	}
	return nil
}

func ownerOf(c curfew.Checkout) string {
	if c.CustomerID == curfew.Nobody {
		return ""
	}
	return c.CustomerID
}
