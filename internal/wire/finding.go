package wire

import (
	"net/url"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// fixes has a command for each kind of finding that can be pasted into a shell.
var fixes = map[lifecycle.Code]func(lifecycle.Report, string) string{
	lifecycle.Unreadable:        command("curfew preflight", "it says what cannot be read, and why"),
	lifecycle.NotWritable:       command("curfew preflight", "it says why nothing can be written: mend that, and it goes by itself"),
	lifecycle.AdmissionsFailing: command("curfew preflight", "the log says why they failed: mend that, and it goes by itself"),
	lifecycle.SchemaLacking:     command("curfew preflight", "put back what it names, or restore a backup"),
	lifecycle.VeryStaleSessions: clean(),
	lifecycle.StuckRows:         cleanOnce("the cause is gone: docs/runbooks/problems.md, stuck rows"),
	lifecycle.CleanupFailed:     clean(),
	lifecycle.SweeperSilent:     silent,
	lifecycle.KeysUnreachable:   command("curfew preflight", ""),
	lifecycle.MoneyUnsettled:    unsettled,
	lifecycle.RefundFailing:     command(dueRefunds, "mend what the note says; what a bank refused is paid in another way, and then: "+closeRefund),
	lifecycle.RefundsOverdue:    command(dueRefunds, "start a service with stripe.api_key, or give it back by hand and: "+closeRefund),
	lifecycle.PaymentsDisputed: command("curfew checkouts list --disputed",
		"answer at the provider, then: curfew acknowledge payments_disputed --for 168h --reason answered"),
	lifecycle.CaptureFailing: captures,
	lifecycle.PaymentLost: command("curfew checkouts list --concern payment_lost",
		"ask the customer, or write it off; it goes in a week, or: curfew acknowledge payment_lost --for 168h --reason booked"),
	lifecycle.PaymentDisagrees: command("curfew checkouts list --concern payment_disagrees",
		"see which is right; it goes in a week, or: curfew acknowledge payment_disagrees --for 168h --reason compared"),
	lifecycle.BooksDiffer: command("curfew reconcile --kept",
		"do what each line says: it goes once the books agree, or: curfew acknowledge books_differ --for 168h --reason known"),
	lifecycle.MessagesRefused: command("curfew preflight",
		"mend what the finding says: the signing secret, a proxy, a clock; it goes an hour after the last one"),
	"messages_unusable": command("curfew preflight",
		"the log says what is wrong with each: mend the program that sends them, and send them again; it goes in a week, or: curfew acknowledge messages_unusable --for 168h --reason seen"),
	lifecycle.DeliveriesDying:   command("curfew deliveries list --state dead", "mend the receiver, then: curfew deliveries replay ID"),
	lifecycle.DeliveriesOverdue: command("curfew deliveries list --state pending", "the receiver does not answer, or no service runs"),
	lifecycle.EndpointDisabled:  command("curfew webhooks list", "mend the receiver, then: curfew webhooks enable ID"),
	lifecycle.StaleSessions:     clean(curfew.OldWaiting),
	lifecycle.StaleRequests:     clean(curfew.ExpiredRequests),
	lifecycle.OrphanedSessions:  clean(curfew.Orphans),
	lifecycle.OverdueAssigned:   clean(curfew.Forgotten, curfew.Absences, curfew.NoShows),
	lifecycle.OverdueLive:       clean(curfew.Overruns),
	lifecycle.OverdueScheduled:  clean(curfew.Due, curfew.Misses),
	lifecycle.LeakedSlots:       clean(),
	lifecycle.BlockedRepeatedly: whyBlocked,
	lifecycle.QueueUnwatched:    noted(look("/api/mechanics/requests"), "it goes when a mechanic looks"),
	lifecycle.GuardsMissing:     command("curfew migrate --guards=on", ""),
	lifecycle.TalliesWrong:      command("curfew migrate --repair", ""),
	lifecycle.RowsInconsistent: command("curfew migrate --repair",
		"it lists the rows that it cannot mend: docs/runbooks/rows-inconsistent.md says what to do with each"),
	"audit_lost": command("curfew audit list",
		"see what was written before and behind it: what is missing cannot be brought back; it goes in a day, or: curfew acknowledge audit_lost --for 24h --reason seen"),
	lifecycle.ClockSkew: command("timedatectl set-ntp true", ""),
}

// fix returns the command for one finding.
func fix(f lifecycle.Finding, r lifecycle.Report, baseURL string) string {
	if f.Fix != "" {
		return f.Fix
	}
	if fixes[f.Code] == nil {
		return "curfew preflight"
	}
	return fixes[f.Code](r, baseURL)
}

const (
	dueRefunds  = "curfew checkouts list --outcome refunding --outcome refund_due"
	closeRefund = "curfew checkouts refund REF --by-hand --reason TEXT"
)

// command returns a command, followed by what is left to do as a shell comment.
func command(line, then string) func(lifecycle.Report, string) string {
	return noted(func(lifecycle.Report, string) string { return line }, then)
}

// noted adds what is left to do to a command, as a shell comment.
func noted(line func(lifecycle.Report, string) string, then string) func(lifecycle.Report, string) string {
	return func(r lifecycle.Report, baseURL string) string {
		if then == "" {
			return line(r, baseURL)
		}
		return line(r, baseURL) + "  # " + then
	}
}

// clean runs the cleanup with some rules, or with all. It does not name the rules in a curl body: the double quotes
// could not be pasted from JSON.
func clean(rules ...curfew.RuleName) func(lifecycle.Report, string) string {
	line := "curfew cleanup"
	for _, rule := range rules {
		line += " --rule " + string(rule)
	}
	if len(rules) > 0 {
		return command(line, "")
	}
	return func(_ lifecycle.Report, baseURL string) string {
		return "curl -X POST " + ShellQuote(baseURL+"/api/debug/cleanup-sessions") + " " + Bearer(curfew.Admin)
	}
}

// cleanOnce runs the cleanup once something else is done.
func cleanOnce(done string) func(lifecycle.Report, string) string {
	return noted(clean(), "once "+done)
}

// silent ends what is due. Only a running sweeper ends the silence.
func silent(r lifecycle.Report, baseURL string) string {
	return noted(clean(), "then restart curfew serve with its sweeper on: its log says what stopped it")(r, baseURL)
}

// unsettled settles what the guards marked. Payments that are held or due need a person.
func unsettled(r lifecycle.Report, baseURL string) string {
	if c := r.Checkouts; c != nil && c.MoneyDue > 0 && c.ByOutcome[curfew.Held]+c.ByOutcome[curfew.RefundDue] == 0 {
		return clean()(r, baseURL)
	}
	return command("curfew checkouts list", "then decide each: curfew checkouts fulfil, assign or refund REF --reason TEXT")(r, baseURL)
}

// captures lists the payments whose provider refuses to be asked. One that does not answer refuses nothing.
func captures(r lifecycle.Report, baseURL string) string {
	const again = "it is tried again by itself"
	if c := r.Checkouts; c != nil && c.ByConcern[record.CaptureFailed] == 0 {
		return command("curfew preflight", "it says whether Stripe can be reached; "+again)(r, baseURL)
	}
	return command("curfew checkouts list --concern capture_failed", "mend what the note says (stripe.api_key, as a rule): "+again)(r, baseURL)
}

// look reads a page of the API.
func look(path string) func(lifecycle.Report, string) string {
	return func(_ lifecycle.Report, baseURL string) string {
		return "curl " + ShellQuote(baseURL+path) + " " + Bearer(curfew.Admin)
	}
}

// whyBlocked asks what blocks the first of the customers.
func whyBlocked(r lifecycle.Report, baseURL string) string {
	if len(r.Repeated) == 0 {
		return look("/api/debug/session-health")(r, baseURL)
	}
	customer := "/api/customers/" + url.PathEscape(r.Repeated[0].CustomerID)
	return noted(look(customer+"/session-status"), "it goes when that session ends, by itself or by: curl -X POST "+
		ShellQuote(baseURL+customer+"/clear")+" "+Bearer(curfew.Admin))(r, baseURL)
}
