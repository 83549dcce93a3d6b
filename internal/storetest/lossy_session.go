package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// lossyAdmissions loses answers about admissions.
type lossyAdmissions struct{ *answers }

func (l lossyAdmissions) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.Admit(ctx, a))
}

func (l lossyAdmissions) Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (record.Receipt, error) {
	return answered[record.Receipt](l.answers)(l.store.Defer(ctx, c, actor, ttl))
}

func (l lossyAdmissions) Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (record.Receipt, error) {
	return answered[record.Receipt](l.answers)(l.store.Record(ctx, c, actor, reason))
}

func (l lossyAdmissions) Extend(ctx context.Context, x record.Extension) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.Extend(ctx, x))
}

func (l lossyAdmissions) Reassign(ctx context.Context, r record.Reassignment) (curfew.Checkout, error) {
	return answered[curfew.Checkout](l.answers)(l.store.Reassign(ctx, r))
}

// lossyChanges loses answers about changes.
type lossyChanges struct{ *answers }

func (l lossyChanges) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.Change(ctx, c))
}

func (l lossyChanges) ChangeCheckout(ctx context.Context, c record.CheckoutChange) (curfew.Checkout, error) {
	return answered[curfew.Checkout](l.answers)(l.store.ChangeCheckout(ctx, c))
}

func (l lossyChanges) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	return answered[[]record.Ended](l.answers)(l.store.End(ctx, b))
}

func (l lossyChanges) Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error) {
	return answered[curfew.Checkout](l.answers)(l.store.Annotate(ctx, r))
}

// lossyCustomers loses answers about a customer's lookups.
type lossyCustomers struct{ *answers }

func (l lossyCustomers) Reference(ctx context.Context, ref string) (record.Receipt, error) {
	return answered[record.Receipt](l.answers)(l.store.Reference(ctx, ref))
}

func (l lossyCustomers) Key(ctx context.Context, customerID, key string) (record.Receipt, error) {
	return answered[record.Receipt](l.answers)(l.store.Key(ctx, customerID, key))
}

func (l lossyCustomers) Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error) {
	return answered[curfew.Checkout](l.answers)(l.store.Credit(ctx, customerID, plan))
}

func (l lossyCustomers) Deferred(ctx context.Context, customerID string) (record.Receipt, error) {
	return answered[record.Receipt](l.answers)(l.store.Deferred(ctx, customerID))
}

func (l lossyCustomers) Refuse(ctx context.Context, customerID, sessionID string) error {
	return l.done(l.store.Refuse(ctx, customerID, sessionID))
}

// lossyClaims loses answers about claims.
type lossyClaims struct{ *answers }

func (l lossyClaims) LostCheckout(ctx context.Context, ref string) (record.PaymentClaim, error) {
	return answered[record.PaymentClaim](l.answers)(l.store.LostCheckout(ctx, ref))
}

func (l lossyClaims) Unclaim(ctx context.Context, c record.PaymentClaim) error {
	return l.done(l.store.Unclaim(ctx, c))
}

func (l lossyClaims) Recover(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) error {
	return l.done(l.store.Recover(ctx, c, actor, ttl))
}

func (l lossyClaims) ForgetKey(ctx context.Context, customerID, key string) error {
	return l.done(l.store.ForgetKey(ctx, customerID, key))
}

// lossySessions loses answers about sessions.
type lossySessions struct{ *answers }

func (l lossySessions) Session(ctx context.Context, id string) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.Session(ctx, id))
}

func (l lossySessions) SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.SessionOf(ctx, requestID))
}

func (l lossySessions) Open(ctx context.Context, customerID string) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.Open(ctx, customerID))
}

func (l lossySessions) Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error) {
	return answered[[]curfew.Snapshot](l.answers)(l.store.Unended(ctx, customerID))
}

func (l lossySessions) SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error) {
	return answered[[]curfew.Snapshot](l.answers)(l.store.SessionsOf(ctx, customerID, limit))
}

func (l lossySessions) Revival(ctx context.Context, customerID, sessionID string) (curfew.Snapshot, error) {
	return answered[curfew.Snapshot](l.answers)(l.store.Revival(ctx, customerID, sessionID))
}

func (l lossySessions) Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error) {
	return answered[[]curfew.Event](l.answers)(l.store.Events(ctx, customerID, subject))
}

// lossyQueue loses answers about the queue.
type lossyQueue struct{ *answers }

func (l lossyQueue) Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	return answered[[]curfew.Snapshot](l.answers)(l.store.Pending(ctx, after, limit))
}

func (l lossyQueue) Slot(ctx context.Context, mechanicID string) (record.Slot, error) {
	return answered[record.Slot](l.answers)(l.store.Slot(ctx, mechanicID))
}

func (l lossyQueue) SeeMechanics(ctx context.Context, mechanicIDs []string) error {
	return l.done(l.store.SeeMechanics(ctx, mechanicIDs))
}

func (l lossyQueue) Absences(ctx context.Context, mechanicID string, within time.Duration) (record.Absences, error) {
	return answered[record.Absences](l.answers)(l.store.Absences(ctx, mechanicID, within))
}

func (l lossyQueue) FreeSlot(ctx context.Context, s record.Slot) error {
	return l.done(l.store.FreeSlot(ctx, s))
}

func (l lossyQueue) AbandonSlot(ctx context.Context, s record.Slot) error {
	return l.done(l.store.AbandonSlot(ctx, s))
}

func (l lossyQueue) FreeLeaked(ctx context.Context) (int, error) {
	return answered[int](l.answers)(l.store.FreeLeaked(ctx))
}

// lossyHistory loses answers about the history.
type lossyHistory struct{ *answers }

func (l lossyHistory) History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error) {
	return answered[[]curfew.Event](l.answers)(l.store.History(ctx, customerID, before, limit))
}

func (l lossyHistory) Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Refusal, error) {
	return answered[[]record.Refusal](l.answers)(l.store.Refusals(ctx, customerID, before, limit))
}

func (l lossyHistory) Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Delivery, error) {
	return answered[[]record.Delivery](l.answers)(l.store.Notices(ctx, customerID, before, limit))
}

func (l lossyHistory) CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error) {
	return answered[[]string](l.answers)(l.store.CustomersByEmail(ctx, email, limit))
}
