package lifecycle

import (
	"fmt"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func deliveryFindings(r Report) []Finding {
	if r.Deliveries == nil {
		return nil
	}
	d := r.Deliveries
	return []Finding{
		{
			Code: DeliveriesDying, Severity: Critical, Count: d.Dying,
			Problem: fmt.Sprintf("%s given up within %s: nobody was told", deliveries(d.Dying), Span(record.DyingWindow)),
		},
		{
			Code: DeliveriesOverdue, Severity: Warning, Count: d.Overdue,
			Problem: fmt.Sprintf("%s due for more than %s", deliveries(d.Overdue), Span(record.DeliveriesLate)),
		},
		{
			Code: EndpointDisabled, Severity: Warning, Count: d.Disabled,
			Problem: fmt.Sprintf("%s disabled because of what it answered", count(d.Disabled, "webhook endpoint")),
		},
	}
}

func deliveries(n int) string {
	if n == 1 {
		return "1 delivery"
	}
	return fmt.Sprintf("%d deliveries", n)
}

func (h *Health) peopleFindings(r Report) []Finding {
	all := []Finding{{
		Code: BlockedRepeatedly, Severity: Warning, Count: len(r.Repeated),
		Problem: fmt.Sprintf("%s refused %d times or more in %s", count(len(r.Repeated), "customer"),
			h.rules.policy.BlockedRepeatedly, Span(h.rules.policy.BlockedWindow)),
	}}
	for _, who := range r.Repeated[:min(maxDetails, len(r.Repeated))] {
		all[0].Customers = append(all[0].Customers, who.CustomerID)
	}
	if m := r.Mechanics; m != nil {
		all = append(all, Finding{
			Code: LeakedSlots, Severity: Warning, Count: m.Leaked,
			Problem: fmt.Sprintf("%s without an open session of the mechanic's", count(m.Leaked, "slot")),
		})
	}
	if r.unwatched() {
		n := r.Requests.ByStatus[curfew.Pending]
		all = append(all, Finding{
			Code: QueueUnwatched, Severity: Warning, Count: n, Since: r.Heartbeats.Now.Add(-r.Requests.OldestPending),
			Problem: fmt.Sprintf("%s waiting while no mechanic is connected and nobody has read the queue for %s", count(n, "request"), Span(unwatched)),
		})
	}
	return all
}

// unwatched reports whether requests have waited for too long while no mechanic had a
// live stream or read the queue.
func (r Report) unwatched() bool {
	q, p := r.Requests, r.Heartbeats
	return q != nil && p != nil && q.OldestPending > unwatched && p.Connected == 0 && p.Now.Sub(p.QueueRead) > unwatched
}
