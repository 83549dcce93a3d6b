package record

import "github.com/curfewhq/curfew"

// LinkedTables lists the tables whose rows are compared with those of others.
func LinkedTables() []string {
	return []string{"payment_refs", "checkouts", "sessions", "session_requests", "events"}
}

// Linked is the result of checking one page of a table.
type Linked struct {
	Found []curfew.Inconsistency
	Rows  int    // that were looked at
	Next  string // where the next page begins; empty on the last page
}
