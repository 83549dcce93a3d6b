package approval_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/storetest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/lifecycle"
)

var (
	mara = curfew.Actor{Role: curfew.Admin, ID: "mara"}
	otto = curfew.Actor{Role: curfew.Admin, ID: "otto"}
	shop = curfew.Actor{Role: curfew.Service, ID: "shop"}
)

// environment is a desk on a store.
type environment struct {
	*testing.T
	storetest.Harness
	approval.Desk
}

func newEnvironment(t *testing.T, rules approval.Rules) environment {
	t.Helper()
	h := stores.SQLite(t)
	keeper, err := lifecycle.New(h.Store, lifecycle.Options{})
	must(t, err)
	if rules.TTL == 0 {
		rules.TTL = time.Hour
	}
	store := h.Store.(approval.Store)                                                                                                             //nolint:errcheck,forcetypeassert // both are
	return environment{t, h, approval.Desk{Store: store, Keeper: keeper, Privacy: privacy.Service{Store: h.Store.(privacy.Store)}, Rules: rules}} //nolint:errcheck,forcetypeassert // both are
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// paid is a payment of a customer, in euros.
func (env environment) paid(customer string, amount int64) curfew.Checkout {
	env.Helper()
	f, err := env.Keeper.Admission.FulfillCheckout(env.Context(), shop, lifecycle.Purchase{
		PaymentRef: "ref-" + customer, CustomerID: customer, Plan: "chat10", Amount: &amount, Currency: "eur",
	})
	must(env.T, err)
	c, err := env.Keeper.Checkouts.Checkout(env.Context(), f.CheckoutID)
	must(env.T, err)
	return c
}

// live is a live session of a customer.
func (env environment) live(customer string) curfew.Snapshot {
	env.Helper()
	env.paid(customer, 990)
	s, err := env.Keeper.Sessions.Unended(env.Context(), customer)
	must(env.T, err)
	_, err = env.Keeper.Queue.Accept(env.Context(), s[0].Request.ID, "max-"+customer)
	must(env.T, err)
	_, err = env.Keeper.Sessions.Join(env.Context(), s[0].ID, curfew.Actor{Role: curfew.Customer, ID: customer})
	must(env.T, err)
	joined, err := env.Keeper.Sessions.Join(env.Context(), s[0].ID, curfew.Actor{Role: curfew.Mechanic, ID: "max-" + customer})
	must(env.T, err)
	return joined
}

func (env environment) outcome(id string) curfew.Outcome {
	env.Helper()
	c, err := env.Keeper.Checkouts.Checkout(env.Context(), id)
	must(env.T, err)
	return c.Outcome
}

func refused(t *testing.T, kind curfew.Kind, err error) {
	t.Helper()
	if err == nil || !errors.Is(err, kind) {
		t.Errorf("the error is %v, not %s", err, kind)
	}
}

// A refund over the amount waits for a different person, and is carried out once, in the name of whoever asked.
func TestALargeRefundNeedsTwo(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{RefundsOver: map[string]int64{"eur": 5000}})
	ctx := t.Context()
	small, large := env.paid("ada", 5000), env.paid("bob", 5001)
	c, asked, err := env.Refund(ctx, mara, small.ID, "sorry", false)
	must(t, err)
	if asked != nil || c.Outcome != curfew.RefundDue {
		t.Errorf("a small one: %s, and asked %+v", c.Outcome, asked)
	}
	_, asked, err = env.Refund(ctx, mara, "ref-bob", "sorry", false)
	must(t, err)
	if asked == nil || asked.Target != large.ID || asked.CustomerID != "bob" || !strings.Contains(asked.Summary, "50.01 EUR") || env.outcome(large.ID) != curfew.Fulfilled {
		t.Fatalf("a large one: %+v, and it is %s", asked, env.outcome(large.ID))
	}
	_, err = env.Approve(ctx, mara, asked.ID)
	refused(t, curfew.Forbidden, err)
	_, err = env.Reject(ctx, mara, asked.ID, "")
	refused(t, curfew.Forbidden, err)
	a, err := env.Approve(ctx, otto, asked.ID)
	must(t, err)
	if a.State != record.ApprovalDone || a.DecidedBy != otto || env.outcome(large.ID) != curfew.RefundDue {
		t.Errorf("approved: %+v, and it is %s", a, env.outcome(large.ID))
	}
	_, err = env.Approve(ctx, otto, asked.ID)
	refused(t, curfew.Conflict, err)
	events, err := env.Keeper.Checkouts.CheckoutEvents(ctx, large)
	must(t, err)
	if last := events[len(events)-1]; last.Actor != mara || last.Reason != "refunded: sorry (approved by admin:otto)" {
		t.Errorf("the history says %s: %s", last.Actor, last.Reason)
	}
	if _, asked, err := env.Refund(ctx, mara, large.ID, "sorry", false); err != nil || asked != nil {
		t.Errorf("a refund that is already due needs no approval, got %+v %v", asked, err)
	}
	if _, asked, err := env.Refund(ctx, mara, large.ID, "by bank", true); err != nil || asked == nil {
		t.Errorf("to say that it was given back by hand needs two as well: %+v %v", asked, err)
	}
}

// A currency without an amount needs two at any amount; what is wrong is refused at once.
func TestWhatIsNotListedNeedsTwo(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{RefundsOver: map[string]int64{"jpy": 5000}})
	c := env.paid("ada", 1)
	if _, asked, err := env.Refund(t.Context(), mara, c.ID, "sorry", false); err != nil || asked == nil {
		t.Errorf("another currency: %+v %v", asked, err)
	}
	_, _, err := env.Refund(t.Context(), mara, c.ID, "", false)
	refused(t, curfew.Invalid, err)
	_, _, err = env.Refund(t.Context(), mara, "nothing", "sorry", false)
	refused(t, curfew.NotFound, err)
}

// What has changed since is not carried out, and what has expired or was rejected neither.
func TestOnlyWhatWasAskedForIsCarriedOut(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{RefundsOver: map[string]int64{}})
	ctx := t.Context()
	for sentence, c := range map[string]struct {
		customer string
		change   func(asked record.Approval)
		kind     curfew.Kind
		state    record.ApprovalState
	}{
		"another amount": {"ada", func(a record.Approval) {
			env.Exec(t, "UPDATE "+env.Schema+"checkouts SET amount = 7 WHERE id = $1", a.Target)
		}, curfew.Conflict, record.ApprovalFailed},
		"expired": {"bob", func(a record.Approval) {
			env.Exec(t, "UPDATE "+env.Schema+"approvals SET expires_at = asked_at WHERE id = $1", a.ID)
		}, curfew.Conflict, record.ApprovalPending},
		"rejected": {"carl", func(a record.Approval) {
			_, err := env.Reject(ctx, otto, a.ID, "no")
			must(t, err)
		}, curfew.Conflict, record.ApprovalRejected},
	} {
		checkout := env.paid(c.customer, 900)
		_, asked, err := env.Refund(ctx, mara, checkout.ID, "sorry", false)
		must(t, err)
		c.change(*asked)
		_, err = env.Approve(ctx, otto, asked.ID)
		refused(t, c.kind, err)
		a, err := env.Desk.Store.Approval(ctx, asked.ID)
		must(t, err)
		if a.State != c.state || env.outcome(checkout.ID) != curfew.Fulfilled {
			t.Errorf("%s: %s, and the payment is %s", sentence, a.State, env.outcome(checkout.ID))
		}
	}
}

// Of several who approve at once, one carries out.
func TestOneOfManyApproves(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{Erasures: true})
	ended := env.paid("ada", 900)
	_, err := env.Keeper.Sessions.Cancel(t.Context(), ended.SessionID, shop)
	must(t, err)
	_, err = env.Keeper.Checkouts.RefundCheckout(t.Context(), shop, ended.ID, "sorry")
	must(t, err)
	_, err = env.Keeper.Checkouts.CloseRefund(t.Context(), shop, ended.ID, "by bank")
	must(t, err)
	p, err := env.Privacy.Preview(t.Context(), mara, "ada", true)
	must(t, err)
	asked, err := env.EraseCustomer(t.Context(), mara, "ada", approval.Call{Reason: "asked", PreviewID: p.ID, Version: p.Version})
	must(t, err)
	var done atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := env.Approve(t.Context(), otto, asked.ID); err == nil {
				done.Add(1)
			}
		})
	}
	all.Wait()
	a, err := env.Desk.Store.Approval(t.Context(), asked.ID)
	must(t, err)
	if done.Load() != 1 || a.State != record.ApprovalDone || a.CustomerID == "ada" || a.Target == "ada" || strings.Contains(a.Body+a.Summary+a.Note, "ada") {
		t.Errorf("carried out %d times, and it is %+v", done.Load(), a)
	}
}

// A live session that an admin ends waits for a second person; whoever is in it, and services, need nobody.
func TestALiveSessionEndsByTwo(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{LiveEnds: true})
	ctx := t.Context()
	s := env.live("ada")
	_, asked, err := env.EndSession(ctx, mara, s, approval.End)
	must(t, err)
	_, cleared, err := env.ClearCustomer(ctx, mara, lifecycle.Clearing{CustomerID: "ada", Force: true, Reason: "stuck"})
	must(t, err)
	if now, err := env.Keeper.Sessions.Session(ctx, s.ID); err != nil || now.Status != curfew.Live || asked == nil || cleared == nil {
		t.Fatalf("it is %s, and asked for %+v and %+v: %v", now.Status, asked, cleared, err)
	}
	if dry, asked, err := env.ClearCustomer(ctx, mara, lifecycle.Clearing{CustomerID: "ada", Force: true, DryRun: true, Reason: "stuck"}); err != nil || asked != nil || len(dry.Ended) != 1 {
		t.Errorf("a dry run: %+v %+v %v", dry, asked, err)
	}
	a, err := env.Approve(ctx, otto, cleared.ID)
	must(t, err)
	if now, err := env.Keeper.Sessions.Session(ctx, s.ID); err != nil || !now.Status.Ended() || a.State != record.ApprovalDone {
		t.Errorf("it is %s, and the approval %s: %v", now.Status, a.State, err)
	}
	_, err = env.Approve(ctx, otto, asked.ID) // its session has ended
	refused(t, curfew.Conflict, err)
	other := env.live("bob")
	if ended, asked, err := env.EndSession(ctx, shop, other, approval.End); err != nil || asked != nil || !ended.Status.Ended() {
		t.Errorf("a service: %s %+v %v", ended.Status, asked, err)
	}
}

// Without rules nobody is asked.
func TestOnePersonMayDoWhatNoRuleNames(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{})
	c := env.paid("ada", 1_000_000)
	if k, asked, err := env.Refund(t.Context(), mara, c.ID, "sorry", false); err != nil || asked != nil || k.Outcome != curfew.RefundDue {
		t.Errorf("a refund: %s %+v %v", k.Outcome, asked, err)
	}
	s := env.live("bob")
	if ended, asked, err := env.EndSession(t.Context(), mara, s, approval.Cancel); err != nil || asked != nil || !ended.Status.Ended() {
		t.Errorf("an end: %s %+v %v", ended.Status, asked, err)
	}
	if asked, err := env.EraseCustomer(t.Context(), mara, "ada", approval.Call{}); err != nil || asked != nil {
		t.Errorf("an erasure: %+v %v", asked, err)
	}
}

// What is interrupted ends, too, if nothing can be done any more: it has expired, it stops every process, or something else
// became of it.
func TestAnInterruptedApprovalEnds(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{RefundsOver: map[string]int64{}})
	for sentence, c := range map[string]struct {
		customer, change, says string
		outcome                curfew.Outcome
	}{
		"expired":               {"ada", "expires_at = asked_at - 190000000", "nobody carried on until it expired: ask again", curfew.Fulfilled},
		"stops every process":   {"bob", "tries = 3", "and so did those that carried on", curfew.Fulfilled},
		"of an earlier release": {"carl", "tried_at = NULL, decided_at = asked_at - 180000000", "", curfew.RefundDue},
		"interrupted again":     {"dora", "tries = 2", "", curfew.RefundDue},
	} {
		checkout := env.paid(c.customer, 900)
		_, asked, err := env.Refund(t.Context(), mara, checkout.ID, "sorry", false)
		must(t, err)
		_, err = env.Desk.Store.DecideApproval(t.Context(), asked.ID, record.ApprovalExecuting, otto, "")
		must(t, err)
		env.Exec(t, "UPDATE "+env.Schema+"approvals SET tried_at = asked_at - 180000000")
		env.Exec(t, "UPDATE "+env.Schema+"approvals SET "+c.change)
		var ended []record.Approval
		must(t, env.Resume(t.Context(), func(a record.Approval) { ended = append(ended, a) }))
		if len(ended) != 1 || ended[0].ID != asked.ID || !strings.Contains(ended[0].Note, c.says) || (ended[0].State == record.ApprovalDone) != (c.says == "") || env.outcome(checkout.ID) != c.outcome {
			t.Errorf("%s: %+v, and the payment is %s", sentence, ended, env.outcome(checkout.ID))
		}
		env.Exec(t, "DELETE FROM "+env.Schema+"approvals")
	}
}

// unavailable is a store that does not answer how an approval ended.
type unavailable struct{ approval.Store }

func (unavailable) EndApproval(context.Context, record.Approval, record.ApprovalState, string) (record.Approval, error) {
	return record.Approval{}, curfew.Errorf(curfew.Unavailable, "no answer")
}

// leaving is a store whose caller leaves when an approval is decided.
type leaving struct {
	approval.Store
	leave func()
}

func (s leaving) DecideApproval(ctx context.Context, id string, to record.ApprovalState, by curfew.Actor, note string) (record.Approval, error) {
	defer s.leave()
	return s.Store.DecideApproval(ctx, id, to, by, note)
}

// Whoever leaves does not interrupt it; and a person may carry on, too.
func TestWhoeverLeavesInterruptsNothing(t *testing.T) {
	t.Parallel()
	env := newEnvironment(t, approval.Rules{RefundsOver: map[string]int64{}})
	checkout := env.paid("ada", 900)
	_, asked, err := env.Refund(t.Context(), mara, checkout.ID, "sorry", false)
	must(t, err)
	store := env.Desk.Store
	ctx, leave := context.WithCancel(t.Context())
	env.Desk.Store = leaving{unavailable{store}, leave}
	_, err = env.Approve(ctx, otto, asked.ID)
	refused(t, curfew.Unavailable, err)
	env.Desk.Store = store
	env.Exec(t, "UPDATE "+env.Schema+"approvals SET tried_at = asked_at - 180000000")
	a, err := env.Approve(t.Context(), otto, asked.ID)
	must(t, err)
	if a.State != record.ApprovalDone || a.Tries != 1 || env.outcome(checkout.ID) != curfew.RefundDue {
		t.Errorf("it is %+v, and the payment is %s", a, env.outcome(checkout.ID))
	}
}
