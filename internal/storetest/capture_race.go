package storetest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// captureRaces are races between capturing, releasing and disputing the money of one session.
var captureRaces = contract{
	"accept and what is told of its payment: the second sees the first": racesAcceptReport,
	"an acceptance that meets what is told is told of it":               acceptMeetsReport,
	"what is told that meets an acceptance comes after it":              reportMeetsAccept,
	"accept and cancel: the money is due or released":                   racesDueRelease,
	"ten workers ask for the money once":                                racesToCapture,
	"a worker that meets a cancellation is told of it":                  captureMeetsCancel,
}

// disputing returns a report that the bank wants the money back.
func disputing(ref string) record.PaymentReport {
	return reported([]curfew.Fact{{Kind: "dispute", Object: "du-1", State: "needs_response", Amount: 990, Currency: "eur"}}, ref)
}

func racesAcceptReport(f *fixture) {
	accepted := 0
	for round := range raceRounds() {
		st := f.reserved(fmt.Sprint("customer-", round))
		ref := f.paidBy(st).Ref
		errs := together(2, func(i int) error {
			if i == 0 {
				return failed(f.Store.Change(f.Context(), acceptingDue(st, fmt.Sprint("m-", round))))
			}
			return f.send(disputing(ref))
		})
		f.must(errs[1])
		events, err := f.Store.Events(f.Context(), st.CustomerID, st.CheckoutID)
		f.must(err)
		due := slices.IndexFunc(events, func(e curfew.Event) bool { return e.Reason == curfew.CaptureReason("due") })
		reported := slices.IndexFunc(events, func(e curfew.Event) bool { return e.Reason == "told" })
		c := f.paidBy(st)
		f.same("at risk", c.AtRisk, true)
		if errs[0] != nil {
			f.kind(errs[0], curfew.Conflict)
			f.same("refused, the capture and the mechanic", []any{due, c.Capture, f.read(st.ID).MechanicID}, []any{-1, "authorised", ""})
			continue
		}
		accepted++
		if due < 0 || due > reported {
			f.Fatalf("accepted by event %d, although it was told by event %d", due+1, reported+1)
		}
	}
	f.Logf("%d of %d were accepted before it was told", accepted, raceRounds())
}

// riskSQL returns the statements with which a store records that a payment may be taken back.
func riskSQL(st curfew.Snapshot) []string {
	return []string{
		fmt.Sprintf("UPDATE {checkouts} SET version = version + 1, at_risk = true WHERE customer_id = '%s' AND id = '%s'", st.CustomerID, st.CheckoutID),
		stepSQL(st.CustomerID, st.CheckoutID, "checkout", "fulfilled", "fulfilled"),
	}
}

func acceptMeetsReport(f *fixture) {
	st := f.admit("ada")
	f.kind(f.meet(riskSQL(st), f.changing(accepting(st, "max"))), curfew.Conflict)
	f.sameSnapshot("the session", f.read(st.ID), st)
	_, err := f.Store.Slot(f.Context(), "max")
	f.kind(err, curfew.NotFound)
}

func reportMeetsAccept(f *fixture) {
	st := f.reserved("ada")
	accept := append(acceptSQL(st, "max"),
		fmt.Sprintf("UPDATE {checkouts} SET version = version + 1, capture = 'due' WHERE customer_id = 'ada' AND id = '%s'", st.CheckoutID),
		stepSQL("ada", st.CheckoutID, "checkout", "fulfilled", "fulfilled"))
	var l record.Ledger
	f.must(f.meet(accept, func() (err error) {
		l, err = f.Store.Report(f.Context(), disputing(f.paidBy(st).Ref))
		return err
	}))
	f.same("the checkout", []any{l.Checkouts[0].Capture, l.Checkouts[0].AtRisk, l.Checkouts[0].Version}, []any{"due", true, int64(3)})
	f.same("the session", f.read(st.ID).MechanicID, "max")
}

func racesDueRelease(f *fixture) {
	for round := range max(1, raceRounds()/4) {
		st := f.reserved(fmt.Sprint("customer-", round))
		changes := []record.Change{acceptingDue(st, fmt.Sprint("m-", round)), endChange(st, curfew.Cancelled, curfew.ByRequest)}
		won := f.race(2, curfew.Conflict, func(i int) error { return failed(f.Store.Change(f.Context(), changes[i])) })
		f.same("winners", len(won), 1)
		c := f.paidBy(st)
		f.same("the checkout", []any{c.Capture, c.Outcome},
			[][]any{{"due", curfew.Fulfilled}, {"releasing", curfew.Void}}[won[0]])
	}
}

func racesToCapture(f *fixture) {
	for round := range max(1, raceRounds()/20) {
		c := f.paidBy(f.captured(fmt.Sprint("customer-", round), "due"))
		won := f.race(10, curfew.Conflict, func(int) error {
			return failed(f.Store.Annotate(f.Context(), record.Annotation{From: c, Capture: "capturing", Reason: "asked", Actor: shop, Wait: time.Hour}))
		})
		f.same("those who ask", len(won), 1)
		f.same("attempts", f.checkout(c.CustomerID, c.ID).Attempts, int64(1))
	}
}

func captureMeetsCancel(f *fixture) {
	st := f.captured("ada", "due")
	due := f.paidBy(st)
	f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	err := failed(f.Store.Annotate(f.Context(), record.Annotation{From: due, Capture: "capturing", Reason: "asked", Actor: shop}))
	if !errors.Is(err, curfew.Conflict) {
		f.Fatalf("asked for money that is released: %v", err)
	}
	f.same("the capture", f.paidBy(st).Capture, "releasing")
}
