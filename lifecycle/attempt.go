package lifecycle

import (
	"context"
	"errors"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// tries is how often an insert is repeated before it counts as blocked.
const tries = 3

// attempt is one try to get a customer a session.
type attempt struct {
	customerID string
	// admission makes what is inserted. It is called for every try, because a
	// credit may be gone by then.
	admission func(context.Context) (record.Admission, error)
	// receipt looks the attempt up by its reference or key. NotFound: it was never
	// accepted before.
	receipt func(context.Context) (record.Receipt, error)
}

// verdict is how an attempt ended.
type verdict int8

const (
	undecided verdict = iota // nobody holds the slot now, but it changed hands at every try
	admitted                 // result.session is new
	repeated                 // it was accepted before: result.receipt is what became of it
	blocked                  // result.session truly holds the slot
	stuck                    // result.session holds the slot, is due, and cannot be ended
)

// result of an attempt; see verdict for which field holds.
type result struct {
	verdict verdict
	session curfew.Snapshot
	receipt record.Receipt
}

// admit carries out an attempt. The first insert reads nothing. Only after a conflict
// does it look further: first for the receipt, because that is the result of a repeated
// attempt; then at the customer's own overdue session, which it settles without waiting
// for a sweeper.
func (ad *Admission) admit(ctx context.Context, at attempt) (result, error) {
	for try := 0; ; try++ {
		a, err := at.admission(ctx)
		if err != nil {
			return result{}, err
		}
		s, err := ad.write.Admit(ctx, a)
		if !errors.Is(err, curfew.Conflict) {
			return result{verdict: admitted, session: s}, err
		}
		receipt, err := at.receipt(ctx)
		if !errors.Is(err, curfew.NotFound) {
			return result{verdict: repeated, receipt: receipt}, err
		}
		r, err := ad.unblock(ctx, at.customerID)
		if err != nil || r.verdict != undecided || try == tries {
			return r, err
		}
	}
}

// unblock settles the customer's own overdue session, and returns what holds the slot
// after that: blocked or stuck, or undecided if nothing does.
func (ad *Admission) unblock(ctx context.Context, customerID string) (result, error) {
	blocker, err := ad.settler.settleOwn(ctx, customerID)
	if due, ok := isStuck(err); ok {
		return result{verdict: stuck, session: due.session}, nil
	}
	if err != nil || blocker == nil {
		return result{}, err
	}
	return result{verdict: blocked, session: *blocker}, nil
}

// refused records that a customer was truly blocked. Only health reads the record, so
// a failure to write it is logged and fails no call.
func (ad *Admission) refused(ctx context.Context, customerID string, b *curfew.Blocker) {
	ad.observe.Blocked(b.Session.Status)
	if err := ad.store.Refuse(ctx, customerID, b.Session.ID); err != nil {
		ad.log.ErrorContext(ctx, "a refusal was not recorded", "customer", customerID, "error", err)
	}
}

// again returns Unavailable after a Conflict at every try: calling again can succeed.
func again(err error) error {
	return curfew.Errorf(curfew.Unavailable, "it changes hands too quickly: try again (%v)", err)
}
