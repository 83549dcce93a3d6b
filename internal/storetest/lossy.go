package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Admit does the work and may lose the answer.
func (l *Lossy) Admit(ctx context.Context, a record.Admission) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.Admit(ctx, a))
}

// Defer does the work and may lose the answer.
func (l *Lossy) Defer(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) (record.Receipt, error) {
	return told[record.Receipt](l)(l.store.Defer(ctx, c, actor, ttl))
}

// Extend does the work and may lose the answer.
func (l *Lossy) Extend(ctx context.Context, x record.Extension) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.Extend(ctx, x))
}

// Record does the work and may lose the answer.
func (l *Lossy) Record(ctx context.Context, c curfew.Checkout, actor curfew.Actor, reason string) (record.Receipt, error) {
	return told[record.Receipt](l)(l.store.Record(ctx, c, actor, reason))
}

// Reference does the work and may lose the answer.
func (l *Lossy) Reference(ctx context.Context, ref string) (record.Receipt, error) {
	return told[record.Receipt](l)(l.store.Reference(ctx, ref))
}

// Key does the work and may lose the answer.
func (l *Lossy) Key(ctx context.Context, customerID, key string) (record.Receipt, error) {
	return told[record.Receipt](l)(l.store.Key(ctx, customerID, key))
}

// TallyDifferences does the work and may lose the answer.
func (l *Lossy) TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error) {
	return told[[]curfew.TallyDifference](l)(l.store.TallyDifferences(ctx))
}

// Links does the work and may lose the answer.
func (l *Lossy) Links(ctx context.Context, table, after string, limit int) (record.Linked, error) {
	return told[record.Linked](l)(l.store.Links(ctx, table, after, limit))
}

// LostCheckout does the work and may lose the answer.
func (l *Lossy) LostCheckout(ctx context.Context, ref string) (record.PaymentClaim, error) {
	return told[record.PaymentClaim](l)(l.store.LostCheckout(ctx, ref))
}

// Unclaim does the work and may lose the answer.
func (l *Lossy) Unclaim(ctx context.Context, c record.PaymentClaim) error {
	return l.done(l.store.Unclaim(ctx, c))
}

// Recover does the work and may lose the answer.
func (l *Lossy) Recover(ctx context.Context, c curfew.Checkout, actor curfew.Actor, ttl time.Duration) error {
	return l.done(l.store.Recover(ctx, c, actor, ttl))
}

// ForgetKey does the work and may lose the answer.
func (l *Lossy) ForgetKey(ctx context.Context, customerID, key string) error {
	return l.done(l.store.ForgetKey(ctx, customerID, key))
}

// Refuse does the work and may lose the answer.
func (l *Lossy) Refuse(ctx context.Context, customerID, sessionID string) error {
	return l.done(l.store.Refuse(ctx, customerID, sessionID))
}

// Session does the work and may lose the answer.
func (l *Lossy) Session(ctx context.Context, id string) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.Session(ctx, id))
}

// SessionOf does the work and may lose the answer.
func (l *Lossy) SessionOf(ctx context.Context, requestID string) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.SessionOf(ctx, requestID))
}

// Open does the work and may lose the answer.
func (l *Lossy) Open(ctx context.Context, customerID string) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.Open(ctx, customerID))
}

// Unended does the work and may lose the answer.
func (l *Lossy) Unended(ctx context.Context, customerID string) ([]curfew.Snapshot, error) {
	return told[[]curfew.Snapshot](l)(l.store.Unended(ctx, customerID))
}

// Change does the work and may lose the answer.
func (l *Lossy) Change(ctx context.Context, c record.Change) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.Change(ctx, c))
}

// Events does the work and may lose the answer.
func (l *Lossy) Events(ctx context.Context, customerID, subject string) ([]curfew.Event, error) {
	return told[[]curfew.Event](l)(l.store.Events(ctx, customerID, subject))
}

// Pending does the work and may lose the answer.
func (l *Lossy) Pending(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Snapshot, error) {
	return told[[]curfew.Snapshot](l)(l.store.Pending(ctx, after, limit))
}

// Slot does the work and may lose the answer.
func (l *Lossy) Slot(ctx context.Context, mechanicID string) (record.Slot, error) {
	return told[record.Slot](l)(l.store.Slot(ctx, mechanicID))
}

// FreeSlot does the work and may lose the answer.
func (l *Lossy) FreeSlot(ctx context.Context, s record.Slot) error {
	return l.done(l.store.FreeSlot(ctx, s))
}

// Checkouts does the work and may lose the answer.
func (l *Lossy) Checkouts(ctx context.Context, customerID string) ([]curfew.Checkout, error) {
	return told[[]curfew.Checkout](l)(l.store.Checkouts(ctx, customerID))
}

// Credit does the work and may lose the answer.
func (l *Lossy) Credit(ctx context.Context, customerID, plan string) (curfew.Checkout, error) {
	return told[curfew.Checkout](l)(l.store.Credit(ctx, customerID, plan))
}

// Deferred does the work and may lose the answer.
func (l *Lossy) Deferred(ctx context.Context, customerID string) (record.Receipt, error) {
	return told[record.Receipt](l)(l.store.Deferred(ctx, customerID))
}

// Servable does the work and may lose the answer.
func (l *Lossy) Servable(ctx context.Context, limit int) ([]string, error) {
	return told[[]string](l)(l.store.Servable(ctx, limit))
}

// Unsettled does the work and may lose the answer.
func (l *Lossy) Unsettled(ctx context.Context, customerID string, limit int) ([]record.Receipt, error) {
	return told[[]record.Receipt](l)(l.store.Unsettled(ctx, customerID, limit))
}

// ChangeCheckout does the work and may lose the answer.
func (l *Lossy) ChangeCheckout(ctx context.Context, c record.CheckoutChange) (curfew.Checkout, error) {
	return told[curfew.Checkout](l)(l.store.ChangeCheckout(ctx, c))
}

// Checkout does the work and may lose the answer.
func (l *Lossy) Checkout(ctx context.Context, id string) (curfew.Checkout, error) {
	return told[curfew.Checkout](l)(l.store.Checkout(ctx, id))
}

// PaidBy does the work and may lose the answer.
func (l *Lossy) PaidBy(ctx context.Context, paymentID string) ([]curfew.Checkout, error) {
	return told[[]curfew.Checkout](l)(l.store.PaidBy(ctx, paymentID))
}

// ListCheckouts does the work and may lose the answer.
func (l *Lossy) ListCheckouts(ctx context.Context, s curfew.CheckoutSearch) ([]curfew.Checkout, error) {
	return told[[]curfew.Checkout](l)(l.store.ListCheckouts(ctx, s))
}

// Annotate does the work and may lose the answer.
func (l *Lossy) Annotate(ctx context.Context, r record.Annotation) (curfew.Checkout, error) {
	return told[curfew.Checkout](l)(l.store.Annotate(ctx, r))
}

// Reassign does the work and may lose the answer.
func (l *Lossy) Reassign(ctx context.Context, r record.Reassignment) (curfew.Checkout, error) {
	return told[curfew.Checkout](l)(l.store.Reassign(ctx, r))
}

// Refundable does the work and may lose the answer.
func (l *Lossy) Refundable(ctx context.Context, limit int) ([]curfew.Checkout, error) {
	return told[[]curfew.Checkout](l)(l.store.Refundable(ctx, limit))
}

// Repaid does the work and may lose the answer.
func (l *Lossy) Repaid(ctx context.Context, paymentID string, r curfew.Repayment) (curfew.Repayment, error) {
	return told[curfew.Repayment](l)(l.store.Repaid(ctx, paymentID, r))
}

// Dispute does the work and may lose the answer.
func (l *Lossy) Dispute(ctx context.Context, paymentID string) error {
	return l.done(l.store.Dispute(ctx, paymentID))
}

// Repayment does the work and may lose the answer.
func (l *Lossy) Repayment(ctx context.Context, paymentID string) (curfew.Repayment, error) {
	return told[curfew.Repayment](l)(l.store.Repayment(ctx, paymentID))
}

// Find does the work and may lose the answer.
func (l *Lossy) Find(ctx context.Context, s record.Search) ([]curfew.Snapshot, error) {
	return told[[]curfew.Snapshot](l)(l.store.Find(ctx, s))
}

// End does the work and may lose the answer.
func (l *Lossy) End(ctx context.Context, b record.Batch) ([]record.Ended, error) {
	return told[[]record.Ended](l)(l.store.End(ctx, b))
}

// NextDeadline does the work and may lose the answer.
func (l *Lossy) NextDeadline(ctx context.Context, after time.Time) (at, now time.Time, err error) {
	at, now, err = l.store.NextDeadline(ctx, after)
	if lost := l.lose("NextDeadline"); lost != nil {
		return time.Time{}, time.Time{}, lost
	}
	return at, now, err
}

// BeginRun does the work and may lose the answer.
func (l *Lossy) BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error) {
	return told[curfew.Run](l)(l.store.BeginRun(ctx, r))
}

// RenewRun does the work and may lose the answer.
func (l *Lossy) RenewRun(ctx context.Context, id string, ttl time.Duration) error {
	return l.done(l.store.RenewRun(ctx, id, ttl))
}

// FinishRun does the work and may lose the answer.
func (l *Lossy) FinishRun(ctx context.Context, r curfew.Run) (curfew.Run, error) {
	return told[curfew.Run](l)(l.store.FinishRun(ctx, r))
}

// Runs does the work and may lose the answer.
func (l *Lossy) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	return told[[]curfew.Run](l)(l.store.Runs(ctx, after, limit))
}

// SavePreview does the work and may lose the answer.
func (l *Lossy) SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error) {
	return told[curfew.Preview](l)(l.store.SavePreview(ctx, p))
}

// Preview does the work and may lose the answer.
func (l *Lossy) Preview(ctx context.Context, id string) (curfew.Preview, error) {
	return told[curfew.Preview](l)(l.store.Preview(ctx, id))
}

// SessionFigures does the work and may lose the answer.
func (l *Lossy) SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error) {
	return told[curfew.SessionFigures](l)(l.store.SessionFigures(ctx, p))
}

// RequestFigures does the work and may lose the answer.
func (l *Lossy) RequestFigures(ctx context.Context) (curfew.RequestFigures, error) {
	return told[curfew.RequestFigures](l)(l.store.RequestFigures(ctx))
}

// CheckoutFigures does the work and may lose the answer.
func (l *Lossy) CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error) {
	return told[curfew.CheckoutFigures](l)(l.store.CheckoutFigures(ctx))
}

// MechanicFigures does the work and may lose the answer.
func (l *Lossy) MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error) {
	return told[curfew.MechanicFigures](l)(l.store.MechanicFigures(ctx))
}

// DeliveryFigures does the work and may lose the answer.
func (l *Lossy) DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error) {
	return told[curfew.DeliveryFigures](l)(l.store.DeliveryFigures(ctx))
}

// Activity does the work and may lose the answer.
func (l *Lossy) Activity(ctx context.Context, window, step time.Duration) (record.ActivitySeries, error) {
	return told[record.ActivitySeries](l)(l.store.Activity(ctx, window, step))
}

// Repeated does the work and may lose the answer.
func (l *Lossy) Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error) {
	return told[[]curfew.Repeated](l)(l.store.Repeated(ctx, atLeast, window))
}

// HealthDetails does the work and may lose the answer.
func (l *Lossy) HealthDetails(ctx context.Context, p curfew.Policy, limit int) (curfew.HealthDetails, error) {
	return told[curfew.HealthDetails](l)(l.store.HealthDetails(ctx, p, limit))
}

// RecordSweep does the work and may lose the answer.
func (l *Lossy) RecordSweep(ctx context.Context, lag time.Duration) error {
	return l.done(l.store.RecordSweep(ctx, lag))
}

// RecordQueueRead does the work and may lose the answer.
func (l *Lossy) RecordQueueRead(ctx context.Context) error {
	return l.done(l.store.RecordQueueRead(ctx))
}

// RecordStreams does the work and may lose the answer.
func (l *Lossy) RecordStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error {
	return l.done(l.store.RecordStreams(ctx, process, mechanics, ttl))
}

// RecordHeartbeat does the work and may lose the answer.
func (l *Lossy) RecordHeartbeat(ctx context.Context, process string, ttl time.Duration) error {
	return l.done(l.store.RecordHeartbeat(ctx, process, ttl))
}

// ForgetProcess does the work and may lose the answer.
func (l *Lossy) ForgetProcess(ctx context.Context, process string) error {
	return l.done(l.store.ForgetProcess(ctx, process))
}

// Heartbeats does the work and may lose the answer.
func (l *Lossy) Heartbeats(ctx context.Context) (curfew.Heartbeats, error) {
	return told[curfew.Heartbeats](l)(l.store.Heartbeats(ctx))
}

// Verify does the work and may lose the answer.
func (l *Lossy) Verify(ctx context.Context) error {
	_, err := told[struct{}](l)(struct{}{}, l.store.Verify(ctx))
	return err
}

// GuardsMissing does the work and may lose the answer.
func (l *Lossy) GuardsMissing(ctx context.Context) ([]string, error) {
	return told[[]string](l)(l.store.GuardsMissing(ctx))
}

// Tidy does the work and may lose the answer.
func (l *Lossy) Tidy(ctx context.Context, window time.Duration) error {
	return l.done(l.store.Tidy(ctx, window))
}

// Claimed does the work and may lose the answer.
func (l *Lossy) Claimed(ctx context.Context, name string) (bool, error) {
	return told[bool](l)(l.store.Claimed(ctx, name))
}

// ClaimOnce does the work and may lose the answer.
func (l *Lossy) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	return l.done(l.store.ClaimOnce(ctx, name, ttl))
}

// Quarantine does the work and may lose the answer.
func (l *Lossy) Quarantine(ctx context.Context, q curfew.Quarantined) error {
	return l.done(l.store.Quarantine(ctx, q))
}

// Quarantined does the work and may lose the answer.
func (l *Lossy) Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error) {
	return told[[]curfew.Quarantined](l)(l.store.Quarantined(ctx, limit))
}

// LeaveQuarantine does the work and may lose the answer.
func (l *Lossy) LeaveQuarantine(ctx context.Context) error {
	return l.done(l.store.LeaveQuarantine(ctx))
}

// Acknowledge does the work and may lose the answer.
func (l *Lossy) Acknowledge(ctx context.Context, a curfew.Acknowledgement) (curfew.Acknowledgement, error) {
	return told[curfew.Acknowledgement](l)(l.store.Acknowledge(ctx, a))
}

// Acknowledgements does the work and may lose the answer.
func (l *Lossy) Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error) {
	return told[[]curfew.Acknowledgement](l)(l.store.Acknowledgements(ctx))
}

// WithdrawAcknowledgement does the work and may lose the answer.
func (l *Lossy) WithdrawAcknowledgement(ctx context.Context, code string) error {
	return l.done(l.store.WithdrawAcknowledgement(ctx, code))
}

// FreeLeaked does the work and may lose the answer.
func (l *Lossy) FreeLeaked(ctx context.Context) (int, error) {
	return told[int](l)(l.store.FreeLeaked(ctx))
}

// AbandonSlot does the work and may lose the answer.
func (l *Lossy) AbandonSlot(ctx context.Context, s record.Slot) error {
	return l.done(l.store.AbandonSlot(ctx, s))
}
