package main

import (
	"encoding/base64"
	"log/slog"
	"net/netip"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/metrics"
)

// limits returns the limiter of calls. Replicas that share a database and a local key share the
// limits on logins. The database does not learn whom they apply to.
func (s *settings) limits(store limit.Store, identity *auth.Identity, m *metrics.Registry, log *slog.Logger) *limit.Limiter {
	l := s.Limits
	return limit.New(limit.Options{
		Rates: map[limit.Class]limit.Rate{
			limit.Reads: limit.Rate(l.Reads), limit.Writes: limit.Rate(l.Writes), limit.Streams: limit.Rate(l.Streams),
			limit.Services: limit.Rate(l.Services), limit.Messages: limit.Rate(l.Messages),
			limit.Logins: limit.Rate(l.Logins), limit.Failures: limit.Rate(l.Failures),
		},
		Store: store, Limited: m.Limited, Logger: log,
		Sign: func(text string) string { return base64.RawURLEncoding.EncodeToString(identity.Sign("limit", text)) },
	})
}

// allowedOrigins lists the sites whose pages may call the API.
func (s *settings) allowedOrigins() []string {
	if s.AllowedOrigins == nil {
		return nil
	}
	return s.AllowedOrigins.All
}

// proxies lists the networks whose forwarding headers are trusted.
func (s *settings) proxies() []netip.Prefix {
	if s.TrustedProxies == nil {
		return nil
	}
	return s.TrustedProxies.Prefixes
}
