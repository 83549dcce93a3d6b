package postgres

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew/internal/record"
)

// audit stores what staff did and looked at, as a chain.
type audit struct{ *db }

const (
	linkColumns = `number, batch, first_entry, last_entry, lost, at, hash`
	// The chain has a head once it has a link.
	selectHead = `SELECT l.number, l.batch, l.first_entry, l.last_entry, l.lost, l.at, l.hash, clock_timestamp(), EXISTS (SELECT FROM curfew.audit_links w WHERE w.batch = $1::uuid)
		FROM (SELECT 1) always LEFT JOIN (SELECT * FROM curfew.audit_links ORDER BY number DESC LIMIT 1) l ON true`
)

func linkFields(l *record.AuditLink) []any {
	return []any{
		(*number)(&l.Number), (*text)(&l.Batch), (*number)(&l.First), (*number)(&l.Last), (*number)(&l.Lost), (*moment)(&l.At), (*text)(&l.Hash),
	}
}

func scanAuditHead(r row) (record.AuditHead, error) {
	var h record.AuditHead
	err := r.Scan(append(linkFields(&h.AuditLink), (*moment)(&h.Now), &h.Written)...)
	return h, err
}

// AuditHead returns the last link of the chain, and whether a batch is in it.
func (s audit) AuditHead(ctx context.Context, batch string) (record.AuditHead, error) {
	h, err := one(ctx, s.db, scanAuditHead, selectHead, batch)
	return h, wrap(err, "read the head of the audit log")
}

const insertAuditLink = `INSERT INTO curfew.audit_links (` + linkColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7)`

var (
	insertAuditEntry = &insert{
		table: "audit_entries", columns: []string{"number", "at", "actor", "action", "via", "status", "request_id", "commitment"},
	}
	insertAuditSubject = &insert{table: "audit_subjects", columns: []string{"number", "subject", "object", "detail", "salt"}}
)

// Entries wait in memory before they are appended, so that their customer may have been erased meanwhile. Of one whose id was
// replaced nothing says what it was, but that no customer has it any more; whoever was looking at them just then is noted a
// little later. The entries before may have been appended beside the erasure.
const (
	lateEntries    = 1000
	eraseLateAudit = `DELETE FROM curfew.audit_subjects s WHERE s.number >= $1 AND s.subject <> '' AND EXISTS (
		SELECT FROM curfew.audit_entries e, curfew.erasures x WHERE e.number = s.number AND e.number >= $1 AND x.erased_at >= e.at - interval '1 minute'
			AND (x.erased_at >= e.at AND x.customer_id = s.subject
				OR x.pseudonym <> '' AND NOT EXISTS (SELECT FROM curfew.checkouts c WHERE c.customer_id = s.subject)))`
)

// AppendAudit writes a link and its entries; Conflict if there is another link of that number.
func (s audit) AppendAudit(ctx context.Context, l record.AuditLink, entries []record.AuditEntry) error {
	var rows, subjects [][]any
	for _, e := range entries {
		rows = append(rows, []any{e.Number, e.At, e.Actor.String(), e.Action, e.Via, e.Status, e.RequestID, e.Commitment})
		if a := e.About; a.Salt != "" {
			subjects = append(subjects, []any{e.Number, a.Customer, a.Object, a.Detail, a.Salt})
		}
	}
	err := s.tx(ctx, func(t *transaction) error {
		if err := t.send(ctx, func(b *pgx.Batch) {
			b.Queue(insertAuditLink, l.Number, l.Batch, l.First, l.Last, l.Lost, l.At, l.Hash)
		}); err != nil {
			return err
		}
		return t.last(ctx, func(b *pgx.Batch) {
			queueRows(b, insertAuditEntry, rows)
			queueRows(b, insertAuditSubject, subjects)
			b.Queue(eraseLateAudit, l.First-lateEntries)
		})
	})
	return wrap(err, "append to the audit log")
}

const selectAuditLinks = `SELECT ` + linkColumns + ` FROM curfew.audit_links WHERE number > $1 ORDER BY number LIMIT $2`

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
	selectAudit = `SELECT e.number, e.at, e.actor, e.action, e.via, e.status, e.request_id, e.commitment,
			s.subject, s.object, s.detail, s.salt
		FROM curfew.audit_entries e LEFT JOIN curfew.audit_subjects s ON s.number = e.number
		WHERE e.number > $1 AND e.number < $2 AND ($3 = '' OR e.actor = $3) AND ($4 = '' OR e.action = $4) AND ($5 = '' OR s.subject = $5)
			AND ($6::timestamptz IS NULL OR e.at >= $6 AND e.number >= coalesce(
				(SELECT l.first_entry FROM curfew.audit_links l WHERE l.at >= $6 - interval '1 minute' ORDER BY l.at LIMIT 1), $2))`
	auditOf       = ` AND s.subject = $5 AND s.subject <> ''`
	auditBy       = ` AND e.actor = $3`
	auditDoing    = ` AND e.action = $4`
	oldestEntries = ` ORDER BY e.number LIMIT $7`
	newestEntries = ` ORDER BY e.number DESC LIMIT $7`
)

func scanAuditEntry(r row) (record.AuditEntry, error) {
	var e record.AuditEntry
	var actor string
	err := r.Scan(&e.Number, (*moment)(&e.At), &actor, &e.Action, &e.Via, &e.Status, &e.RequestID, &e.Commitment,
		(*text)(&e.About.Customer), (*text)(&e.About.Object), (*text)(&e.About.Detail), (*text)(&e.About.Salt))
	e.Actor = record.ParseActor(actor)
	return e, err
}

// AuditEntries returns the entries that match.
func (s audit) AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error) {
	sql, order := selectAudit, newestEntries
	switch {
	case q.Customer != "":
		sql += auditOf
	case q.Actor != "":
		sql += auditBy
	case q.Action != "":
		sql += auditDoing
	}
	after, before := int64(0), q.After
	if before == 0 {
		before = math.MaxInt64
	}
	if q.Oldest {
		order, after, before = oldestEntries, q.After, math.MaxInt64
	}
	all, err := many(ctx, s.db, scanAuditEntry, sql+order, after, before, q.Actor, q.Action, q.Customer, null(q.Since), q.Limit)
	return all, wrap(err, "read the audit log")
}

const eraseAudit = `DELETE FROM curfew.audit_subjects WHERE subject = $1 AND subject <> ''`

// EraseAudit erases what entries say of a customer, and returns of how many.
func (s audit) EraseAudit(ctx context.Context, customerID string) (int, error) {
	n, err := s.exec(ctx, eraseAudit, customerID)
	return int(n), wrap(err, "erase %s from the audit log", customerID)
}

// The newest link that is so old stays, without its entries: the next one continues its hash.
const (
	selectAuditAnchor = `SELECT o.number, o.last_entry FROM (
			SELECT l.number, l.last_entry FROM curfew.audit_links l WHERE l.number >= (SELECT min(number) FROM curfew.audit_links)
				AND l.number <= (SELECT min(number) FROM curfew.audit_links) + $2::bigint AND l.at < now() - $1::interval
		) o WHERE o.last_entry <= coalesce((SELECT min(number) FROM curfew.audit_entries) + $2::bigint, o.last_entry) ORDER BY o.number DESC LIMIT 1`
	pruneAuditSubjects = `DELETE FROM curfew.audit_subjects WHERE number <= $1`
	pruneAuditEntries  = `DELETE FROM curfew.audit_entries WHERE number <= $1`
	pruneAuditLinks    = `DELETE FROM curfew.audit_links WHERE number < $1`
)

// PruneAudit deletes entries whose link is older than keep, about limit at once, and returns how many.
func (s audit) PruneAudit(ctx context.Context, keep time.Duration, limit int) (pruned int, err error) {
	anchors, err := many(ctx, s.db, func(r row) (l record.AuditLink, err error) {
		err = r.Scan(&l.Number, &l.Last)
		return l, err
	}, selectAuditAnchor, keep, limit)
	if err != nil || len(anchors) == 0 {
		return 0, wrap(err, "look for entries to prune")
	}
	err = s.send(ctx, func(b *pgx.Batch) {
		b.Queue(pruneAuditSubjects, anchors[0].Last)
		b.Queue(pruneAuditEntries, anchors[0].Last).Exec(func(tag pgconn.CommandTag) error { pruned = int(tag.RowsAffected()); return nil })
		b.Queue(pruneAuditLinks, anchors[0].Number)
	})
	return pruned, wrap(err, "prune the audit log")
}

const countAuditLost = `SELECT coalesce(sum(lost), 0)::bigint, min(at) FROM curfew.audit_links WHERE lost > 0 AND at > now() - $1::interval`

// AuditLost returns how many entries could not be written within a time.
func (s audit) AuditLost(ctx context.Context, within time.Duration) (record.AuditLosses, error) {
	lost, err := one(ctx, s.db, func(r row) (l record.AuditLosses, err error) {
		err = r.Scan(&l.Count, (*moment)(&l.Since))
		return l, err
	}, countAuditLost, within)
	return lost, wrap(err, "count what the audit log has lost")
}
