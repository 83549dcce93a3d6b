package record

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// SearchDepth is how many rows a page of a list looks at, at most. So a page of a filtered list may hold fewer rows than
// its limit, or none, and still have a next page: its cost does not depend on how rare the rows are.
const SearchDepth = 5000

// SessionSearch selects sessions for operators. Ids tell when a session was made, so the lists are walked by id.
type SessionSearch struct {
	Status     curfew.SessionStatus // empty means any
	Plan       string               // empty means any
	MechanicID string               // who has or had it; empty means anybody
	CustomerID string               // empty means anybody
	From, To   time.Time            // made in this span, the second moment not included; zero: open
	Overdue    bool                 // only those past their deadline
	// ByDeadline lists those that have not ended, the earliest deadline first. Otherwise the newest come first.
	ByDeadline bool
	After      curfew.Cursor // behind this row; of a list by age it has no time
	Until      curfew.Cursor // down to this row; zero: to the end
	Limit      int
}

// Check returns an Invalid error for an impossible search.
func (s SessionSearch) Check() error {
	for what, id := range map[string]string{"mechanicId": s.MechanicID, "customerId": s.CustomerID} {
		if id != "" {
			if err := curfew.CheckID(what, id); err != nil {
				return err
			}
		}
	}
	switch {
	case s.MechanicID != "" && s.CustomerID != "" && !s.ByDeadline:
		return curfew.Errorf(curfew.Invalid, "a list of the newest sessions is of a customer or of a mechanic, not of both: sort it by deadline, or leave one out")
	case !s.From.IsZero() && !s.To.IsZero() && !s.From.Before(s.To):
		return curfew.Errorf(curfew.Invalid, "from must be before to")
	case s.ByDeadline && s.Status.Ended():
		return curfew.Errorf(curfew.Invalid, "a session that is %s has no deadline: sort by newest instead", s.Status)
	}
	return nil
}

// Filtered reports whether the search passes over rows that it walks.
func (s SessionSearch) Filtered() bool {
	return s.Status != "" || s.Plan != "" || s.Overdue || s.ByDeadline && (s.MechanicID != "" || s.CustomerID != "" || !s.From.IsZero() || !s.To.IsZero())
}

// Bounds returns the ids between which everything was made that the search chooses: from the first on, and below the
// second. Empty means no bound.
func (s SessionSearch) Bounds() (from, below string) {
	if !s.From.IsZero() {
		from = IDAt(s.From)
	}
	if !s.To.IsZero() {
		below = IDAt(s.To)
	}
	return from, below
}

// Place returns the position of a session in the list.
func (s SessionSearch) Place(session curfew.Session) curfew.Cursor {
	if s.ByDeadline {
		return curfew.Cursor{At: session.ExpiresAt, ID: session.ID}
	}
	return curfew.Cursor{ID: session.ID}
}

// IDAt returns an id that sorts before every id made from that moment on. Ids begin with the milliseconds since 1970.
func IDAt(t time.Time) string {
	ms := max(0, t.UnixMilli())
	return fmt.Sprintf("%08x-%04x-0000-0000-000000000000", ms>>16&0xffffffff, ms&0xffff)
}

// The kinds of hits.
const (
	HitSession  = "session"
	HitRequest  = "request"
	HitPayment  = "payment"
	HitRun      = "run"
	HitCustomer = "customer"
	HitMechanic = "mechanic"
)

// Hit is something that a search has found. Which fields it has depends on its kind.
type Hit struct {
	Kind, ID, CustomerID, Name, Email, Ref, Plan, Status string
}

// Span is a part of the order of texts or ids: from the first on, and below the second.
type Span struct{ From, Below string }
