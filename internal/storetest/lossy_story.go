package storetest

import (
	"context"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Run does the work and may lose the answer.
func (l *Lossy) Run(ctx context.Context, id string) (curfew.Run, error) {
	return told[curfew.Run](l)(l.store.Run(ctx, id))
}

// RunEvents does the work and may lose the answer.
func (l *Lossy) RunEvents(ctx context.Context, runID, after string, limit int) ([]curfew.Event, error) {
	return told[[]curfew.Event](l)(l.store.RunEvents(ctx, runID, after, limit))
}

// SessionsOf does the work and may lose the answer.
func (l *Lossy) SessionsOf(ctx context.Context, customerID string, limit int) ([]curfew.Snapshot, error) {
	return told[[]curfew.Snapshot](l)(l.store.SessionsOf(ctx, customerID, limit))
}

// Revival does the work and may lose the answer.
func (l *Lossy) Revival(ctx context.Context, customerID, sessionID string) (curfew.Snapshot, error) {
	return told[curfew.Snapshot](l)(l.store.Revival(ctx, customerID, sessionID))
}

// History does the work and may lose the answer.
func (l *Lossy) History(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]curfew.Event, error) {
	return told[[]curfew.Event](l)(l.store.History(ctx, customerID, before, limit))
}

// Refusals does the work and may lose the answer.
func (l *Lossy) Refusals(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Refusal, error) {
	return told[[]record.Refusal](l)(l.store.Refusals(ctx, customerID, before, limit))
}

// Notices does the work and may lose the answer.
func (l *Lossy) Notices(ctx context.Context, customerID string, before curfew.Cursor, limit int) ([]record.Delivery, error) {
	return told[[]record.Delivery](l)(l.store.Notices(ctx, customerID, before, limit))
}

// CustomersByEmail does the work and may lose the answer.
func (l *Lossy) CustomersByEmail(ctx context.Context, email string, limit int) ([]string, error) {
	return told[[]string](l)(l.store.CustomersByEmail(ctx, email, limit))
}
