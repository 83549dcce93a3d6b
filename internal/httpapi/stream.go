package httpapi

import (
	"context"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
)

// streamHandlers issue the tickets that open streams.
type streamHandlers struct {
	gate *auth.Gate
}

func (h streamHandlers) ticket(_ context.Context, c auth.Request, _ *struct{}) (*response[wire.StreamTicket], error) {
	ticket, until, err := h.gate.StreamTicket(c)
	return &response[wire.StreamTicket]{201, wire.StreamTicket{Ticket: ticket, ExpiresAt: until.UTC()}}, err
}
