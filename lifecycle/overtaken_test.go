package lifecycle_test

import (
	"context"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// told is a store in which a provider tells of a payment just before the shop's report of it is written.
type told struct {
	lifecycle.Store
	tell func()
}

func (s *told) first() {
	if tell := s.tell; tell != nil {
		s.tell = nil
		tell()
	}
}

func (s *told) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	if a.Checkout.Ref == "p1" {
		s.first()
	}
	return s.Store.Admit(ctx, a)
}

// deferred is told where the payment's customer is busy.
type deferred struct{ told }

func (s *deferred) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	return s.Store.Admit(ctx, a)
}

func (s *deferred) Defer(ctx context.Context, c curfew.Checkout, by curfew.Actor, keep time.Duration) (record.Receipt, error) {
	s.first()
	return s.Store.Defer(ctx, c, by, keep)
}

// Whatever a provider says between two steps of a shop's report, the report is answered with what became of the payment.
func TestAShopThatIsOvertakenIsAnswered(t *testing.T) {
	failed := curfew.Fact{Kind: "promise", Object: "cs-1", State: "failed", Amount: 2900, Currency: "eur", At: time.Now()}
	captured := curfew.Fact{Kind: "attempt", Object: "pi-1", State: "captured", Amount: 2900, Currency: "eur", At: time.Now()}
	disputed := disputeOf("p1", "needs_response", time.Now()).Facts[0]
	busy := func(env *environment, s lifecycle.Store, tell func()) lifecycle.Store {
		env.pay("c", "p0") // it waits
		return &deferred{told{s, tell}}
	}
	free := func(_ *environment, s lifecycle.Store, tell func()) lifecycle.Store { return &told{s, tell} }
	inAnHour := func(p *lifecycle.Purchase) { at := time.Now().Add(time.Hour); p.StartsAt = &at }
	now := func(*lifecycle.Purchase) {}
	for sentence, test := range map[string]struct {
		fact curfew.Fact
		when func(*lifecycle.Purchase)
		with func(*environment, lifecycle.Store, func()) lifecycle.Store
		want curfew.Outcome
	}{
		"failed, and the customer is busy":     {failed, now, busy, curfew.Void},
		"captured, and the customer is busy":   {captured, now, busy, curfew.Deferred},
		"failed, and it was to be booked":      {failed, inAnHour, free, curfew.Void},
		"captured, and it is booked":           {captured, inAnHour, free, curfew.Fulfilled},
		"failed, and the customer is free":     {failed, now, free, curfew.Void},
		"captured, and the customer is free":   {captured, now, free, curfew.Fulfilled},
		"in dispute, and the customer is busy": {disputed, now, busy, curfew.Held},
		"in dispute, and it was to be booked":  {disputed, inAnHour, free, curfew.Held},
	} {
		t.Run(sentence, func(t *testing.T) {
			onEachStore(t, func(env *environment) {
				store := test.with(env, env.Store, func() { env.receive(noticeOf("p1", test.fact)) })
				p := env.purchase("c", "p1")
				test.when(&p)
				f, err := env.banked(newBank(), store).FulfillCheckout(env.Context(), shop, p)
				if err != nil || f.Outcome != test.want || f.Replayed {
					env.Errorf("got %+v, %v, want it %s", f, err, test.want)
				}
				env.outcome("p1", test.want)
			})
		})
	}
}
