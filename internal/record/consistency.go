package record

import "github.com/curfewhq/curfew"

// LinkedTables lists the tables whose rows are held against others'.
func LinkedTables() []string {
	return []string{"payment_refs", "checkouts", "sessions", "session_requests", "events"}
}

// Linked is what one look at a page of a table found.
type Linked struct {
	Found []curfew.Inconsistency
	Rows  int    // that were looked at
	Next  string // behind which the next page begins; empty: this was the last
}
