package httpapi

import (
	"context"
	"strconv"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// AuditReader reads the audit log.
type AuditReader interface {
	AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error)
}

// auditHandlers handle the audit log.
type auditHandlers struct {
	reader AuditReader
}

type auditInput struct {
	Actor   string    `query:"actor" maxLength:"200" doc:"Only what this actor did, as role:id"`
	Subject string    `query:"subject" maxLength:"128" doc:"Only what is about this customer"`
	Action  string    `query:"action" maxLength:"64" doc:"Only this action: an operationId, page: and a page's name, or command: and its words"`
	Since   time.Time `query:"since" doc:"Only what happened at this moment or later"`
	Cursor  string    `query:"cursor" maxLength:"20" doc:"The nextCursor of the previous page"`
	Limit   int       `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return on a page"`
}

func (h auditHandlers) list(ctx context.Context, _ auth.Request, in *auditInput) (*response[wire.AuditPage], error) {
	search := record.AuditSearch{Actor: in.Actor, Customer: in.Subject, Action: in.Action, Since: in.Since, Limit: in.Limit + 1}
	if in.Cursor != "" {
		var err error
		if search.After, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || search.After < 1 {
			return nil, problem.Malformed("cursor is none that Curfew gave: leave it out for the first page")
		}
	}
	problem.RequestOf(ctx).Describe(in.Subject, "", "")
	found, err := h.reader.AuditEntries(ctx, search)
	return okay(wire.AuditEntries(found, in.Limit), err)
}
