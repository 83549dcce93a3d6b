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
		s, err := ad.ledgers.funds(ctx, r.Checkout)
		switch {
		case err != nil:
			return err
		case s != spendable:
			return ad.serveAnother(ctx, customerID)
		case !r.Now.After(r.Checkout.RetryUntil):
			return ad.serveOne(ctx, r.Checkout)
		}
		if err := ad.settler.giveUp(ctx, r.Checkout); err != nil {
			return err
		}
	}
}

// serveAnother serves the first deferred payment that can be spent, if the oldest cannot.
// It leaves those past their time to the sweeper.
func (ad *Admission) serveAnother(ctx context.Context, customerID string) error {
	all, err := ad.store.Checkouts(ctx, customerID)
	if err != nil {
		return fmt.Errorf("serve customer %s: %w", customerID, err)
	}
	c, err := ad.ledgers.firstSpendable(ctx, slices.DeleteFunc(all, func(c curfew.Checkout) bool { return c.Outcome != curfew.Deferred }))
	switch {
	case errors.Is(err, curfew.NotFound), errors.Is(err, curfew.PaymentRequired):
		return nil
	case err != nil:
		return err
	}
	return ad.serveOne(ctx, c)
}

func (ad *Admission) serveOne(ctx context.Context, c curfew.Checkout) error {
	_, err := ad.admit(ctx, attempt{
		customerID: c.CustomerID,
		admission: func(ctx context.Context) (record.Admission, error) {
			a := ad.rules.admission(c, curfew.Admitting)
			a.From, a.Reason = curfew.Deferred, curfew.ServedReason
			if ad.checkStart(ctx, c.StartsAt) == nil {
				return ad.rules.booking(a, c.StartsAt), nil
			}
			return a, nil // an appointment whose start has passed begins to wait, too
		},
		receipt: func(ctx context.Context) (record.Receipt, error) {
			now, err := ad.store.Checkout(ctx, c.ID)
			if err == nil && now.Outcome == curfew.Deferred {
				err = curfew.NotFound
			}
			return record.Receipt{Checkout: now}, err
		},
	})
	if err != nil {
		return fmt.Errorf("serve checkout %s: %w", c.ID, err)
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
