package sqlite

import (
	"context"
	"math"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// audit stores what staff did and looked at, as a chain.
type audit struct{ *db }

const (
	linkColumns = `number, batch, first_entry, last_entry, lost, at, hash`
	// The chain has a head once it has a link.
	selectHead = `
SELECT l.number, l.batch, l.first_entry, l.last_entry, l.lost, l.at, l.hash, EXISTS (SELECT 1 FROM audit_links w WHERE w.batch = $1)
FROM (SELECT 1) LEFT JOIN (SELECT * FROM audit_links ORDER BY number DESC LIMIT 1) l ON true`
)

func linkFields(l *record.AuditLink) []any {
	return []any{number(&l.Number), text(&l.Batch), number(&l.First), number(&l.Last), number(&l.Lost), moment(&l.At), text(&l.Hash)}
}

func scanAuditHead(r row) (record.AuditHead, error) {
	var h record.AuditHead
	err := r.Scan(append(linkFields(&h.AuditLink), flag(&h.Written))...)
	return h, err
}

// AuditHead returns the last link of the chain, and whether a batch is in it.
func (s audit) AuditHead(ctx context.Context, batch string) (record.AuditHead, error) {
	h, err := one(ctx, s.db, scanAuditHead, selectHead, batch)
	h.Now = s.now()
	return h, wrap(err, "read the head of the audit log")
}

const (
	insertAuditLink  = `INSERT INTO audit_links (` + linkColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertAuditEntry = `
INSERT INTO audit_entries (number, at, actor, action, via, status, request_id, commitment) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	insertAuditSubject = `INSERT INTO audit_subjects (number, subject, object, detail, salt) VALUES ($1, $2, $3, $4, $5)`
)

// Entries wait in memory before they are appended, so that their customer may have been erased meanwhile. Of one whose id was
// replaced nothing says what it was, but that no customer has it any more; whoever was looking at them just then is noted a
// little later. The entries before may have been appended beside the erasure.
const (
	lateEntries    = 1000
	eraseLateAudit = `
DELETE FROM audit_subjects WHERE number >= $1 AND subject <> '' AND EXISTS (
    SELECT 1 FROM audit_entries e, erasures x WHERE e.number = audit_subjects.number AND x.erased_at >= e.at - 60000000
    AND (x.erased_at >= e.at AND x.customer_id = audit_subjects.subject
        OR x.pseudonym <> '' AND NOT EXISTS (SELECT 1 FROM checkouts c WHERE c.customer_id = audit_subjects.subject)))`
)

// AppendAudit writes a link and its entries; Conflict if there is another link of that number.
func (s audit) AppendAudit(ctx context.Context, l record.AuditLink, entries []record.AuditEntry) error {
	err := s.write(ctx, func(ctx context.Context, tx *transaction) error {
		if _, err := tx.exec(ctx, insertAuditLink, l.Number, l.Batch, l.First, l.Last, l.Lost, micros(l.At), l.Hash); err != nil {
			return err
		}
		for _, e := range entries {
			if _, err := tx.exec(ctx, insertAuditEntry, e.Number, micros(e.At), e.Actor.String(), e.Action, e.Via, e.Status, e.RequestID,
				e.Commitment); err != nil {
				return err
			}
			if a := e.About; a.Salt != "" {
				if _, err := tx.exec(ctx, insertAuditSubject, e.Number, a.Customer, a.Object, a.Detail, a.Salt); err != nil {
					return err
				}
			}
		}
		_, err := tx.exec(ctx, eraseLateAudit, l.First-lateEntries)
		return err
	})
	return wrap(err, "append to the audit log")
}

const selectAuditLinks = `SELECT ` + linkColumns + ` FROM audit_links WHERE number > $1 ORDER BY number LIMIT $2`

// AuditLinks returns links in their order.
func (s audit) AuditLinks(ctx context.Context, after int64, limit int) ([]record.AuditLink, error) {
	all, err := many(ctx, s.db, func(r row) (l record.AuditLink, err error) {
		err = r.Scan(linkFields(&l)...)
		return l, err
	}, selectAuditLinks, after, limit)
	return all, wrap(err, "read the links of the audit log")
}

// An entry is not younger than its link. Links are numbered in almost the order of their times.
const (
	selectAudit = `
SELECT e.number, e.at, e.actor, e.action, e.via, e.status, e.request_id, e.commitment, s.subject, s.object, s.detail, s.salt
FROM audit_entries e LEFT JOIN audit_subjects s ON s.number = e.number
WHERE e.number > $1 AND e.number < $2 AND ($3 = '' OR e.actor = $3) AND ($4 = '' OR e.action = $4) AND ($5 = '' OR s.subject = $5)
AND ($6 IS NULL OR e.at >= $6 AND e.number >= coalesce(
    (SELECT l.first_entry FROM audit_links l WHERE l.at >= $6 - 60000000 ORDER BY l.at LIMIT 1), $2))`
	auditOf       = ` AND s.subject = $5 AND s.subject <> ''`
	auditBy       = ` AND e.actor = $3`
	auditDoing    = ` AND e.action = $4`
	oldestEntries = ` ORDER BY e.number LIMIT $7`
	newestEntries = ` ORDER BY e.number DESC LIMIT $7`
)

func scanAuditEntry(r row) (record.AuditEntry, error) {
	var e record.AuditEntry
	var actor string
	err := r.Scan(&e.Number, moment(&e.At), text(&actor), text(&e.Action), text(&e.Via), &e.Status, text(&e.RequestID), text(&e.Commitment),
		text(&e.About.Customer), text(&e.About.Object), text(&e.About.Detail), text(&e.About.Salt))
	e.Actor = record.ParseActor(actor)
	return e, err
}

// AuditEntries returns the entries that match.
func (s audit) AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error) {
	query, order := selectAudit, newestEntries
	switch {
	case q.Customer != "":
		query += auditOf
	case q.Actor != "":
		query += auditBy
	case q.Action != "":
		query += auditDoing
	}
	after, before := int64(0), q.After
	if before == 0 {
		before = math.MaxInt64
	}
	if q.Oldest {
		order, after, before = oldestEntries, q.After, math.MaxInt64
	}
	all, err := many(ctx, s.db, scanAuditEntry, query+order, after, before, q.Actor, q.Action, q.Customer, micros(q.Since), q.Limit)
	return all, wrap(err, "read the audit log")
}

const eraseAudit = `DELETE FROM audit_subjects WHERE subject = $1 AND subject <> ''`

// EraseAudit erases what entries say of a customer, and returns of how many.
func (s audit) EraseAudit(ctx context.Context, customerID string) (int, error) {
	n, err := s.exec(ctx, eraseAudit, customerID)
	return int(n), wrap(err, "erase %s from the audit log", customerID)
}

// The newest link that is so old stays, without its entries: the next one continues its hash.
const (
	selectAuditAnchor = `
SELECT o.number, o.last_entry FROM (
    SELECT l.number, l.last_entry FROM audit_links l WHERE l.number >= (SELECT min(number) FROM audit_links)
    AND l.number <= (SELECT min(number) FROM audit_links) + $2 AND l.at < $1
) o WHERE o.last_entry <= coalesce((SELECT min(number) FROM audit_entries) + $2, o.last_entry) ORDER BY o.number DESC LIMIT 1`
	pruneAuditSubjects = `DELETE FROM audit_subjects WHERE number <= $1`
	pruneAuditEntries  = `DELETE FROM audit_entries WHERE number <= $1`
	pruneAuditLinks    = `DELETE FROM audit_links WHERE number < $1`
)

// PruneAudit deletes entries whose link is older than keep, about limit at once, and returns how many.
func (s audit) PruneAudit(ctx context.Context, keep time.Duration, limit int) (pruned int, err error) {
	err = s.write(ctx, func(ctx context.Context, tx *transaction) error {
		pruned = 0
		anchors, err := many(ctx, tx, func(r row) (l record.AuditLink, err error) {
			err = r.Scan(&l.Number, &l.Last)
			return l, err
		}, selectAuditAnchor, ago(tx.now, keep), limit)
		if err != nil || len(anchors) == 0 {
			return err
		}
		if _, err := tx.exec(ctx, pruneAuditSubjects, anchors[0].Last); err != nil {
			return err
		}
		n, err := tx.exec(ctx, pruneAuditEntries, anchors[0].Last)
		if err != nil {
			return err
		}
		pruned = int(n)
		_, err = tx.exec(ctx, pruneAuditLinks, anchors[0].Number)
		return err
	})
	return pruned, wrap(err, "prune the audit log")
}

const countAuditLost = `SELECT coalesce(sum(lost), 0), min(at) FROM audit_links WHERE lost > 0 AND at > $1`

// AuditLost returns how many entries could not be written within a time.
func (s audit) AuditLost(ctx context.Context, within time.Duration) (record.AuditLosses, error) {
	lost, err := one(ctx, s.db, func(r row) (l record.AuditLosses, err error) {
		err = r.Scan(&l.Count, moment(&l.Since))
		return l, err
	}, countAuditLost, ago(s.now(), within))
	return lost, wrap(err, "count what the audit log has lost")
}
