package lifecycle_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// A provider is never asked about a payment at another: its refund waits for a person, or for the message that it was
// made there.
func TestARefundElsewhereIsMadeByAnother(t *testing.T) {
	onEachStore(t, func(env *environment) {
		b := newBank()
		b.elsewhere = "bank"
		env = env.banked(b, env.Store)
		env.refundDue("p1")
		env.settleRefunds()
		c := env.outcome("p1", curfew.RefundDue)
		if len(b.asked) != 0 || b.looked != 0 || c.Concern != record.RefundFailed || !strings.Contains(c.Note, "cannot ask bank") {
			env.Errorf("asked %d times; it is %+v", len(b.asked)+b.looked, c)
		}
		env.receive(refunded(reportedPayment("", "p1"), 2900))
		env.outcome("p1", curfew.Refunded)
	})
}

// A program of the marketplace takes reserved money elsewhere. An operator is told only once that took too long.
func TestReservedMoneyElsewhereIsTakenByAnother(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		v.elsewhere = "bank"
		p := reportedPayment("kim", "p1")
		env.receive(v.reserve(p, 7*24*time.Hour))
		must(env.Accept(env.Context(), env.sessionOf("p1").Request.ID, "m1"))(env)
		if c := env.taken("p1", curfew.Fulfilled, "capturing"); c.Concern != "" || c.NextAt.IsZero() {
			env.Errorf("at once it is %+v", c)
		}
		env.past("next_at", "p1")
		env.settleCaptures()
		if c := env.taken("p1", curfew.Fulfilled, "capturing"); c.Concern != record.CaptureFailed || !strings.Contains(c.Note, "taken there") {
			env.Errorf("later it is %+v", c)
		}
		env.receive(paid(p))
		env.taken("p1", curfew.Fulfilled, "captured")
		if len(v.calls) != 0 {
			env.Errorf("asked for %+v", v.calls)
		}
	})
}

func TestReservedMoneyElsewhereIsReleasedByAnother(t *testing.T) {
	onVault(t, "at_acceptance", func(env *environment, v *vault) {
		v.elsewhere = "bank"
		p := reportedPayment("kim", "p1")
		env.receive(v.reserve(p, 7*24*time.Hour))
		must(env.Cancel(env.Context(), env.sessionOf("p1").ID, curfew.Actor{Role: curfew.Customer, ID: "kim"}))(env)
		for range 2 {
			env.settleCaptures()
			env.past("next_at", "p1")
		}
		if c := env.taken("p1", curfew.Void, "releasing"); c.Concern != record.CaptureFailed || !strings.Contains(c.Note, "released there") {
			env.Errorf("untold it is %+v", c)
		}
		released := v.notice(p)
		released.Facts = []curfew.Fact{{Kind: "attempt", Object: p.PaymentID, State: "voided", At: time.Now()}}
		env.receive(released)
		env.taken("p1", curfew.Void, "released")
		if len(v.calls) != 0 {
			env.Errorf("asked for %+v", v.calls)
		}
	})
}
