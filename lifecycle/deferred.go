package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// serve gives a free slot to the customer's appointments whose start has passed,
// then the oldest deferred payment its session. Those past their time become
// refund due first.
func (ad *Admission) serve(ctx context.Context, customerID string) error {
	if err := ad.beginStarted(ctx, customerID); err != nil {
		return err
	}
	for {
		r, err := ad.store.Deferred(ctx, customerID)
		if errors.Is(err, curfew.NotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve customer %s: %w", customerID, err)
		}
		if !r.Now.After(r.Checkout.RetryUntil) {
			return ad.serveOne(ctx, r.Checkout)
		}
		if err := ad.settler.giveUp(ctx, r.Checkout); err != nil {
			return err
		}
	}
}

func (ad *Admission) serveOne(ctx context.Context, c curfew.Checkout) error {
	_, err := ad.admit(ctx, attempt{
		customerID: c.CustomerID,
		admission: func(context.Context) (record.Admission, error) {
			a := ad.rules.admission(c, curfew.Admitting)
			a.From, a.Reason = curfew.Deferred, curfew.ServedReason
			return a, nil
		},
		receipt: func(ctx context.Context) (record.Receipt, error) {
			r, err := ad.store.Reference(ctx, c.Ref)
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

// leaveCustomer sets apart a customer who cannot be served.
func (ad *Admission) leaveCustomer(ctx context.Context, customerID string, cause error) error {
	return ad.quarantine.setApart(ctx, curfew.Quarantined{Noun: curfew.QuarantinedCustomer, CustomerID: customerID, Step: "serve"}, cause)
}

// serveAll serves the deferred payments of customers whose slot is free, until there are
// no new ones.
func (ad *Admission) serveAll(ctx context.Context) error {
	seen := make(map[string]bool)
	for {
		customers, err := ad.store.Servable(ctx, pageSize)
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
		if err := ad.serveEach(ctx, customers); err != nil {
			return err
		}
		ad.sweeping.note()
	}
}

// servers is how many customers are served at once. Each of them waits for the disk most
// of the time.
const servers = 4

func (ad *Admission) serveEach(ctx context.Context, customers []string) error {
	var all sync.WaitGroup
	var next atomic.Int64
	errs := make([]error, min(servers, len(customers)))
	for n := range errs {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(customers)) && errs[n] == nil; i = next.Add(1) - 1 {
				if errs[n] = ad.serve(ctx, customers[i]); ad.quarantine.rowsOwn(ctx, errs[n]) {
					errs[n] = ad.leaveCustomer(ctx, customers[i], errs[n])
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
