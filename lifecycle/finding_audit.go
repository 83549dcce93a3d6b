package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// auditWindow is how long lost entries of the audit log are a finding.
const auditWindow = 24 * time.Hour

// readAudit adds the losses that this process could not record in the store yet.
func (h *Health) readAudit(ctx context.Context, r *Report) (err error) {
	r.AuditLost, err = h.store.AuditLost(ctx, auditWindow)
	if h.auditLost != nil {
		r.AuditLost.Count += h.auditLost()
	}
	return err
}

// auditFinding reports that the audit log is incomplete.
func auditFinding(lost record.AuditLosses) Finding {
	return Finding{
		Code: auditLost, Severity: Warning, Count: int(lost.Count), Since: lost.Since,
		Problem: fmt.Sprintf("the audit log lacks %s of the last day: the database did not take them in time", count(int(lost.Count), "thing")),
	}
}
