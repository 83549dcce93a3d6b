package lifecycle

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
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
	CaptureFailing    Code = "capture_failing"
	PaymentsDisputed  Code = "payments_disputed"
	PaymentLost       Code = "payment_lost"
	PaymentDisagrees  Code = "payment_disagrees"
	BooksDiffer       Code = "books_differ"
	MessagesRefused   Code = "messages_refused"
	messagesUnusable  Code = "messages_unusable"
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
	auditLost         Code = "audit_lost"
	TalliesWrong      Code = "tallies_wrong"
	ClockSkew         Code = "clock_skew"
)

// Codes lists the codes, so that tests can check tables of codes for completeness.
func Codes() []Code {
	return []Code{
		Unreadable, NotWritable, AdmissionsFailing, SchemaLacking, VeryStaleSessions, StuckRows, CleanupFailed, SweeperSilent, KeysUnreachable, RowsInconsistent, MoneyUnsettled, RefundFailing, RefundsOverdue,
		CaptureFailing, PaymentsDisputed, PaymentLost, PaymentDisagrees, BooksDiffer, MessagesRefused, messagesUnusable, DeliveriesDying, DeliveriesOverdue, EndpointDisabled, StaleSessions, StaleRequests,
		OrphanedSessions, OverdueAssigned, OverdueLive, OverdueScheduled, LeakedSlots, BlockedRepeatedly, QueueUnwatched,
		GuardsMissing, auditLost, TalliesWrong, ClockSkew,
	}
}

// Finding is one problem, with a sentence for people.
type Finding struct {
	Code     Code
	Severity Severity
	Count    int // never 0
	// The rows that it is about, oldest first; nil if it is about none.
	Sessions  []string // session ids
	Customers []string // customer ids
	Payments  []string // references, or the checkout's id where there is none
	// Since is when it began; zero if that is unknown.
	Since   time.Time
	Problem string // one sentence
	Fix     string // a command to paste; empty: see the runbook of the code
	// Acknowledged is an operator's statement that this is known, or nil. It holds until
	// it ends, or the finding gets worse.
	Acknowledged *curfew.Acknowledgement
}

// findings lists the problems in what was read, most severe first.
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
	all = append(all, concernFindings(r)...)
	all = append(all, booksFinding(r), refusedFinding(r), unusableFinding(r))
	all = append(all, deliveryFindings(r)...)
	all = append(all, h.peopleFindings(r)...)
	all = append(all, h.systemFindings(r)...)
	all = append(all, keyFindings(r)...)
	all = append(all, auditFinding(r.AuditLost))
	all = append(all, rowFindings(r)...)
	all = append(all, adoptedFindings(r)...)
	all = slices.DeleteFunc(all, func(f Finding) bool { return f.Count == 0 })
	slices.SortStableFunc(all, func(a, b Finding) int {
		return rank(a) - rank(b)
	})
	return all
}

// rank orders findings by their code. Those of adopted tables have codes of their own, which
// come last within their severity.
func rank(f Finding) int {
	codes := Codes()
	if i := slices.Index(codes, f.Code); i >= 0 {
		return i
	}
	if f.Severity == Critical {
		return slices.Index(codes, MoneyUnsettled)
	}
	return len(codes)
}

// adoptedFindings reports the problems of the marketplace's own tables.
func adoptedFindings(r Report) []Finding {
	var all []Finding
	for _, f := range r.Adopted {
		severity := Warning
		if f.Critical {
			severity = Critical
		}
		all = append(all, Finding{
			Code: Code(f.Code), Severity: severity, Count: f.Count, Sessions: f.Sessions, Customers: f.Customers, Since: f.Since,
			Problem: f.Problem, Fix: f.Fix,
		})
	}
	return all
}

// stuckRows reports the rows in quarantine.
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

// of adds a customer to a finding, and when it began.
func (f Finding) of(customerID string, since time.Time) Finding {
	known := false
	for _, c := range f.Customers {
		known = known || c == customerID
	}
	if !known && customerID != curfew.Nobody {
		f.Customers = append(f.Customers, customerID)
	}
	if f.Since.IsZero() || since.Before(f.Since) {
		f.Since = since
	}
	return f
}
