package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// auditWindow is for how long entries that the audit log has lost are a finding.
const auditWindow = 24 * time.Hour

// readAudit adds what this process has lost and could not write that it did.
func (h *Health) readAudit(ctx context.Context, r *Report) (err error) {
	r.AuditLost, err = h.store.AuditLost(ctx, auditWindow)
	if h.auditLost != nil {
		r.AuditLost.Count += h.auditLost()
	}
	return err
}

// auditFinding says that the audit log is not whole.
func auditFinding(lost record.AuditLosses) Finding {
	return Finding{
		Code: auditLost, Severity: Warning, Count: int(lost.Count), Since: lost.Since,
		Problem: fmt.Sprintf("the audit log lacks %s of the last day: the database did not take them in time", count(int(lost.Count), "thing")),
	}
}
