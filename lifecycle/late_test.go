package lifecycle_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// What is told again, by whomever, finds what it made: however long ago that
// was, and whatever became of it.
func TestLesson20_ARetryLongAfterMakesNothingAnew(t *testing.T) {
	cleared := func(w *world, p curfew.Payment) {
		must(w.Clear(w.Context(), admin, lifecycle.Clearing{CustomerID: p.CustomerID, Force: true, Reason: "by phone"}))(w)
	}
	fates := map[string]struct {
		befalls func(w *world, p curfew.Payment, sessionID string)
		want    curfew.Outcome
	}{
		"its session waits":   {func(*world, curfew.Payment, string) {}, curfew.Fulfilled},
		"its session is live": {func(w *world, _ curfew.Payment, id string) { w.begin(id, 10*time.Minute) }, curfew.Fulfilled},
		"its session was held": {func(w *world, _ curfew.Payment, id string) {
			w.begin(id, 10*time.Minute)
			must(w.End(w.Context(), id, shop))(w)
		}, curfew.Fulfilled},
		"it was too short": {func(w *world, _ curfew.Payment, id string) {
			w.begin(id, 0)
			must(w.End(w.Context(), id, shop))(w)
		}, curfew.Credited},
		"nobody accepted it": {func(w *world, _ curfew.Payment, id string) {
			w.Age(w, id, longAgo)
			must(w.Sweep(w.Context()))(w)
		}, curfew.Credited},
		"it was cleared": {func(w *world, p curfew.Payment, _ string) { cleared(w, p) }, curfew.Credited},
		"it was cleared live": {func(w *world, p curfew.Payment, id string) {
			w.begin(id, 0)
			cleared(w, p)
		}, curfew.Credited},
		"the provider gave it back": {func(w *world, p curfew.Payment, _ string) { w.receive(refunded(p, p.Amount)) }, curfew.Refunded},
		"an operator refunds it": {func(w *world, p curfew.Payment, _ string) {
			must(w.RefundCheckout(w.Context(), admin, p.Ref, "goodwill"))(w)
		}, curfew.RefundDue},
	}
	worlds(t, func(w *world) {
		for sentence, c := range fates {
			p := told(sentence, "pay: "+sentence)
			w.receive(paid(p))
			id := w.outcome(p.Ref, curfew.Fulfilled).SessionID
			c.befalls(w, p, id)
			if must(w.Session(w.Context(), id))(w).Status.Ended() {
				w.Age(w, id, 365*24*time.Hour)
			}
			before := w.everything()
			w.receive(paid(p), paid(p))
			if f := w.pay(sentence, p.Ref); f.SessionID != id || !f.Replayed || f.Outcome != c.want {
				w.Errorf("%s: the shop's retry is answered %+v, want %s", sentence, f, c.want)
			}
			if w.everything() != before {
				w.Errorf("%s: a retry changed something", sentence)
			}
		}
	})
}

// begin lets both parties into a session, so long ago.
func (w *world) begin(id string, ago time.Duration) {
	w.Helper()
	s := must(w.Session(w.Context(), id))(w)
	mechanic := "mechanic of " + id
	must(w.Accept(w.Context(), s.Request.ID, mechanic))(w)
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: s.CustomerID}, {Role: curfew.Mechanic, ID: mechanic}} {
		must(w.Join(w.Context(), id, who))(w)
	}
	w.Age(w, id, ago)
}
