// Package mapping describes how to read the sessions of a marketplace's own table in Curfew's
// terms, and how to end one of its rows. It is the form of the setting adopt; it knows nothing of
// databases.
package mapping

import "github.com/curfewhq/curfew"

// Table maps one table of sessions. Columns are named as in the table, without quotes.
type Table struct {
	// Name is the key under adopt. It is part of every session's id, so a new name means new
	// sessions.
	Name string
	// Relation is the table as SQL names it, with its schema: public.sessions or
	// public."Consultation".
	Relation string
	ID       string
	// Customer is one column, or several, of which the first that is not NULL counts. A row whose
	// customer is NULL is adopted once it has one.
	Customer []string
	Mechanic Mechanic
	Status   Status
	Times    Times
	// Deleted is the column that marks a remaining row as deleted: by not being NULL or, if it is
	// boolean, by being true. Empty if rows are really deleted.
	Deleted string
	// Deadline is the column with a waiting session's deadline. The policy sets the deadline if
	// this is empty or the column is NULL.
	Deadline string
	Duration Duration
	Plan     string // a column; empty: sessions have no plan
	Payment  *Payment
	Request  *Request
	// End describes how a row is ended for each reason: Expired, NoShow, Overran, Missed. A reason
	// that is missing never ends a row.
	End map[curfew.EndReason]Ending
}

// Mechanic describes who serves a session.
type Mechanic struct {
	Column string // empty: the table does not say
	// Accepted lists the statuses in which the column names a mechanic who accepted; nil means in
	// all, when it is not NULL. In other statuses it names the mechanic the customer asked for.
	Accepted []string
}

// Status is a status column, with its words grouped under Curfew's statuses.
type Status struct {
	Column string
	Words  map[curfew.SessionStatus][]string
}

// Times are timestamp columns; an empty one is unknown.
type Times struct {
	// Zone is the time zone of columns without one.
	Zone    string
	Created string
	// Starts and Ended may be several columns, of which the first that is not NULL counts.
	Starts, Ended []string
	// Entered is when the session began to wait; empty: Created.
	Entered  string
	Accepted string
	Started  string
	// Seen means that no column says when a session began to wait; the time at which Curfew first
	// saw it counts instead.
	Seen bool
}

// Duration is a column with the planned duration.
type Duration struct {
	Column string
	Unit   string // seconds, minutes or hours
}

// Payment describes what a session was paid with.
type Payment struct {
	Provider string
	Ref      string // a column with the provider's reference
	// Paid is the column that says whether a session is paid, and Words the values that mean so;
	// with none, any value but NULL does. If the column is empty, every session counts as paid.
	Paid  string
	Words []string
}

// Request is a table of offers that belong to sessions.
type Request struct {
	Relation string
	Session  string // the column with the session's id
	Status   string // a column
	Pending  []string
	Expired  string // the word of an offer whose session was ended
	Set      map[string]string
}

// Ending is what ends a row: its status word, and further columns with their values: now,
// planned_end, null, or a text.
type Ending struct {
	Status string
	Set    map[string]string
}

// Values of Ending.Set and Request.Set with a special meaning.
const (
	Now        = "now"
	PlannedEnd = "planned_end"
	Null       = "null"
)

// Words returns the table's words for a status.
func (t Table) Words(s curfew.SessionStatus) []string { return t.Status.Words[s] }

// Unended returns the table's words for sessions that have not ended.
func (t Table) Unended() []string {
	var all []string
	for _, s := range []curfew.SessionStatus{curfew.Scheduled, curfew.Waiting, curfew.Live} {
		all = append(all, t.Status.Words[s]...)
	}
	return all
}
