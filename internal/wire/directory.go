package wire

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/record"
)

// SessionList is a page of sessions.
type SessionList struct {
	Sessions   []api.Session `json:"sessions" nullable:"false"`
	NextCursor *string       `json:"nextCursor" doc:"Null on the last page. A page of a filtered list may hold fewer sessions than its limit, or none, and still have a next one"`
}

// Sessions converts a page of sessions for operators. A nil next means that it is the last one.
func Sessions(found []curfew.Snapshot, next *curfew.Cursor) SessionList {
	list := SessionList{Sessions: make([]api.Session, len(found))}
	for i, s := range found {
		list.Sessions[i] = InsideSession(s.Session)
	}
	if next != nil {
		cursor := Cursor(*next)
		list.NextCursor = &cursor
	}
	return list
}

// SearchHits is what a search has found.
type SearchHits struct {
	Hits    []SearchHit `json:"hits" nullable:"false" doc:"Best matches first"`
	Partial bool        `json:"partial" doc:"Whether the search for parts of words was cut short because it took too long: there may be more results"`
}

// SearchHit is something that a search has found. Which members it has depends on its kind.
type SearchHit struct {
	Kind       string `json:"kind" enum:"customer,session,request,payment,run,mechanic"`
	ID         string `json:"id"`
	CustomerID string `json:"customerId,omitempty"`
	Name       string `json:"name,omitempty"`
	Email      string `json:"email,omitempty"`
	Reference  string `json:"reference,omitempty" doc:"The payment's page at its provider"`
	Plan       string `json:"plan,omitempty" doc:"Of a session or payment"`
	Status     string `json:"status,omitempty" doc:"The status of a session or request; the outcome of a payment or run"`
	Page       string `json:"page" doc:"The console's page about it"`
}

// Hits converts what a search has found. Page is the address of the page about a hit.
func Hits(f directory.Found, page func(record.Hit) string) SearchHits {
	out := SearchHits{Hits: make([]SearchHit, len(f.Hits)), Partial: f.Partial}
	for i, h := range f.Hits {
		out.Hits[i] = SearchHit{
			Kind: h.Kind, ID: h.ID, CustomerID: h.CustomerID, Name: h.Name, Email: h.Email, Reference: h.Ref, Plan: h.Plan, Status: h.Status, Page: page(h),
		}
		if h.CustomerID == curfew.Nobody {
			out.Hits[i].CustomerID = ""
		}
		if h.Kind == record.HitRun {
			out.Hits[i].Plan = ""
		}
	}
	return out
}

// writePages writes a list as CSV, a row for each. It reads the list page by page: the zero position is its beginning, and
// as the next one its end.
func writePages[T any, P comparable](w io.Writer, header string, row func(T) []string, read func(after P) (found []T, next P, err error)) error {
	var end P
	for rows, after := [][]string{strings.Split(header, ",")}, end; ; rows = nil {
		found, next, err := read(after)
		if err != nil {
			return err
		}
		for _, one := range found {
			rows = append(rows, row(one))
		}
		if err := writeRows(w, rows...); err != nil || next == end {
			return err
		}
		after = next
	}
}

// WriteSessions writes sessions as CSV, a row for each. It reads them page by page, each time behind the last.
func WriteSessions(w io.Writer, read func(after *curfew.Cursor) ([]curfew.Snapshot, *curfew.Cursor, error)) error {
	return writePages(w, "session,status,plan,type,customer,name,mechanic,created,starts,deadline,accepted,started,ended,end_reason,overdue,minutes", sessionRow, read)
}

func sessionRow(s curfew.Snapshot) []string {
	return []string{
		s.ID, string(s.Status), cell(s.Plan), string(s.Kind), cell(s.CustomerID), cell(s.Request.CustomerName), cell(s.MechanicID), date(s.CreatedAt),
		date(s.StartsAt), date(s.ExpiresAt), date(s.AcceptedAt), date(s.StartedAt), date(s.EndedAt), cell(string(s.EndReason)),
		map[bool]string{true: "yes"}[s.Overdue()], strconv.Itoa(int(s.Duration / time.Minute)),
	}
}

// WritePayments writes payments as CSV, a row for each. It reads them page by page, each time behind the last.
func WritePayments(w io.Writer, read func(after string) ([]curfew.Checkout, string, error)) error {
	return writePages(w, "payment,reference,customer,name,email,plan,amount,currency,outcome,made,changed,session,note", paymentRow, read)
}

func paymentRow(c curfew.Checkout) []string {
	customer := c.CustomerID
	if customer == curfew.Nobody {
		customer = ""
	}
	return []string{
		c.ID, cell(c.Ref), cell(customer), cell(c.Name), cell(c.Email), cell(c.Plan), decimal(c.Amount, c.Currency), strings.ToUpper(c.Currency),
		string(c.Outcome), date(c.CreatedAt), date(c.UpdatedAt), c.SessionID, cell(c.Note),
	}
}

// WriteSent writes deliveries as CSV, a row for each, without what was sent. It reads them page by page, each time behind
// the last.
func WriteSent(w io.Writer, read func(after string) ([]record.Delivery, string, error)) error {
	return writePages(w, "delivery,event,channel,to,state,tries,status,error,customer,made,changed", sentRow, read)
}

func sentRow(d record.Delivery) []string {
	v := Delivery(d)
	return []string{
		v.ID, cell(v.Type), v.Channel, cell(v.Destination), v.State, strconv.FormatInt(v.Attempts, 10), strconv.Itoa(v.Status), cell(v.Error),
		cell(v.CustomerID), date(v.CreatedAt), date(v.UpdatedAt),
	}
}

// date is a time for programs; empty for the zero time.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
