package httpapi

import (
	"context"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/internal/wire"
)

type explainInput struct {
	Subject string `query:"subject" required:"true" doc:"A customer, session, request, checkout, run, payment reference or e-mail address"`
	Cursor  string `query:"cursor" maxLength:"200" doc:"The nextCursor of the previous page"`
}

// explainHandlers explain what happened to a customer.
type explainHandlers struct {
	timeline *timeline.Explainer
}

func (h explainHandlers) explain(ctx context.Context, _ auth.Request, in *explainInput) (*response[api.Timeline], error) {
	before, err := problem.ParseCursor(in.Cursor)
	if err != nil {
		return nil, err
	}
	timeline, err := h.timeline.Explain(ctx, in.Subject, before)
	if err != nil {
		return nil, err
	}
	problem.RequestOf(ctx).Describe(timeline.Audited())
	return okay(wire.Timeline(timeline), nil)
}

func (h explainHandlers) evidence(ctx context.Context, c auth.Request, _ *idInput) (*response[timeline.Evidence], error) {
	evidence, err := h.timeline.Evidence(ctx, c.ID)
	problem.RequestOf(ctx).Describe(evidence.CustomerID, "", "")
	return okay(evidence, err)
}
