package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
)

// Code names a kind of finding for programs.
type Code string

// The codes, most severe first.
const (
	Unreadable        Code = "unreadable"
	NotWritable       Code = "not_writable"
	AdmissionsFailing Code = "admissions_failing"
	SchemaLacking     Code = "schema_lacking"
	VeryStaleSessions Code = "very_stale_sessions"
	StuckRows         Code = "stuck_rows"
	CleanupFailed     Code = "cleanup_failed"
	SweeperSilent     Code = "sweeper_silent"
	KeysUnreachable   Code = "keys_unreachable"
	RowsInconsistent  Code = "rows_inconsistent"
	MoneyUnsettled    Code = "money_unsettled"
	RefundFailing     Code = "refund_failing"
	RefundsOverdue    Code = "refunds_overdue"
	PaymentsDisputed  Code = "payments_disputed"
	DeliveriesDying   Code = "deliveries_dying"
	DeliveriesOverdue Code = "deliveries_overdue"
	EndpointDisabled  Code = "endpoint_disabled"
	StaleSessions     Code = "stale_sessions"
	StaleRequests     Code = "stale_requests"
	OrphanedSessions  Code = "orphaned_sessions"
	OverdueAssigned   Code = "overdue_assigned"
	OverdueLive       Code = "overdue_live"
	OverdueScheduled  Code = "overdue_scheduled"
	LeakedSlots       Code = "leaked_slots"
	BlockedRepeatedly Code = "blocked_repeatedly"
	QueueUnwatched    Code = "queue_unwatched"
	GuardsMissing     Code = "guards_missing"
	TalliesWrong      Code = "tallies_wrong"
	ClockSkew         Code = "clock_skew"
)

// Codes lists the codes, so that tables over them can be proven complete.
func Codes() []Code {
	return []Code{
		Unreadable, NotWritable, AdmissionsFailing, SchemaLacking, VeryStaleSessions, StuckRows, CleanupFailed, SweeperSilent, KeysUnreachable, RowsInconsistent, MoneyUnsettled, RefundFailing, RefundsOverdue,
		PaymentsDisputed, DeliveriesDying, DeliveriesOverdue, EndpointDisabled, StaleSessions, StaleRequests,
		OrphanedSessions, OverdueAssigned, OverdueLive, OverdueScheduled, LeakedSlots, BlockedRepeatedly, QueueUnwatched,
		GuardsMissing, TalliesWrong, ClockSkew,
	}
}

// Finding is one thing that is wrong, with its sentence for people.
type Finding struct {
	Code     Code
	Severity Severity
	Count    int // never 0
	// Whom it is about, the oldest first; nil where it is about none.
	Sessions  []string // session ids
	Customers []string // customer ids
	Payments  []string // references, or the checkout's id where there is none
	// Since is when the oldest of it went wrong; zero: nobody knows.
	Since   time.Time
	Problem string // one sentence
	// Acknowledged is the operator's word that this is known; nil: nobody's. It
	// holds until it ends, or the finding gets worse.
	Acknowledged *curfew.Acknowledgement
}

// findings says what is wrong with what was read.
func (h *Health) findings(r Report, failed []string) []Finding {
	var all []Finding
	if len(failed) > 0 {
		all = append(all, Finding{
			Code: Unreadable, Severity: Critical, Count: len(failed),
			Problem: "could not be read: " + strings.Join(failed, ", "),
		})
	}
	all = append(all, h.writeFindings(r)...)
	all = append(all, h.sessionFindings(r)...)
	all = append(all, stuckRows(r))
	all = append(all, h.moneyFindings(r)...)
	all = append(all, deliveryFindings(r)...)
	all = append(all, h.peopleFindings(r)...)
	all = append(all, h.systemFindings(r)...)
	all = append(all, keyFindings(r)...)
	all = append(all, rowFindings(r)...)
	all = slices.DeleteFunc(all, func(f Finding) bool { return f.Count == 0 })
	slices.SortStableFunc(all, func(a, b Finding) int {
		return slices.Index(Codes(), a.Code) - slices.Index(Codes(), b.Code)
	})
	return all
}

func (h *Health) sessionFindings(r Report) []Finding {
	var all []Finding
	d := r.details()
	if s := r.Sessions; s != nil {
		all = append(all,
			Finding{
				Code: VeryStaleSessions, Severity: Critical, Count: s.VeryStale,
				Problem: fmt.Sprintf("%s older than %s (CRITICAL!)", count(s.VeryStale, "waiting session"), Span(h.rules.policy.VeryStaleAfter)),
			}.about(olderThan(d.Stale, h.rules.policy.VeryStaleAfter), deadlineOf),
			Finding{
				Code: StaleSessions, Severity: Warning, Count: s.Stale,
				Problem: fmt.Sprintf("%s past the deadline and not ended", count(s.Stale, "waiting session")),
			}.about(d.Stale, deadlineOf),
			Finding{
				Code: OrphanedSessions, Severity: Warning, Count: s.Orphaned,
				Problem: fmt.Sprintf("%s offered to no mechanic", count(s.Orphaned, "waiting session")),
			}.about(d.Orphans, created),
			Finding{
				Code: OverdueAssigned, Severity: Warning, Count: s.OverdueAssigned,
				Problem: fmt.Sprintf("%s accepted and never joined in time", count(s.OverdueAssigned, "session")),
			}.about(d.OverdueAssigned, deadlineOf),
			Finding{
				Code: OverdueLive, Severity: Warning, Count: s.OverdueLive,
				Problem: fmt.Sprintf("%s live beyond what was bought and the grace", count(s.OverdueLive, "session")),
			}.about(d.OverdueLive, deadlineOf),
			Finding{
				Code: OverdueScheduled, Severity: Warning, Count: s.OverdueScheduled,
				Problem: fmt.Sprintf("%s past the start and not begun", count(s.OverdueScheduled, "appointment")),
			}.about(d.OverdueScheduled, deadlineOf))
	}
	if q := r.Requests; q != nil {
		all = append(all, Finding{
			Code: StaleRequests, Severity: Warning, Count: q.Stale,
			Problem: fmt.Sprintf("%s pending past the deadline", count(q.Stale, "request")),
		}.about(d.Stale, deadlineOf))
	}
	return all
}

// details is what could be read of them.
func (r Report) details() curfew.HealthDetails {
	if r.Details == nil {
		return curfew.HealthDetails{}
	}
	return *r.Details
}

func deadlineOf(s curfew.Snapshot) time.Time { return s.ExpiresAt }

func created(s curfew.Snapshot) time.Time { return s.CreatedAt }

func olderThan(sessions []curfew.Snapshot, age time.Duration) []curfew.Snapshot {
	return slices.DeleteFunc(slices.Clone(sessions), func(s curfew.Snapshot) bool { return s.Age() <= age })
}

// stuckRows names what could not be settled and is set apart.
func stuckRows(r Report) Finding {
	f := Finding{Code: StuckRows, Severity: Critical, Count: len(r.Apart)}
	if f.Count == 0 {
		return f
	}
	for _, q := range r.Apart[:min(maxDetails, len(r.Apart))] {
		switch q.Noun {
		case curfew.QuarantinedSession:
			f.Sessions = append(f.Sessions, q.ID)
		case curfew.QuarantinedPayment:
			f.Payments = append(f.Payments, q.ID)
		}
		f = f.of(q.CustomerID, q.Since)
	}
	first := r.Apart[0]
	f.Problem = fmt.Sprintf("%s cannot be settled and %s set apart, the first one %s %s of customer %s (step %s, tried %s): %s",
		count(f.Count, "row"), isAre(f.Count), first.Noun, first.ID, first.CustomerID, first.Step, count(int(first.Tries), "time"), first.LastError)
	return f
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (h *Health) moneyFindings(r Report) []Finding {
	if r.Checkouts == nil {
		return nil
	}
	c := r.Checkouts
	n := c.MoneyDue + c.ByOutcome[curfew.Held]
	if !h.rules.asksProvider {
		n += c.ByOutcome[curfew.RefundDue] // nobody but an operator gives it back
	}
	byHand := func(c curfew.Checkout) bool {
		return c.MoneyDue || c.Outcome == curfew.Held || !h.rules.asksProvider && c.Outcome == curfew.RefundDue
	}
	failing := func(c curfew.Checkout) bool { return refundOpen(c) && c.Attempts >= record.RefundTries }
	overdue := func(c curfew.Checkout) bool {
		return refundOpen(c) && r.Timestamp.Sub(refundAsked(c)) > record.RefundsLate
	}
	return []Finding{
		Finding{
			Code: MoneyUnsettled, Severity: Critical, Count: n,
			Problem: fmt.Sprintf("%s held or due, the oldest for %s", count(n, "payment"), Span(c.OldestUnsettled)),
		}.naming(r.Payments, byHand, recorded),
		Finding{
			Code: RefundFailing, Severity: Critical, Count: c.Failing,
			Problem: fmt.Sprintf("%s asked for %d times or more and not given back", count(c.Failing, "refund"), record.RefundTries),
		}.naming(r.Payments, failing, refundAsked),
		Finding{
			Code: RefundsOverdue, Severity: Critical, Count: c.Overdue,
			Problem: fmt.Sprintf("%s due for more than %s", count(c.Overdue, "refund"), Span(record.RefundsLate)),
		}.naming(r.Payments, overdue, refundAsked),
		{
			Code: PaymentsDisputed, Severity: Warning, Count: c.Disputed,
			Problem: fmt.Sprintf("%s disputed by the customer's bank within %s", count(c.Disputed, "payment"), Span(record.DisputeWindow)),
		},
	}
}

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

// unwatched reports whether requests have waited for long and nobody looks: no
// mechanic has a stream, and none has read the queue.
func (r Report) unwatched() bool {
	q, p := r.Requests, r.Heartbeats
	return q != nil && p != nil && q.OldestPending > unwatched && p.Connected == 0 && p.Now.Sub(p.QueueRead) > unwatched
}

func (h *Health) systemFindings(r Report) []Finding {
	all := []Finding{{
		Code: GuardsMissing, Severity: Warning, Count: len(r.Guards),
		Problem: fmt.Sprintf("%s missing in the database: %s", count(len(r.Guards), "guard"), strings.Join(r.Guards, ", ")),
	}}
	if r.Lacking != "" {
		all = append(all, Finding{Code: SchemaLacking, Severity: Critical, Count: 1, Problem: r.Lacking})
	}
	if r.Heartbeats == nil {
		return all
	}
	if last := r.Heartbeats.LastRun; last != nil && last.Outcome == curfew.RunFailed && (last.Stats.SetApart == 0 || !background(last.Trigger)) {
		all = append(all, Finding{
			Code: CleanupFailed, Severity: Critical, Count: 1, Since: last.StartedAt,
			Problem: fmt.Sprintf("the last cleanup (%s) failed: its run %s says who began it, and why it failed", last.Trigger, last.ID),
		})
	}
	if h.sweeps && !r.SweeperAlive() && !h.young(r) {
		all = append(all, Finding{Code: SweeperSilent, Severity: Critical, Count: 1, Since: r.Heartbeats.Sweep, Problem: sweeperSilent(*r.Heartbeats)})
	}
	if r.ClockOff > ClockTolerance {
		all = append(all, Finding{
			Code: ClockSkew, Severity: Warning, Count: 1,
			Problem: fmt.Sprintf("this machine's clock is %s off the database's", Span(r.ClockOff)),
		})
	}
	return all
}

// young: a process that has just started has not had the time to sweep, and an
// empty database has nothing to sweep.
func (h *Health) young(r Report) bool {
	if r.Sessions == nil {
		return false
	}
	total := 0
	for _, n := range r.Sessions.ByStatus {
		total += n
	}
	return total == 0 && r.Heartbeats.Sweep.IsZero()
}

func sweeperSilent(p curfew.Heartbeats) string {
	if p.Sweep.IsZero() {
		return "the sweeper has never run"
	}
	return fmt.Sprintf("the sweeper has been silent for %s", Span(p.Now.Sub(p.Sweep)))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Span is a duration for people: «31 minutes», «2 hours», «40 seconds».
func Span(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return count(int(d/time.Second), "second")
	case d < 2*time.Hour:
		return count(int(d/time.Minute), "minute")
	case d < 48*time.Hour:
		return count(int(d/time.Hour), "hour")
	}
	return count(int(d/(24*time.Hour)), "day")
}
