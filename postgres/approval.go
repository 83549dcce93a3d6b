package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// approvals stores what a second person has to approve.
type approvals struct{ *db }

const (
	approvalColumns = `id, action, customer_id, target, body, summary, state, asked_by, asked_at, expires_at, decided_by, decided_at, note, tried_at, tries`
	selectApproval  = `SELECT ` + approvalColumns + ` FROM curfew.approvals`
	insertApproval  = `INSERT INTO curfew.approvals (id, action, customer_id, target, body, summary, state, asked_by, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'pending', $7, now() + $8::interval) RETURNING ` + approvalColumns
	deleteApprovals = `DELETE FROM curfew.approvals WHERE asked_at < now() - $1::interval`
)

func scanApproval(r row) (record.Approval, error) {
	var a record.Approval
	var asker, decider string
	err := r.Scan((*text)(&a.ID), &a.Action, &a.CustomerID, &a.Target, &a.Body, &a.Summary, &a.State, &asker, (*moment)(&a.AskedAt),
		(*moment)(&a.ExpiresAt), &decider, (*moment)(&a.DecidedAt), &a.Note, (*moment)(&a.TriedAt), &a.Tries)
	a.AskedBy = record.ParseActor(asker)
	if decider != "" {
		a.DecidedBy = record.ParseActor(decider)
	}
	return a, err
}

// AddApproval writes what is asked for, which expires after ttl, and forgets what was asked for longer ago than keep says.
func (s approvals) AddApproval(ctx context.Context, a record.Approval, ttl, keep time.Duration) (added record.Approval, err error) {
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(deleteApprovals, keep)
		b.Queue(insertApproval, a.ID, a.Action, a.CustomerID, a.Target, a.Body, a.Summary, a.AskedBy.String(), ttl).Query(into(&added, scanApproval))
	})
	return added, wrap(err, "ask for approval of %s", a.Action)
}

const selectApprovals = selectApproval + `
	WHERE ($1 = '' OR id::text = $1) AND ($2 = '' OR customer_id = $2) AND (NOT $3 OR state = 'pending' AND expires_at > now())
		AND ($4 = '' OR (asked_at, id) < (SELECT l.asked_at, l.id FROM curfew.approvals l WHERE l.id::text = $4)) ORDER BY asked_at DESC, id DESC LIMIT $5`

// Approvals returns what was asked for and matches, newest first.
func (s approvals) Approvals(ctx context.Context, q record.ApprovalSearch) ([]record.Approval, error) {
	all, err := many(ctx, s.db, scanApproval, selectApprovals, q.ID, q.CustomerID, q.Pending, q.After, q.Limit)
	return all, wrap(err, "read the approvals")
}

const selectApprovalByID = selectApproval + ` WHERE id = $1`

// Approval returns the one with this id.
func (s approvals) Approval(ctx context.Context, id string) (record.Approval, error) {
	missing := curfew.Errorf(curfew.NotFound, "there is no such approval")
	if !isID(id) {
		return record.Approval{}, missing
	}
	a, err := one(ctx, s.db, scanApproval, selectApprovalByID, id)
	return a, wrap(orMissing(err, missing), "read approval %s", id)
}

const decideApproval = `UPDATE curfew.approvals SET state = $2, decided_by = $3, decided_at = now(), tried_at = now(), note = $4
	WHERE id = $1 AND state = 'pending' AND expires_at > now() AND asked_by <> $3 RETURNING ` + approvalColumns

// DecideApproval makes a pending one executing or rejected; Conflict if it is decided, has expired, or was asked for by the same person.
func (s approvals) DecideApproval(ctx context.Context, id string, to record.ApprovalState, by curfew.Actor, note string) (record.Approval, error) {
	a, err := one(ctx, s.db, scanApproval, decideApproval, id, to, by.String(), note)
	return a, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "approval %s has moved", id)), "decide approval %s", id)
}

const endApproval = `UPDATE curfew.approvals SET state = $2, note = $3 WHERE id = $1 AND state = 'executing' AND tries = $4 RETURNING ` + approvalColumns

// EndApproval says how an executing one ended: done or failed; Conflict if another process carries it out by now.
func (s approvals) EndApproval(ctx context.Context, a record.Approval, as record.ApprovalState, note string) (record.Approval, error) {
	ended, err := one(ctx, s.db, scanApproval, endApproval, a.ID, as, note, a.Tries)
	return ended, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "approval %s has moved", a.ID)), "end approval %s", a.ID)
}

const (
	// The process that carries out ends its try well before another may begin one.
	interrupted                = `state = 'executing' AND coalesce(tried_at, decided_at) < now() - `
	selectInterruptedApprovals = selectApproval + ` WHERE ` + interrupted + `$1::interval ORDER BY id LIMIT $2`
	resumeApproval             = `UPDATE curfew.approvals SET tried_at = now(), tries = tries + 1 WHERE id = $1 AND ` + interrupted + `$2::interval RETURNING ` +
		approvalColumns
)

// InterruptedApprovals returns those that nobody has carried out for longer than after, oldest first.
func (s approvals) InterruptedApprovals(ctx context.Context, after time.Duration, limit int) ([]record.Approval, error) {
	all, err := many(ctx, s.db, scanApproval, selectInterruptedApprovals, after, limit)
	return all, wrap(err, "look for interrupted approvals")
}

// ResumeApproval begins another try; Conflict if it is not interrupted.
func (s approvals) ResumeApproval(ctx context.Context, id string, after time.Duration) (record.Approval, error) {
	a, err := one(ctx, s.db, scanApproval, resumeApproval, id, after)
	return a, wrap(orMissing(err, curfew.Errorf(curfew.Conflict, "approval %s has moved", id)), "resume approval %s", id)
}
