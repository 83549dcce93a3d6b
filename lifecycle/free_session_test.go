package lifecycle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// fewFree lets a customer cancel three free sessions in an hour.
func fewFree(p *curfew.Policy) { p.FreeCancels, p.FreeCancelsWindow = 3, time.Hour }

func (env *environment) begins(customer, plan string) (lifecycle.Fulfillment, error) {
	return env.CreateSession(env.Context(), curfew.Actor{Role: curfew.Customer, ID: customer}, lifecycle.NewSession{CustomerID: customer, Plan: plan})
}

// loops makes and cancels free sessions, and returns their ids.
func (env *environment) loops(customer string, n int) (ids []string) {
	env.Helper()
	for range n {
		f := must(env.begins(customer, "free"))(env)
		must(env.Cancel(env.Context(), f.SessionID, curfew.Actor{Role: curfew.Customer, ID: customer}))(env)
		ids = append(ids, f.SessionID)
	}
	return ids
}

// waits fails unless the customer's next free session has to wait that long.
func (env *environment) waits(customer string, want time.Duration) {
	env.Helper()
	_, err := env.begins(customer, "free")
	var refused *curfew.Error
	if !errors.As(err, &refused) || refused.Kind != curfew.RateLimited {
		env.Fatalf("the next one: %v", err)
	}
	if refused.RetryAfter != want {
		env.Errorf("it has to wait for %s, want %s", refused.RetryAfter, want)
	}
	if !strings.HasPrefix(refused.Message, "the customer has cancelled 3 free sessions within 1h0m0s: the next one can begin at 20") {
		env.Errorf("it says %q", refused.Message)
	}
}

func TestFreeSessionsCancelledInALoopHaveToWait(t *testing.T) {
	onEachStoreWith(t, fewFree, func(env *environment) {
		env.Freeze(env)
		ids := env.loops("kim", 3)
		env.waits("kim", time.Hour)
		env.loops("sam", 3) // another's are none of kim's
		env.Age(env, ids[1], time.Hour-time.Microsecond)
		env.waits("kim", time.Microsecond)
		env.Age(env, ids[1], time.Microsecond)
		must(env.begins("kim", "free"))(env)
	})
}

func TestHowLongTheNextFreeSessionWaits(t *testing.T) {
	onEachStoreWith(t, fewFree, func(env *environment) {
		env.Freeze(env)
		for i, id := range env.loops("kim", 3) {
			env.Age(env, id, time.Duration(3-i)*10*time.Minute)
		}
		env.waits("kim", 30*time.Minute)
	})
}

// However a customer gets rid of free sessions, it counts.
func TestEveryWayToCancelAFreeSessionCounts(t *testing.T) {
	onEachStoreWith(t, fewFree, func(env *environment) {
		kim := curfew.Actor{Role: curfew.Customer, ID: "kim"}
		env.loops("kim", 1)
		must(env.begins("kim", "free"))(env)
		must(env.Clear(env.Context(), kim, lifecycle.Clearing{CustomerID: "kim"}))(env)
		live := must(env.begins("kim", "free"))(env)
		must(env.Accept(env.Context(), live.RequestID, "max"))(env)
		for _, who := range []curfew.Actor{kim, {Role: curfew.Mechanic, ID: "max"}} {
			must(env.Join(env.Context(), live.SessionID, who))(env)
		}
		must(env.End(env.Context(), live.SessionID, kim))(env) // too short to count as completed
		if _, err := env.begins("kim", "free"); !errors.Is(err, curfew.RateLimited) {
			t.Errorf("after one cancelled, one cleared and one too short: %v", err)
		}
	})
}

// Only what a customer cancels counts, and only what is free.
func TestWhatDoesNotCountAsAFreeSessionCancelled(t *testing.T) {
	onEachStoreWith(t, fewFree, func(env *environment) {
		env.loops("kim", 2)
		for i := range 4 { // nobody accepts them
			f := must(env.begins("kim", "free"))(env)
			env.Age(env, f.SessionID, time.Duration(2+i)*time.Hour)
		}
		must(env.Sweep(env.Context()))(env)
		for i := range 4 { // paid for, and cancelled
			f := env.pay("kim", fmt.Sprint("p", i))
			must(env.Cancel(env.Context(), f.SessionID, shop))(env)
		}
		env.loops("kim", 1)
		_, err := env.begins("kim", "free")
		if !errors.Is(err, curfew.RateLimited) {
			t.Errorf("after the third: %v", err)
		}
		env.pay("kim", "p9") // what is paid for never waits
	})
}

// What holds the slot is reported first: there is something to do about it.
func TestAnOpenSessionIsReportedBeforeTheWait(t *testing.T) {
	onEachStoreWith(t, fewFree, func(env *environment) {
		env.loops("kim", 3)
		env.pay("kim", "p1")
		if _, err := env.begins("kim", "free"); !errors.Is(err, curfew.SessionOpen) {
			t.Errorf("a further one is refused with %v", err)
		}
	})
}

// An idempotency key is answered as before, however many were cancelled since.
func TestAKeyIsAnsweredThoughTheNextOneWaits(t *testing.T) {
	onEachStoreWith(t, fewFree, func(env *environment) {
		claim := lifecycle.NewSession{CustomerID: "kim", Plan: "free", Key: "k"}
		first := must(env.CreateSession(env.Context(), shop, claim))(env)
		must(env.Cancel(env.Context(), first.SessionID, shop))(env)
		env.loops("kim", 2)
		if again := must(env.CreateSession(env.Context(), shop, claim))(env); again.SessionID != first.SessionID || !again.Replayed {
			t.Errorf("the key is answered %+v", again)
		}
	})
}

func TestFreeSessionsWithoutALimit(t *testing.T) {
	onEachStoreWith(t, func(p *curfew.Policy) { p.FreeCancels = 0 }, func(env *environment) {
		env.loops("kim", 15)
	})
}

func TestTheDefaultLetsACustomerThinkTwice(t *testing.T) {
	onEachStore(t, func(env *environment) {
		env.loops("kim", 10)
		if _, err := env.begins("kim", "free"); !errors.Is(err, curfew.RateLimited) {
			t.Errorf("after ten within a moment: %v", err)
		}
	})
}
