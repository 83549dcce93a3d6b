package timeline

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// The sentences of a timeline are made here from facts, at each reading: what is
// stored are steps, actors and reasons.

// instant is a time in a sentence.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// by says who did something, and what they noted.
func by(a curfew.Actor, note string) string { return byNamed(actor(a), note) }

func byNamed(who, note string) string {
	if note != "" {
		note = ": " + note
	}
	return " (by " + who + note + ")"
}

// called names a session in a sentence, with the row that it follows.
func called(s curfew.Session) string {
	if !s.Adopted() {
		return s.ID
	}
	return s.ID + " (" + s.Origin() + ")"
}

// doneBy is by for a step of a session, which the marketplace's own program may have made in
// its table.
func doneBy(s curfew.Session, a curfew.Actor, note string) string {
	if s.Adopted() && a == (curfew.Actor{Role: curfew.Service, ID: s.AdoptedFrom}) {
		return byNamed("the app ("+s.AdoptedFrom+")", note)
	}
	return by(a, note)
}

// ourActors is what Curfew's own actors are called.
var ourActors = map[string]string{
	curfew.Sweeper.ID: "the sweeper", curfew.Admitting.ID: "an admission", curfew.Refunder.ID: "the refunds' worker", curfew.Cashier.ID: "the captures' worker",
	curfew.Provider.ID: "the provider", "library": "the library", "foreign": "another program", "guard": "the database's guard",
}

func actor(a curfew.Actor) string {
	if name := ourActors[a.ID]; a.Role == curfew.System && name != "" {
		return name
	}
	if a.ID == "" {
		return unnamed[a.Role]
	}
	return string(a.Role) + " " + a.ID
}

// unnamed is what people and programs are called where their names are left out.
var unnamed = map[curfew.Role]string{
	curfew.Customer: "the customer", curfew.Mechanic: "the mechanic", curfew.Admin: "an operator", curfew.Service: "the shop",
}

// endTexts say how a session ended, by reason.
var endTexts = map[curfew.EndReason]string{
	curfew.Expired:    "Nobody accepted session %s in time: it ended",
	curfew.Orphaned:   "Session %s was offered to nobody: it ended",
	curfew.Unattended: "Session %s was accepted, and its mechanic did not come: it ended, because it had waited for as long as it may",
	curfew.NoShow:     "Session %s was accepted, and did not go live in time: it ended",
	curfew.Overran:    "Session %s was live beyond what was bought and the grace: it ended",
	curfew.Missed:     "The slot was taken at both chances of appointment %s: it was missed",
	curfew.Cleared:    "Session %s was ended by hand before its deadline",
	curfew.ByRequest:  "Session %s was cancelled before its deadline",
	curfew.TooShort:   "Session %s was ended after less than a minute: it counts as cancelled",
	curfew.Finished:   "Session %s was ended before its deadline: it is completed",
	curfew.ByRefund:   "Session %s was cancelled, because its payment is given back",
	curfew.ByPayment:  "Session %s was cancelled, because its payment failed or was taken back",
	curfew.Duplicate:  "Session %s was cancelled: another session had the same payment",
	curfew.Foreign:    "Session %s was ended by another program",
}

// moves say what happened to a session that goes on.
var moves = map[curfew.Transition]string{
	{From: "", To: curfew.Scheduled}:               "Session %s was booked",
	{From: "", To: curfew.Waiting}:                 "Session %s began to wait for a mechanic",
	{From: curfew.Scheduled, To: curfew.Scheduled}: "The slot was taken at the start of appointment %s: it is tried once more",
	{From: curfew.Scheduled, To: curfew.Waiting}:   "Appointment %s began: it waits for a mechanic",
	{From: curfew.Waiting, To: curfew.Waiting}:     "Session %s changed while it waited",
	{From: curfew.Waiting, To: curfew.Live}:        "Both were in: session %s went live, and its clock runs",
	{From: curfew.Live, To: curfew.Live}:           "Session %s was given more time",
}

// waits say what happened to a session that waited on, by the event's reason.
var waits = map[string]string{
	curfew.AcceptedReason:    "A mechanic accepted session %s",
	curfew.ReleasedReason:    "Session %s was put back into the queue",
	string(curfew.Forgotten): "The mechanic did not come: session %s went back into the queue, with its place kept",
	curfew.UnacceptedReason:  "Nobody has accepted session %s yet: the marketplace is told",
	curfew.JoinedReason:      "One of its parties came into session %s",
}

// selfEvident are reasons that their sentence contains already.
var selfEvident = map[string]bool{
	curfew.AdmittedReason: true, curfew.BookedReason: true, string(curfew.Due): true, curfew.PostponedReason: true,
	curfew.BothJoinedReason: true, curfew.ForeignReason: true, curfew.ServedReason: true, curfew.SpentReason: true,
	curfew.RefundAskedReason: true, curfew.DeferredReason: true, curfew.UnservedReason: true, curfew.RevivedReason: true,
	string(curfew.ByPayment): true, string(curfew.ByRefund): true, string(curfew.Duplicate): true, curfew.ArrivedReason: true,
	curfew.AwaitedReason: true, curfew.GivenBackReason: true, theirRow: true,
}

// theirRow is the reason of what a program of the marketplace did to its own row.
const theirRow = "their row"

// sessionSentence describes one step of a session. The reason is a code that a note may
// follow, after a colon.
func sessionSentence(s curfew.Session, e curfew.Event) string {
	step := curfew.Transition{From: curfew.SessionStatus(e.From), To: curfew.SessionStatus(e.To)}
	code, note, _ := strings.Cut(e.Reason, ": ")
	text := cmp.Or(moves[step], "Session %s is "+e.To)
	switch {
	case step.To.Ended():
		text = cmp.Or(endTexts[curfew.EndReason(code)], "Session %s ended")
		if s.Adopted() && endTexts[curfew.EndReason(code)] == "" && code != theirRow {
			note = e.Reason
		}
	case code == string(curfew.Forgotten) && note != "":
		text, note = "Mechanic "+verbatim(note)+" did not come: session %s went back into the queue, with its place kept", ""
	case code == curfew.TransferredReason && note != "":
		text, note = "Session %s was handed over to mechanic "+verbatim(note), ""
	case strings.HasPrefix(code, curfew.ProlongedReason+" "):
		text = "The deadline of session %s was moved" + verbatim(strings.TrimPrefix(code, curfew.ProlongedReason))
	case step.From == curfew.Waiting && step.To == curfew.Waiting && waits[code] != "":
		text = waits[code]
	case !selfEvident[code]:
		note = e.Reason
	}
	if e.From != "" {
		return fmt.Sprintf(text, called(s)) + doneBy(s, e.Actor, note) + "."
	}
	return fmt.Sprintf(text, newborn(s)) + inPlace(s) + doneBy(s, e.Actor, note) + "."
}

// verbatim is a text within a format.
func verbatim(text string) string { return strings.ReplaceAll(text, "%", "%%") }

// newborn names a session that has just come to be, with what was bought.
func newborn(s curfew.Session) string {
	switch {
	case s.Plan == "" || s.Adopted():
		return called(s)
	case s.StartsAt.IsZero():
		return fmt.Sprintf("%s (%s, %s)", s.ID, s.Plan, lifecycle.Span(s.Duration))
	}
	return fmt.Sprintf("%s (%s, %s, for %s)", s.ID, s.Plan, lifecycle.Span(s.Duration), instant(s.StartsAt))
}

func inPlace(s curfew.Session) string {
	if s.Revives == "" {
		return ""
	}
	return " in place of session " + s.Revives
}

// deadlineSentence says what happens at a session's deadline, or did not yet.
func (x *Explainer) deadlineSentence(s curfew.Snapshot, c curfew.Checkout) string {
	if why := x.rules.Stays(s); why != "" {
		return fmt.Sprintf("Session %s is overdue from then on, and Curfew does not end it: %s.", called(s.Session), why)
	}
	if rule, _ := x.rules.RuleFor(s); s.Overdue() && rule.Name == curfew.Forgotten {
		return fmt.Sprintf("The mechanic of session %s did not come in time: the next sweep or call puts it back into the queue, with its place kept.", called(s.Session))
	}
	if s.Overdue() {
		return fmt.Sprintf("The deadline of session %s passed: it blocks nobody, and the next sweep or call settles it.", called(s.Session))
	}
	rule, _ := x.rules.RuleFor(s)
	if s.Adopted() {
		return fmt.Sprintf("Curfew ends session %s (%s), unless its row has moved on.", called(s.Session), rule.Reason)
	}
	switch rule.Name {
	case curfew.Due:
		return fmt.Sprintf("Appointment %s begins, if the customer's slot is free.", s.ID)
	case curfew.Misses:
		return fmt.Sprintf("Appointment %s is missed, if the customer's slot is still taken.", s.ID)
	case curfew.Forgotten:
		return fmt.Sprintf("Session %s goes back into the queue with its place kept, unless its mechanic has come in.", s.ID)
	}
	unless := map[curfew.RuleName]string{
		curfew.OldWaiting: "unless a mechanic has accepted it", curfew.Orphans: "at the latest",
		curfew.Absences: "unless its mechanic has come in", curfew.NoShows: "unless both have come in", curfew.Overruns: "unless it has ended or was extended",
	}[rule.Name]
	if x.rules.Policy().Plans[s.Plan].Free() {
		return fmt.Sprintf("Session %s ends by itself (%s), %s; nothing was paid for it.", s.ID, rule.Reason, unless)
	}
	if rule.To == curfew.Cancelled && (c.Capture == "authorised" || c.Capture == "due") {
		return fmt.Sprintf("Session %s ends by itself (%s), %s; what is reserved for it is then released, and nothing is charged.", s.ID, rule.Reason, unless)
	}
	return fmt.Sprintf("Session %s ends by itself (%s), %s; its payment is then %s.",
		s.ID, rule.Reason, unless, x.rules.Policy().Owed(s.Session, rule.To, rule.Reason))
}

// runSentence says what a run was and did.
func runSentence(r curfew.Run) string {
	switch {
	case r.Undoes != "":
		return fmt.Sprintf("Run %s undid run %s: %s revived%s%s.", r.ID, r.Undoes, sessions(r.Stats.Revived), unfinished(r), by(r.Actor, r.Reason))
	case r.Outcome == curfew.RunRunning:
		return fmt.Sprintf("Cleanup run %s has begun, and has not finished%s.", r.ID, by(r.Actor, r.Reason))
	}
	ended := fmt.Sprintf("changed %s in all", count(r.Stats.TotalCleaned, "row"))
	ended += unfinished(r)
	if r.UndoneBy != "" {
		ended += "; run " + r.UndoneBy + " undid it"
	}
	return fmt.Sprintf("Cleanup run %s %s%s.", r.ID, ended, by(r.Actor, r.Reason))
}

// unfinished says that a run did not come to its end.
func unfinished(r curfew.Run) string {
	switch r.Outcome {
	case curfew.RunFailed:
		return ", and failed"
	case curfew.RunInterrupted:
		return ", and was interrupted"
	}
	return ""
}

func sessions(n int) string {
	if n == 1 {
		return "1 session was"
	}
	return fmt.Sprintf("%d sessions were", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
