package lifecycle_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/lifecycle"
)

// What is told again, by whomever, finds what it made: however long ago that
// was, and whatever became of it.
func TestLesson20_ARetryLongAfterMakesNothingAnew(t *testing.T) {
	cleared := func(env *environment, p storetest.Report) {
		must(env.Clear(env.Context(), admin, lifecycle.Clearing{CustomerID: p.CustomerID, Force: true, Reason: "by phone"}))(env)
	}
	fates := map[string]struct {
		befalls func(env *environment, p storetest.Report, sessionID string)
		want    curfew.Outcome
	}{
		"its session waits":   {func(*environment, storetest.Report, string) {}, curfew.Fulfilled},
		"its session is live": {func(env *environment, _ storetest.Report, id string) { env.begin(id, 10*time.Minute) }, curfew.Fulfilled},
		"its session was held": {func(env *environment, _ storetest.Report, id string) {
			env.begin(id, 10*time.Minute)
			must(env.End(env.Context(), id, shop))(env)
		}, curfew.Fulfilled},
		"it was too short": {func(env *environment, _ storetest.Report, id string) {
			env.begin(id, 0)
			must(env.End(env.Context(), id, shop))(env)
		}, curfew.Credited},
		"nobody accepted it": {func(env *environment, _ storetest.Report, id string) {
			env.Age(env, id, longAgo)
			must(env.Sweep(env.Context()))(env)
		}, curfew.Credited},
		"it was cleared": {func(env *environment, p storetest.Report, _ string) { cleared(env, p) }, curfew.Credited},
		"it was cleared live": {func(env *environment, p storetest.Report, id string) {
			env.begin(id, 0)
			cleared(env, p)
		}, curfew.Credited},
		"the provider gave it back": {func(env *environment, p storetest.Report, _ string) { env.receive(refunded(p, p.Amount)) }, curfew.Refunded},
		"an operator refunds it": {func(env *environment, p storetest.Report, _ string) {
			must(env.RefundCheckout(env.Context(), admin, p.Ref, "goodwill"))(env)
		}, curfew.RefundDue},
	}
	onEachStore(t, func(env *environment) {
		for sentence, c := range fates {
			p := reportedPayment(sentence, "pay: "+sentence)
			env.receive(paid(p))
			id := env.outcome(p.Ref, curfew.Fulfilled).SessionID
			c.befalls(env, p, id)
			if must(env.Session(env.Context(), id))(env).Status.Ended() {
				env.Age(env, id, 365*24*time.Hour)
			}
			before := env.everything()
			env.receive(paid(p), paid(p))
			if f := env.pay(sentence, p.Ref); f.SessionID != id || !f.Replayed || f.Outcome != c.want {
				env.Errorf("%s: the shop's retry is answered %+v, want %s", sentence, f, c.want)
			}
			if env.everything() != before {
				env.Errorf("%s: a retry changed something", sentence)
			}
		}
	})
}

// begin lets both parties into a session, so long ago.
func (env *environment) begin(id string, ago time.Duration) {
	env.Helper()
	s := must(env.Session(env.Context(), id))(env)
	mechanic := "mechanic of " + id
	must(env.Accept(env.Context(), s.Request.ID, mechanic))(env)
	for _, who := range []curfew.Actor{{Role: curfew.Customer, ID: s.CustomerID}, {Role: curfew.Mechanic, ID: mechanic}} {
		must(env.Join(env.Context(), id, who))(env)
	}
	env.Age(env, id, ago)
}
