// Package mapping says how the sessions of a marketplace's own table are to be read in
// Curfew's words, and how one of its rows is ended. It is the form of the setting adopt;
// nothing here knows a database.
package mapping

import "github.com/curfewhq/curfew"

// Table maps one table of sessions. Columns are named as their table names them, without
// quotes.
type Table struct {
	// Name is the key under adopt. It is part of every session's id, so a new name means new
	// sessions.
	Name string
	// Relation is the table as SQL names it, with its schema: public.sessions or
	// public."Consultation".
	Relation string
	ID       string
	// Customer is one column, or several of which the first that is not NULL counts. A row
	// whose customer is NULL is adopted once it has one.
	Customer []string
	Mechanic Mechanic
	Status   Status
	Times    Times
	// Deleted is the column by which a row that is still there counts as deleted: where it
	// is not NULL, and if it is boolean, where it is true. Empty: rows are deleted for good.
	Deleted string
	// Deadline is the column with a waiting session's deadline; empty, or where it is NULL:
	// the policy's.
	Deadline string
	Duration Duration
	Plan     string // a column; empty: sessions have no plan
	Payment  *Payment
	Request  *Request
	// End says how a row is ended, by reason: Expired, NoShow, Overran, Missed. One that is
	// missing is never ended.
	End map[curfew.EndReason]Ending
}

// Mechanic says who serves a session.
type Mechanic struct {
	Column string // empty: the table does not say
	// Accepted lists the statuses in which the column means a mechanic who accepted; nil:
	// whenever it is not NULL. Elsewhere it names whom the customer asked for.
	Accepted []string
}

// Status is a status column and each of its words under Curfew's.
type Status struct {
	Column string
	Words  map[curfew.SessionStatus][]string
}

// Times are columns with moments; an empty one is unknown.
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
	// Seen means that no column says when a session began to wait: Curfew's own clock of when
	// it saw that does.
	Seen bool
}

// Duration is a column with the planned duration.
type Duration struct {
	Column string
	Unit   string // seconds, minutes or hours
}

// Payment says what a session was paid with.
type Payment struct {
	Provider string
	Ref      string // a column with the provider's reference
	// Paid is the column that says whether it is paid, and the words that mean so; no words:
	// whenever it is not NULL. An empty column: every session is.
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

// Ending is what ends a row: the word of its status, and further columns with their value:
// now, planned_end, null, or a text.
type Ending struct {
	Status string
	Set    map[string]string
}

// The values of Ending.Set and Request.Set that are no texts.
const (
	Now        = "now"
	PlannedEnd = "planned_end"
	Null       = "null"
)

// Words returns their words for a status.
func (t Table) Words(s curfew.SessionStatus) []string { return t.Status.Words[s] }

// Unended returns their words for sessions that have not ended.
func (t Table) Unended() []string {
	var all []string
	for _, s := range []curfew.SessionStatus{curfew.Scheduled, curfew.Waiting, curfew.Live} {
		all = append(all, t.Status.Words[s]...)
	}
	return all
}
