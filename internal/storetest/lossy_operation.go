package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// lossyDeadlines loses answers about deadlines.
type lossyDeadlines struct{ *answers }

func (l lossyDeadlines) Find(ctx context.Context, s record.Search) ([]curfew.Snapshot, error) {
	return answered[[]curfew.Snapshot](l.answers)(l.store.Find(ctx, s))
}

func (l lossyDeadlines) NextDeadline(ctx context.Context, after time.Time, sources []string) (at, now time.Time, err error) {
	at, now, err = l.store.NextDeadline(ctx, after, sources)
	if lost := l.lose("NextDeadline"); lost != nil {
		return time.Time{}, time.Time{}, lost
	}
	return at, now, err
}

func (l lossyDeadlines) Unaccepted(ctx context.Context, after time.Duration, limit int) ([]curfew.Snapshot, error) {
	return answered[[]curfew.Snapshot](l.answers)(l.store.Unaccepted(ctx, after, limit))
}

func (l lossyDeadlines) Silent(ctx context.Context, since time.Duration, limit int) ([]curfew.Snapshot, error) {
	return answered[[]curfew.Snapshot](l.answers)(l.store.Silent(ctx, since, limit))
}

func (l lossyDeadlines) Tidy(ctx context.Context, window time.Duration) error {
	return l.done(l.store.Tidy(ctx, window))
}

// lossyRuns loses answers about runs.
type lossyRuns struct{ *answers }

func (l lossyRuns) BeginRun(ctx context.Context, r curfew.Run) (curfew.Run, error) {
	return answered[curfew.Run](l.answers)(l.store.BeginRun(ctx, r))
}

func (l lossyRuns) RenewRun(ctx context.Context, id string, ttl time.Duration) error {
	return l.done(l.store.RenewRun(ctx, id, ttl))
}

func (l lossyRuns) FinishRun(ctx context.Context, r curfew.Run) (curfew.Run, error) {
	return answered[curfew.Run](l.answers)(l.store.FinishRun(ctx, r))
}

func (l lossyRuns) Runs(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.Run, error) {
	return answered[[]curfew.Run](l.answers)(l.store.Runs(ctx, after, limit))
}

func (l lossyRuns) Run(ctx context.Context, id string) (curfew.Run, error) {
	return answered[curfew.Run](l.answers)(l.store.Run(ctx, id))
}

func (l lossyRuns) RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error) {
	return answered[[]curfew.Event](l.answers)(l.store.RunEvents(ctx, runID, after, limit))
}

// lossyPreviews loses answers about previews.
type lossyPreviews struct{ *answers }

func (l lossyPreviews) SavePreview(ctx context.Context, p curfew.Preview) (curfew.Preview, error) {
	return answered[curfew.Preview](l.answers)(l.store.SavePreview(ctx, p))
}

func (l lossyPreviews) Preview(ctx context.Context, id string) (curfew.Preview, error) {
	return answered[curfew.Preview](l.answers)(l.store.Preview(ctx, id))
}

// lossyFigures loses answers about figures.
type lossyFigures struct{ *answers }

func (l lossyFigures) SessionFigures(ctx context.Context, p curfew.Policy) (curfew.SessionFigures, error) {
	return answered[curfew.SessionFigures](l.answers)(l.store.SessionFigures(ctx, p))
}

func (l lossyFigures) RequestFigures(ctx context.Context) (curfew.RequestFigures, error) {
	return answered[curfew.RequestFigures](l.answers)(l.store.RequestFigures(ctx))
}

func (l lossyFigures) CheckoutFigures(ctx context.Context) (curfew.CheckoutFigures, error) {
	return answered[curfew.CheckoutFigures](l.answers)(l.store.CheckoutFigures(ctx))
}

func (l lossyFigures) MechanicFigures(ctx context.Context) (curfew.MechanicFigures, error) {
	return answered[curfew.MechanicFigures](l.answers)(l.store.MechanicFigures(ctx))
}

func (l lossyFigures) DeliveryFigures(ctx context.Context) (curfew.DeliveryFigures, error) {
	return answered[curfew.DeliveryFigures](l.answers)(l.store.DeliveryFigures(ctx))
}

func (l lossyFigures) Repeated(ctx context.Context, atLeast int, window time.Duration) ([]curfew.Repeated, error) {
	return answered[[]curfew.Repeated](l.answers)(l.store.Repeated(ctx, atLeast, window))
}

func (l lossyFigures) HealthDetails(ctx context.Context, p curfew.Policy, limit int) (curfew.HealthDetails, error) {
	return answered[curfew.HealthDetails](l.answers)(l.store.HealthDetails(ctx, p, limit))
}

// lossyConsistency loses answers about consistency.
type lossyConsistency struct{ *answers }

func (l lossyConsistency) TallyDifferences(ctx context.Context) ([]curfew.TallyDifference, error) {
	return answered[[]curfew.TallyDifference](l.answers)(l.store.TallyDifferences(ctx))
}

func (l lossyConsistency) Links(ctx context.Context, table, after string, limit int) (record.Linked, error) {
	return answered[record.Linked](l.answers)(l.store.Links(ctx, table, after, limit))
}

// lossyActivity loses answers about activity.
type lossyActivity struct{ *answers }

func (l lossyActivity) Activity(ctx context.Context, window, step time.Duration) (record.ActivitySeries, error) {
	return answered[record.ActivitySeries](l.answers)(l.store.Activity(ctx, window, step))
}

// lossyHeartbeats loses answers about heartbeats.
type lossyHeartbeats struct{ *answers }

func (l lossyHeartbeats) RecordSweep(ctx context.Context, lag time.Duration) error {
	return l.done(l.store.RecordSweep(ctx, lag))
}

func (l lossyHeartbeats) RecordQueueRead(ctx context.Context) error {
	return l.done(l.store.RecordQueueRead(ctx))
}

func (l lossyHeartbeats) RecordStreams(ctx context.Context, process string, mechanics int, ttl time.Duration) error {
	return l.done(l.store.RecordStreams(ctx, process, mechanics, ttl))
}

func (l lossyHeartbeats) RecordHeartbeat(ctx context.Context, process string, ttl time.Duration) error {
	return l.done(l.store.RecordHeartbeat(ctx, process, ttl))
}

func (l lossyHeartbeats) ForgetProcess(ctx context.Context, process string) error {
	return l.done(l.store.ForgetProcess(ctx, process))
}

func (l lossyHeartbeats) Heartbeats(ctx context.Context) (curfew.Heartbeats, error) {
	return answered[curfew.Heartbeats](l.answers)(l.store.Heartbeats(ctx))
}

// lossySchema loses answers about the schema.
type lossySchema struct{ *answers }

func (l lossySchema) GuardsMissing(ctx context.Context) ([]string, error) {
	return answered[[]string](l.answers)(l.store.GuardsMissing(ctx))
}

func (l lossySchema) Verify(ctx context.Context) error {
	_, err := answered[struct{}](l.answers)(struct{}{}, l.store.Verify(ctx))
	return err
}

// lossyOneTimes loses answers about one-time names.
type lossyOneTimes struct{ *answers }

func (l lossyOneTimes) ClaimOnce(ctx context.Context, name string, ttl time.Duration) error {
	return l.done(l.store.ClaimOnce(ctx, name, ttl))
}

func (l lossyOneTimes) Claimed(ctx context.Context, name string) (bool, error) {
	return answered[bool](l.answers)(l.store.Claimed(ctx, name))
}

// lossyQuarantine loses answers about the quarantine.
type lossyQuarantine struct{ *answers }

func (l lossyQuarantine) Quarantine(ctx context.Context, q curfew.Quarantined) error {
	return l.done(l.store.Quarantine(ctx, q))
}

func (l lossyQuarantine) Quarantined(ctx context.Context, limit int) ([]curfew.Quarantined, error) {
	return answered[[]curfew.Quarantined](l.answers)(l.store.Quarantined(ctx, limit))
}

func (l lossyQuarantine) LeaveQuarantine(ctx context.Context) error {
	return l.done(l.store.LeaveQuarantine(ctx))
}

// lossyAcknowledgements loses answers about acknowledgements.
type lossyAcknowledgements struct{ *answers }

func (l lossyAcknowledgements) Acknowledge(ctx context.Context, a curfew.Acknowledgement) (curfew.Acknowledgement, error) {
	return answered[curfew.Acknowledgement](l.answers)(l.store.Acknowledge(ctx, a))
}

func (l lossyAcknowledgements) Acknowledgements(ctx context.Context) ([]curfew.Acknowledgement, error) {
	return answered[[]curfew.Acknowledgement](l.answers)(l.store.Acknowledgements(ctx))
}

func (l lossyAcknowledgements) WithdrawAcknowledgement(ctx context.Context, code string) error {
	return l.done(l.store.WithdrawAcknowledgement(ctx, code))
}

// lossyAudit loses answers about the audit log.
type lossyAudit struct{ *answers }

func (l lossyAudit) AuditLost(ctx context.Context, within time.Duration) (record.AuditLosses, error) {
	return answered[record.AuditLosses](l.answers)(l.store.AuditLost(ctx, within))
}
