// Package audit keeps a log of what staff did and looked at: a chain of hashes in which nothing can be changed or left out
// unnoticed. Nobody waits for it. What is noted goes into a buffer, and each process writes its own from there, as further
// links of the one chain.
//
// The package refuses to know which calls are worth an entry: whoever handles them says so.
package audit

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// Store stores the log.
type Store interface {
	// AuditHead returns the last link of the chain, and whether a batch is in it.
	AuditHead(ctx context.Context, batch string) (record.AuditHead, error)
	// AppendAudit writes a link and its entries. Conflict if there is another link of that number.
	AppendAudit(ctx context.Context, l record.AuditLink, entries []record.AuditEntry) error
	// AuditLinks returns links in their order.
	AuditLinks(ctx context.Context, after int64, limit int) ([]record.AuditLink, error)
	// AuditEntries returns the entries that match.
	AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error)
	// EraseAudit erases what entries say of a customer, and returns of how many. The chain stays whole.
	EraseAudit(ctx context.Context, customerID string) (int, error)
	// PruneAudit deletes entries whose link is older than keep, about limit at once, and returns how many. The newest such
	// link stays without its entries, as the anchor of those behind it.
	PruneAudit(ctx context.Context, keep time.Duration, limit int) (int, error)
}
