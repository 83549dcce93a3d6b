package server

import (
	"net/url"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// fixes is what to call about each kind of finding: a line that can be pasted.
var fixes = map[lifecycle.Code]func(lifecycle.Report, string) string{
	lifecycle.Unreadable:        command("curfew preflight"),
	lifecycle.NotWritable:       command("curfew preflight"),
	lifecycle.AdmissionsFailing: command("curfew preflight"),
	lifecycle.SchemaLacking:     command("curfew preflight"),
	lifecycle.VeryStaleSessions: clean(""),
	lifecycle.CleanupFailed:     clean(""),
	lifecycle.SweeperSilent:     clean(""),
	lifecycle.KeysUnreachable:   command("curfew preflight"),
	lifecycle.MoneyUnsettled:    command("curfew checkouts list"),
	lifecycle.RefundFailing:     command("curfew checkouts list --outcome refunding --outcome refund_due"),
	lifecycle.RefundsOverdue:    command("curfew checkouts list --outcome refunding --outcome refund_due"),
	lifecycle.PaymentsDisputed:  command("curfew checkouts list --disputed"),
	lifecycle.DeliveriesDying:   command("curfew deliveries list --state dead"),
	lifecycle.DeliveriesOverdue: command("curfew deliveries list --state pending"),
	lifecycle.EndpointDisabled:  command("curfew webhooks list"),
	lifecycle.StaleSessions:     clean(curfew.OldWaiting),
	lifecycle.StaleRequests:     clean(curfew.ExpiredRequests),
	lifecycle.OrphanedSessions:  clean(curfew.Orphans),
	lifecycle.OverdueAssigned:   clean(curfew.NoShows),
	lifecycle.OverdueLive:       clean(curfew.Overruns),
	lifecycle.OverdueScheduled:  clean(curfew.Due),
	// A leaked slot heals at its mechanic's next accept; guards keep other
	// programs from leaving more.
	lifecycle.LeakedSlots:       command("curfew migrate --guards=on"),
	lifecycle.BlockedRepeatedly: whyBlocked,
	lifecycle.QueueUnwatched:    look("/api/mechanics/requests"),
	lifecycle.GuardsMissing:     command("curfew migrate --guards=on"),
	lifecycle.TalliesWrong:      command("curfew migrate --repair"),
	lifecycle.RowsInconsistent:  command("curfew migrate --repair"),
	lifecycle.ClockSkew:         command("timedatectl set-ntp true"),
}

// fix is the line for one finding.
func fix(f lifecycle.Finding, r lifecycle.Report, baseURL string) string {
	return fixes[f.Code](r, baseURL)
}

func command(line string) func(lifecycle.Report, string) string {
	return func(lifecycle.Report, string) string { return line }
}

// clean is the cleanup of one rule, or of all. A call with the rule in its body
// could not be pasted from JSON: both have double quotes.
func clean(rule curfew.RuleName) func(lifecycle.Report, string) string {
	if rule != "" {
		return command("curfew cleanup --rule " + string(rule))
	}
	return func(_ lifecycle.Report, baseURL string) string {
		return "curl -X POST " + quoted(baseURL+"/api/debug/cleanup-sessions") + " " + bearer(curfew.Admin)
	}
}

func look(path string) func(lifecycle.Report, string) string {
	return func(_ lifecycle.Report, baseURL string) string {
		return "curl " + quoted(baseURL+path) + " " + bearer(curfew.Admin)
	}
}

// whyBlocked asks what stands in the way of the first of those customers.
func whyBlocked(r lifecycle.Report, baseURL string) string {
	if len(r.Repeated) == 0 {
		return look("/api/debug/session-health")(r, baseURL)
	}
	return look("/api/customers/"+url.PathEscape(r.Repeated[0].CustomerID)+"/session-status")(r, baseURL)
}
