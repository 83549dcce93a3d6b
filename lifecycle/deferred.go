package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/curfewhq/curfew"
)

// deferPayment records a payment whose customer is truly busy, and tries once
// more: the blocker may have ended before the record was there to be served.
func (e *Engine) deferPayment(ctx context.Context, c curfew.Checkout, by curfew.Actor, p Purchase) (Fulfilment, error) {
	c.ID = cmp.Or(c.ID, newID())
	_, err := e.write.Defer(ctx, c, by, e.policy.DeferTTL)
	if errors.Is(err, curfew.Conflict) {
		r, err := e.reference(ctx, &c, by)
		if errors.Is(err, curfew.NotFound) {
			err = again(err)
		}
		if err != nil {
			return Fulfilment{}, fmt.Errorf("fulfil %s: %w", p.PaymentRef, err)
		}
		return e.replay(ctx, r, p)
	}
	if err != nil {
		return Fulfilment{}, fmt.Errorf("defer %s: %w", p.PaymentRef, err)
	}
	f, err := e.retried(ctx, c.CustomerID, p.PaymentRef)
	f.Replayed = false
	if f.Blocker != nil {
		e.refused(ctx, c.CustomerID, f.Blocker)
	}
	return f, err
}

// retried serves the customer's deferred payments if it can, and answers with
// what this one is now.
func (e *Engine) retried(ctx context.Context, customerID, ref string) (Fulfilment, error) {
	err := e.serve(ctx, customerID)
	if rowsOwn(ctx, err) {
		err = e.leaveCustomer(ctx, customerID, err)
	}
	if err != nil {
		return Fulfilment{}, err
	}
	r, err := e.store.Reference(ctx, ref)
	if err != nil {
		return Fulfilment{}, err
	}
	return e.present(ctx, r)
}

// serve gives a free slot to the customer's appointments whose start has passed,
// then the oldest deferred payment its session. Those past their time become
// refund due first.
func (e *Engine) serve(ctx context.Context, customerID string) error {
	if err := e.beginStarted(ctx, customerID); err != nil {
		return err
	}
	for {
		r, err := e.store.Deferred(ctx, customerID)
		if errors.Is(err, curfew.NotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve customer %s: %w", customerID, err)
		}
		if !r.Now.After(r.Checkout.RetryUntil) {
			return e.serveOne(ctx, r.Checkout)
		}
		if err := e.giveUp(ctx, r.Checkout); err != nil {
			return err
		}
	}
}

func (e *Engine) serveOne(ctx context.Context, c curfew.Checkout) error {
	_, err := e.place(ctx, bid{
		customerID: c.CustomerID,
		admission: func(context.Context) (curfew.Admission, error) {
			a := e.admission(c, curfew.Admitting)
			a.From, a.Reason = curfew.Deferred, curfew.ServedReason
			return a, nil
		},
		known: func(ctx context.Context) (curfew.Receipt, error) {
			r, err := e.store.Reference(ctx, c.Ref)
			if err == nil && r.Checkout.Outcome == curfew.Deferred {
				return r, curfew.NotFound
			}
			return r, err
		},
	})
	if err != nil {
		return fmt.Errorf("serve payment %s: %w", c.Ref, err)
	}
	return nil
}

// giveUp makes a deferred payment that found no free slot in time refund due.
func (e *Engine) giveUp(ctx context.Context, c curfew.Checkout) error {
	_, err := e.write.ChangeCheckout(ctx, curfew.CheckoutChange{
		From: c, To: curfew.RefundDue, Reason: curfew.UnservedReason, Actor: curfew.Sweeper,
	})
	if errors.Is(err, curfew.Conflict) {
		return nil
	}
	return err
}

// leaveCustomer sets apart a customer who cannot be served.
func (e *Engine) leaveCustomer(ctx context.Context, customerID string, cause error) error {
	return e.setApart(ctx, curfew.Quarantined{Noun: curfew.QuarantinedCustomer, CustomerID: customerID, Step: "serve"}, cause)
}

// serveAll serves the deferred payments of customers whose slot is free, until
// a look finds nobody new.
func (e *Engine) serveAll(ctx context.Context) error {
	seen := make(map[string]bool)
	for {
		customers, err := e.store.Servable(ctx, pageSize)
		if err != nil {
			return fmt.Errorf("serve deferred payments: %w", err)
		}
		customers = slices.DeleteFunc(customers, func(c string) bool { return seen[c] })
		if len(customers) == 0 {
			return nil
		}
		for _, c := range customers {
			seen[c] = true
		}
		if err := e.serveEach(ctx, customers); err != nil {
			return err
		}
		e.sweeping.note()
	}
}

// servers is how many customers are served at once: each waits for the disk
// most of the time.
const servers = 4

func (e *Engine) serveEach(ctx context.Context, customers []string) error {
	var all sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, min(servers, len(customers)))
	for n := range errs {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(customers)) && errs[n] == nil; i = next.Add(1) - 1 {
				if errs[n] = e.serve(ctx, customers[i]); e.rowsOwn(ctx, errs[n]) {
					errs[n] = e.leaveCustomer(ctx, customers[i], errs[n])
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
