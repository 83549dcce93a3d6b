package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// approvalHandlers handle actions that a second admin must approve.
type approvalHandlers struct {
	desk approval.Desk
}

type approvalsInput struct {
	Pending    bool   `query:"pending" doc:"Only what somebody can still decide"`
	CustomerID string `query:"customerId" maxLength:"128" doc:"Only what is about this customer"`
	Cursor     string `query:"cursor" maxLength:"36" doc:"The nextCursor of the previous page"`
	Limit      int    `query:"limit" minimum:"1" maximum:"200" default:"200" doc:"How many to return on a page"`
}

func (h approvalHandlers) list(ctx context.Context, _ auth.Request, in *approvalsInput) (*response[wire.Approvals], error) {
	if in.Cursor != "" && uuid.Validate(in.Cursor) != nil {
		return nil, problem.Malformed("cursor is none that Curfew gave: leave it out for the first page")
	}
	problem.RequestOf(ctx).Describe(in.CustomerID, "", "")
	all, err := h.desk.List(ctx, record.ApprovalSearch{Pending: in.Pending, CustomerID: in.CustomerID, After: in.Cursor, Limit: in.Limit + 1})
	return okay(wire.ApprovalsOf(all, in.Limit, time.Now()), err)
}

func (h approvalHandlers) approve(ctx context.Context, c auth.Request, _ *idInput) (*response[wire.Approval], error) {
	a, err := h.desk.Approve(ctx, c.Actor, c.ID)
	problem.RequestOf(ctx).Describe(a.CustomerID, "", a.Action)
	return okay(wire.ApprovalOf(a, time.Now()), err)
}

type rejectInput struct {
	ID   string `path:"id"`
	Body wire.ApprovalRejection
}

func (h approvalHandlers) reject(ctx context.Context, c auth.Request, in *rejectInput) (*response[wire.Approval], error) {
	a, err := h.desk.Reject(ctx, c.Actor, c.ID, in.Body.Reason)
	problem.RequestOf(ctx).Describe(a.CustomerID, "", a.Action)
	return okay(wire.ApprovalOf(a, time.Now()), err)
}

// awaiting is the 202 response to a call that another admin must approve. It is returned as an
// error, because the route's usual response has another shape.
type awaiting struct {
	wire.ApprovalPending
}

// asked returns the response for a requested approval and notes it for the audit log; nil if none
// was requested.
func asked(ctx context.Context, a *record.Approval) error {
	if a == nil {
		return nil
	}
	problem.RequestOf(ctx).Describe(a.CustomerID, a.ID, "asked for approval")
	return &awaiting{wire.ApprovalPending{
		Code: "approval_pending", Approval: wire.ApprovalOf(*a, time.Now()),
		Detail: "This needs two persons: another admin has to approve " + a.ID + " until " + a.ExpiresAt.UTC().Format(time.RFC3339) + ", with POST /api/approvals/" + a.ID + "/approve or curfew approvals approve.",
	}}
}

// Error implements error.
func (a *awaiting) Error() string { return a.Detail }

// GetStatus implements huma.StatusError.
func (a *awaiting) GetStatus() int { return http.StatusAccepted }

// ContentType implements huma.ContentTypeFilter.
func (a *awaiting) ContentType(string) string { return "application/json" }
