package server

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/curfewhq/curfew"
)

// maxNotice is the largest message of a provider, in bytes.
const maxNotice = 256 << 10

// Hook reads a provider's message. Errors: Invalid for a signature or a body
// that proves nothing, Conflict for a true message that is another account's.
type Hook interface {
	Read(signature string, body []byte) (curfew.Notice, error)
}

// webhook takes a provider's message in. The signature is all that says who
// calls, and it is over the bytes as they came. What is acknowledged is
// committed; anything but a 2xx makes the provider send it again.
func (s *Server) webhook(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	if err := s.receive(ctx, w, r); err != nil {
		s.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) receive(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	if s.hook == nil {
		return curfew.Errorf(curfew.NotFound, "no webhook is set up here: set stripe.webhook_secret")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(maxNotice)
	}
	if err != nil {
		return malformed("the body could not be read to its end")
	}
	n, err := s.hook.Read(r.Header.Get("Stripe-Signature"), body)
	switch curfew.KindOf(err) {
	case curfew.Invalid:
		return malformed("the message is not proven to come from the provider")
	case curfew.Conflict:
		s.log.WarnContext(ctx, "a provider's message is another account's or mode's; nothing was done", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	visitOf(r.Context()).actor = curfew.Actor{Role: curfew.System, ID: "provider"}
	return s.engine.Receive(ctx, n)
}
