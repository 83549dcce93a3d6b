package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var approvals = contract{
	"a request is read as it was written":                         readsApproval,
	"it is decided once, and ends once":                           decidesApproval,
	"nobody approves their own request, or an expired one":        refusesApproval,
	"pending ones can be listed alone, and old ones are deleted":  listsApprovals,
	"of two concurrent decisions one wins, and the other is told": racesApproval,
	"a missing one is not found":                                  missesApproval,
	"an interrupted one is resumed by exactly one process":        resumesApproval,
}

// approvalStore is the part of a store that stores approvals.
type approvalStore interface {
	AddApproval(ctx context.Context, a record.Approval, ttl, keep time.Duration) (record.Approval, error)
	Approvals(ctx context.Context, q record.ApprovalSearch) ([]record.Approval, error)
	Approval(ctx context.Context, id string) (record.Approval, error)
	DecideApproval(ctx context.Context, id string, to record.ApprovalState, by curfew.Actor, note string) (record.Approval, error)
	EndApproval(ctx context.Context, a record.Approval, as record.ApprovalState, note string) (record.Approval, error)
	InterruptedApprovals(ctx context.Context, after time.Duration, limit int) ([]record.Approval, error)
	ResumeApproval(ctx context.Context, id string, after time.Duration) (record.Approval, error)
}

func (f *fixture) approvals() approvalStore {
	return f.Store.(approvalStore) //nolint:errcheck,forcetypeassert // both are
}

var otto = curfew.Actor{Role: curfew.Admin, ID: "otto"}

func (f *fixture) asked(ttl time.Duration) record.Approval {
	f.Helper()
	a, err := f.approvals().AddApproval(f.Context(), record.Approval{
		ID: newID(), Action: "refundCheckout", CustomerID: "ada", Target: "ref-1", Body: `{"reason":"x"}`, Summary: "Refund 50.00 EUR", AskedBy: mara,
	}, ttl, 24*time.Hour)
	f.must(err)
	return a
}

func readsApproval(f *fixture) {
	a := f.asked(time.Hour)
	f.around("asked", a.AskedAt, time.Now())
	f.same("how long", a.ExpiresAt.Sub(a.AskedAt), time.Hour)
	f.same("written", a, record.Approval{
		ID: a.ID, Action: "refundCheckout", CustomerID: "ada", Target: "ref-1", Body: `{"reason":"x"}`, Summary: "Refund 50.00 EUR", State: record.ApprovalPending,
		AskedBy: mara, AskedAt: a.AskedAt, ExpiresAt: a.ExpiresAt,
	})
	read, err := f.approvals().Approval(f.Context(), a.ID)
	f.must(err)
	f.same("read", read, a)
}

func decidesApproval(f *fixture) {
	a := f.asked(time.Hour)
	got, err := f.approvals().DecideApproval(f.Context(), a.ID, record.ApprovalExecuting, otto, "")
	f.must(err)
	f.around("decided", got.DecidedAt, time.Now())
	a.State, a.DecidedBy, a.DecidedAt, a.TriedAt = record.ApprovalExecuting, otto, got.DecidedAt, got.DecidedAt
	f.same("decided", got, a)
	f.refused(curfew.Conflict, func() error {
		return failed(f.approvals().DecideApproval(f.Context(), a.ID, record.ApprovalRejected, otto, ""))
	})
	got, err = f.approvals().EndApproval(f.Context(), a, record.ApprovalFailed, "no such payment")
	f.must(err)
	a.State, a.Note = record.ApprovalFailed, "no such payment"
	f.same("ended", got, a)
	f.refused(curfew.Conflict, func() error { return failed(f.approvals().EndApproval(f.Context(), a, record.ApprovalDone, "")) })
}

func refusesApproval(f *fixture) {
	own, late := f.asked(time.Hour), f.asked(-time.Second)
	f.refused(curfew.Conflict, func() error {
		return failed(f.approvals().DecideApproval(f.Context(), own.ID, record.ApprovalExecuting, mara, ""))
	})
	f.refused(curfew.Conflict, func() error {
		return failed(f.approvals().DecideApproval(f.Context(), late.ID, record.ApprovalExecuting, otto, ""))
	})
	f.refused(curfew.Conflict, func() error { return failed(f.approvals().EndApproval(f.Context(), own, record.ApprovalDone, "")) })
}

func listsApprovals(f *fixture) {
	late, first, second := f.asked(-time.Second), f.asked(time.Hour), f.asked(time.Hour)
	all, err := f.approvals().Approvals(f.Context(), record.ApprovalSearch{Limit: 10})
	f.must(err)
	f.same("all", all, []record.Approval{second, first, late})
	all, err = f.approvals().Approvals(f.Context(), record.ApprovalSearch{Pending: true, Limit: 10})
	f.must(err)
	f.same("pending", all, []record.Approval{second, first})
	all, err = f.approvals().Approvals(f.Context(), record.ApprovalSearch{Pending: true, Limit: 1})
	f.must(err)
	f.same("the newest", all, []record.Approval{second})
	for what, c := range map[string]struct {
		q    record.ApprovalSearch
		want []record.Approval
	}{
		"the next page":         {record.ApprovalSearch{After: second.ID, Limit: 1}, []record.Approval{first}},
		"the last page":         {record.ApprovalSearch{After: first.ID, Limit: 10}, []record.Approval{late}},
		"behind nothing known":  {record.ApprovalSearch{After: newID(), Limit: 10}, nil},
		"one":                   {record.ApprovalSearch{ID: first.ID, Limit: 10}, []record.Approval{first}},
		"one that is not there": {record.ApprovalSearch{ID: "x", Limit: 10}, nil},
		"a customer's":          {record.ApprovalSearch{CustomerID: "ada", Pending: true, Limit: 10}, []record.Approval{second, first}},
		"nobody's":              {record.ApprovalSearch{CustomerID: "bob", Limit: 10}, nil},
	} {
		all, err = f.approvals().Approvals(f.Context(), c.q)
		f.must(err)
		f.same(what, all, c.want)
	}
	added, err := f.approvals().AddApproval(f.Context(), record.Approval{ID: newID(), Action: "a", Body: "{}", AskedBy: otto}, time.Hour, 0)
	f.must(err)
	all, err = f.approvals().Approvals(f.Context(), record.ApprovalSearch{Limit: 10})
	f.must(err)
	f.same("the others are forgotten", all, []record.Approval{added})
}

func racesApproval(f *fixture) {
	a := f.asked(time.Hour)
	errs := make(chan error, 2)
	for _, by := range []curfew.Actor{otto, shop} {
		go func() {
			errs <- failed(f.approvals().DecideApproval(f.Context(), a.ID, record.ApprovalExecuting, by, ""))
		}()
	}
	first, second := <-errs, <-errs
	if (first == nil) == (second == nil) {
		f.Errorf("the decisions ended with %v and %v", first, second)
	}
}

func resumesApproval(f *fixture) {
	const long, none = time.Hour, -time.Hour // since a try: none is before any
	pending, first, second := f.asked(time.Hour), f.asked(time.Hour), f.asked(time.Hour)
	for _, a := range []*record.Approval{&first, &second} {
		var err error
		*a, err = f.approvals().DecideApproval(f.Context(), a.ID, record.ApprovalExecuting, otto, "")
		f.must(err)
	}
	at := func(after time.Duration, limit int) []record.Approval {
		all, err := f.approvals().InterruptedApprovals(f.Context(), after, limit)
		f.must(err)
		return all
	}
	f.same("nothing is interrupted so soon", len(at(long, 10)), 0)
	f.same("interrupted", at(none, 10), []record.Approval{first, second})
	f.same("the oldest", at(none, 1), []record.Approval{first})
	for _, id := range []string{pending.ID, first.ID} {
		f.refused(curfew.Conflict, func() error { return failed(f.approvals().ResumeApproval(f.Context(), id, long)) })
	}
	again, err := f.approvals().ResumeApproval(f.Context(), first.ID, none)
	f.must(err)
	f.around("tried again", again.TriedAt, time.Now())
	want := first
	want.TriedAt, want.Tries = again.TriedAt, 1
	f.same("resumed", again, want)
	f.refused(curfew.Conflict, func() error {
		return failed(f.approvals().EndApproval(f.Context(), first, record.ApprovalFailed, "late"))
	})
	_, err = f.approvals().EndApproval(f.Context(), again, record.ApprovalDone, "")
	f.must(err)
	f.refused(curfew.Conflict, func() error { return failed(f.approvals().ResumeApproval(f.Context(), first.ID, none)) })
	f.exec("UPDATE {approvals} SET tried_at = NULL WHERE id = $1", second.ID) // as an earlier release left it
	second.TriedAt = time.Time{}
	f.same("of an earlier release", at(none, 10), []record.Approval{second})
	f.same("nor is that so soon", len(at(long, 10)), 0)
}

func missesApproval(f *fixture) {
	for _, id := range []string{newID(), "", "x"} {
		f.refused(curfew.NotFound, func() error { return failed(f.approvals().Approval(f.Context(), id)) })
	}
}
