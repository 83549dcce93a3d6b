package httpapi

import (
	"context"
	"io"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// exportPage is how many rows of a list are read at once for a file.
const exportPage = 500

// directoryHandlers list and find sessions, payments and deliveries for operators.
type directoryHandlers struct {
	directory directory.Directory
	books     bookHandlers // writes files
}

// SessionFilter selects the sessions of a list.
type SessionFilter struct {
	Status     string    `query:"status" enum:"scheduled,waiting,live,completed,cancelled" doc:"Only sessions with this status"`
	Plan       string    `query:"plan" maxLength:"128" doc:"Only those of this plan"`
	MechanicID string    `query:"mechanicId" doc:"Only those that this mechanic has or has had"`
	CustomerID string    `query:"customerId" doc:"Only this customer's"`
	From       time.Time `query:"from" doc:"Only those made at this moment or later"`
	To         time.Time `query:"to" doc:"Only those made before this moment"`
	Overdue    bool      `query:"overdue" doc:"Only those past their deadline"`
	Sort       string    `query:"sort" enum:"newest,deadline" default:"newest" doc:"Newest first; or those that have not ended, earliest deadline first"`
}

// search converts the filter.
func (f SessionFilter) search() (record.SessionSearch, error) {
	q := record.SessionSearch{
		Status: curfew.SessionStatus(f.Status), Plan: f.Plan, MechanicID: f.MechanicID, CustomerID: f.CustomerID,
		From: f.From, To: f.To, Overdue: f.Overdue, ByDeadline: f.Sort == "deadline",
	}
	return q, q.Check()
}

type sessionsInput struct {
	SessionFilter

	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return on a page"`
	Cursor string `query:"cursor" maxLength:"200" doc:"The nextCursor of the previous page"`
}

func (h directoryHandlers) sessions(ctx context.Context, _ auth.Request, in *sessionsInput) (*response[wire.SessionList], error) {
	q, err := in.search()
	if err != nil {
		return nil, err
	}
	if q.After, err = problem.ParseCursor(in.Cursor); err != nil {
		return nil, err
	}
	q.Limit = in.Limit
	problem.RequestOf(ctx).Describe(in.CustomerID, "", in.Status)
	found, next, err := h.directory.Sessions(ctx, q)
	return okay(wire.Sessions(found, next), err)
}

func (h directoryHandlers) exportSessions(ctx context.Context, _ auth.Request, in *SessionFilter) (*file, error) {
	q, err := in.search()
	if err != nil {
		return nil, err
	}
	q.Limit = exportPage
	problem.RequestOf(ctx).Describe(in.CustomerID, "", in.Status)
	return exported(ctx, h.books, "sessions", wire.WriteSessions, func(after *curfew.Cursor) ([]curfew.Snapshot, *curfew.Cursor, error) {
		if after != nil {
			q.After = *after
		}
		return h.directory.Sessions(ctx, q)
	})
}

type searchInput struct {
	Text string `query:"text" required:"true" minLength:"2" maxLength:"320" doc:"An id or part of one, a name, an e-mail address or a payment's reference; upper and lower case are the same"`
}

func (h directoryHandlers) search(ctx context.Context, _ auth.Request, in *searchInput) (*response[wire.SearchHits], error) {
	found, err := h.directory.Search(ctx, in.Text)
	return okay(wire.Hits(found, console.PageOf), err)
}

// PaymentFilter selects the payments of a list.
type PaymentFilter struct {
	Outcome    string    `query:"outcome" enum:"promised,fulfilled,deferred,held,credited,refund_due,refunding,refunded,forfeited,void,ignored" doc:"Only payments with this outcome"`
	Plan       string    `query:"plan" maxLength:"128" doc:"Only those of this plan"`
	CustomerID string    `query:"customerId" doc:"Only this customer's"`
	Amount     []int64   `query:"amount" maxItems:"4" doc:"Only those of one of these amounts, in minor units, separated by commas"`
	From       time.Time `query:"from" doc:"Only those made at this moment or later"`
	To         time.Time `query:"to" doc:"Only those made before this moment"`
}

// search converts the filter.
func (f PaymentFilter) search() (record.PaymentSearch, error) {
	q := record.PaymentSearch{
		Outcome: curfew.Outcome(f.Outcome), Plan: f.Plan, CustomerID: f.CustomerID, Amounts: f.Amount, From: f.From, To: f.To,
	}
	return q, q.Check()
}

type paymentsInput struct {
	PaymentFilter

	After string `query:"after" maxLength:"200" doc:"The nextCursor of the previous page"`
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return on a page"`
}

func (h directoryHandlers) payments(ctx context.Context, _ auth.Request, in *paymentsInput) (*response[api.CheckoutPage], error) {
	q, err := in.search()
	if err != nil {
		return nil, err
	}
	if err := checkAfter(in.After); err != nil {
		return nil, err
	}
	q.After, q.Limit = in.After, in.Limit
	problem.RequestOf(ctx).Describe(in.CustomerID, "", in.Outcome)
	found, next, err := h.directory.Payments(ctx, q)
	if err != nil {
		return nil, err
	}
	payments, err := h.books.keeper.Checkouts.Ledgers(ctx, found)
	page := api.CheckoutPage{Checkouts: wire.CheckoutDetails(found, payments)}
	if next != "" {
		page.NextCursor = &next
	}
	return okay(page, err)
}

func (h directoryHandlers) exportPayments(ctx context.Context, _ auth.Request, in *PaymentFilter) (*file, error) {
	q, err := in.search()
	if err != nil {
		return nil, err
	}
	q.Limit = exportPage
	problem.RequestOf(ctx).Describe(in.CustomerID, "", in.Outcome)
	return exported(ctx, h.books, "payments", wire.WritePayments, func(after string) ([]curfew.Checkout, string, error) {
		q.After = after
		return h.directory.Payments(ctx, q)
	})
}

// sentInput selects the deliveries of a file.
type sentInput struct {
	State      string    `query:"state" enum:"pending,delivered,dead" doc:"Only deliveries in this state"`
	Endpoint   string    `query:"endpoint" maxLength:"128" doc:"Only this endpoint's"`
	CustomerID string    `query:"customerId" doc:"Only those about this customer"`
	From       time.Time `query:"from" doc:"Only those made at this moment or later"`
	To         time.Time `query:"to" doc:"Only those made before this moment"`
}

func (h directoryHandlers) exportSent(ctx context.Context, _ auth.Request, in *sentInput) (*file, error) {
	q := record.SentSearch{
		State: record.DeliveryState(in.State), Destination: in.Endpoint, CustomerID: in.CustomerID, From: in.From, To: in.To, Limit: exportPage,
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(in.CustomerID, "", in.State)
	return exported(ctx, h.books, "deliveries", wire.WriteSent, func(after string) ([]record.Delivery, string, error) {
		q.After = after
		return h.directory.Sent(ctx, q)
	})
}

// exported responds with a list as a file. The first page is read before the response starts, so
// that an early failure is a problem instead of a truncated file.
func exported[T any, P comparable](
	ctx context.Context, h bookHandlers, name string, write func(io.Writer, func(after P) ([]T, P, error)) error, read func(after P) ([]T, P, error),
) (*file, error) {
	var start P
	first, next, err := read(start)
	if err != nil {
		return nil, err
	}
	return h.file(ctx, name, func(w io.Writer) error {
		return write(w, func(after P) ([]T, P, error) {
			if after == start {
				return first, next, nil
			}
			return read(after)
		})
	}), nil
}
