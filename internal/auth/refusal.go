package auth

import (
	"log/slog"
	"time"

	"golang.org/x/time/rate"
)

// refusals logs why tokens are refused, for the operator who set up an issuer: the sender of a
// token must not learn it. It limits how much one sender can log.
type refusals struct {
	logger *slog.Logger
	rare   *rate.Limiter
}

func newRefusals(log *slog.Logger) refusals {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return refusals{log, rate.NewLimiter(rate.Every(time.Second), 10)}
}

// longestName limits how much of a token's claims is logged, in bytes.
const longestName = 100

func (r refusals) log(token string, why error) {
	if !r.rare.Allow() {
		return
	}
	h, _ := headerOf(token)
	name := nameOf(token)
	r.logger.Info("a token was refused", "why", why, "issuer", name[:min(len(name), longestName)], "algorithm", h.Algorithm[:min(len(h.Algorithm), longestName)])
}

// logKey logs why an API key is refused; at most its id is known.
func (r refusals) logKey(id string, why error) {
	if r.rare.Allow() {
		r.logger.Info("an API key was refused", "why", why, "key", id)
	}
}

// logRevoked logs that a token is refused only because it is revoked.
func (r refusals) logRevoked(c claims) {
	if r.rare.Allow() {
		r.logger.Info("a token was refused", "why", "it is revoked", "id", c.id, "actor", c.actor().String())
	}
}
