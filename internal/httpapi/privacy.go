package httpapi

import (
	"cmp"
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// privacyHandlers export and erase a customer's data.
type privacyHandlers struct {
	privacy privacy.Service
	desk    approval.Desk
}

func (h privacyHandlers) export(ctx context.Context, c auth.Request, _ *idInput) (*response[wire.CustomerExport], error) {
	e, err := h.privacy.Export(ctx, c.ID)
	return okay(wire.ExportOf(e, time.Now()), err)
}

type eraseInput struct {
	ID   string `path:"id"`
	Body wire.CustomerErasing
}

func (h privacyHandlers) erase(ctx context.Context, c auth.Request, in *eraseInput) (*response[wire.CustomerErasure], error) {
	b := in.Body
	switch {
	case b.DryRun && b.PreviewID == nil && b.Version == nil:
		p, err := h.privacy.Preview(ctx, c.Actor, c.ID, b.Pseudonym)
		return okay(wire.Erasure(p.Erasure, p.Obstacles), err)
	case b.DryRun || b.PreviewID == nil || b.Version == nil || b.Pseudonym:
		return nil, curfew.Errorf(curfew.Invalid, "preview first, with dryRun and, if the id is personal, pseudonym; then send previewId, version and reason alone")
	}
	pending, err := h.desk.EraseCustomer(ctx, c.Actor, c.ID, approval.Call{Reason: b.Reason, PreviewID: *b.PreviewID, Version: *b.Version})
	if err = cmp.Or(err, asked(ctx, pending)); err != nil {
		return nil, err
	}
	e, err := h.privacy.Erase(ctx, c.Actor, c.ID, record.Erasure{ID: *b.PreviewID, Version: *b.Version, Reason: b.Reason})
	problem.RequestOf(ctx).Describe(e.CustomerID, "", "") // what was erased is not named again
	return okay(wire.Erasure(e, nil), err)
}
