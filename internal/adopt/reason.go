package adopt

import (
	"context"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/curfewhq/curfew"
)

// reasonOf says why a database request failed, without revealing an address or a password.
func reasonOf(err error) string {
	var refused *curfew.Error
	var server *pgconn.PgError
	var connect *pgconn.ConnectError
	var network net.Error
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &server):
		return server.Message + " (" + server.Code + ")"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return "it did not answer in time"
	case errors.As(err, &connect):
		return "it cannot be connected to"
	case pgconn.SafeToRetry(err), errors.Is(err, net.ErrClosed):
		return "the connection broke"
	}
	return "it could not be read"
}
