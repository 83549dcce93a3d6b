// Package audit keeps a log of what staff did and looked at: a chain of hashes in which nothing can be changed or left out
// unnoticed. No call waits for it: entries go into a buffer, from which each process appends its own links to the one
// chain.
//
// The package does not know which calls are worth an entry: their handlers decide that.
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
	// EraseAudit erases what entries say about a customer, and returns the number of entries. The chain
	// still verifies.
	EraseAudit(ctx context.Context, customerID string) (int, error)
	// PruneAudit deletes entries whose link is older than keep, about limit at once, and returns how many. The newest such
	// link stays without its entries, as the anchor of the following ones.
	PruneAudit(ctx context.Context, keep time.Duration, limit int) (int, error)
}
