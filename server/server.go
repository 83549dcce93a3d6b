package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// Once remembers one-time names: the store. The second claim of a name is
// curfew.Conflict.
type Once interface {
	ClaimOnce(ctx context.Context, name string, ttl time.Duration) error
}

// Options of a server.
type Options struct {
	Engine   *lifecycle.Engine
	Identity *Identity
	Once     Once
	// Ready says whether the database answers with the schema this process needs.
	Ready func(context.Context) error
	// BaseURL is where callers reach the server, for texts: http://127.0.0.1:3001.
	BaseURL string
	Version string
	Logger  *slog.Logger // nil: nothing is logged
	Metrics *Metrics     // nil: /metrics has Go's and the process's figures only
	// RequestTimeout bounds one request; 0: 10 s.
	RequestTimeout time.Duration
}

// Server answers HTTP.
type Server struct{}

// New makes a server.
func New(o Options) (*Server, error) { return &Server{}, nil }

// Handler is the public listener: API, pages and documentation.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }

// Ops is the listener for operators: /metrics, /livez, /readyz and pprof.
func (s *Server) Ops() http.Handler { return http.NotFoundHandler() }

// HTTPServer listens with the limits that keep slow callers from holding it.
func (s *Server) HTTPServer(addr string) *http.Server {
	return &http.Server{Addr: addr, Handler: s.Handler(), ReadHeaderTimeout: time.Second}
}

// OpsServer is HTTPServer for Ops.
func (s *Server) OpsServer(addr string) *http.Server {
	return &http.Server{Addr: addr, Handler: s.Ops(), ReadHeaderTimeout: time.Second}
}

// AuthOptions say whose tokens count.
type AuthOptions struct {
	KeyFile                                         string
	CreateKey                                       bool
	JWTSecret, JWKSURL, Issuer, Audience, RoleClaim string
}

// Identity issues and verifies tokens.
type Identity struct{}

// NewIdentity reads or makes the local key.
func NewIdentity(ctx context.Context, o AuthOptions) (*Identity, error) { return &Identity{}, nil }

// Token issues a token of the local key.
func (i *Identity) Token(a curfew.Actor, ttl time.Duration) (string, error) { return "", nil }

// LoginTicket issues a ticket for /login?ticket=.
func (i *Identity) LoginTicket(a curfew.Actor) (string, error) { return "", nil }

// Verify says who a token is.
func (i *Identity) Verify(token string) (curfew.Actor, error) {
	return curfew.Actor{}, curfew.Unauthenticated
}

// Metrics are the figures for Prometheus; a lifecycle.Observer.
type Metrics struct{}

var _ lifecycle.Observer = (*Metrics)(nil)

// NewMetrics makes them.
func NewMetrics() *Metrics { return &Metrics{} }

// Watch adds the gauges read from e.Health at scrape time.
func (m *Metrics) Watch(e *lifecycle.Engine) {}

// Admitted implements lifecycle.Observer.
func (m *Metrics) Admitted(string, time.Duration) {}

// Blocked implements lifecycle.Observer.
func (m *Metrics) Blocked(curfew.SessionStatus) {}

// Cleaned implements lifecycle.Observer.
func (m *Metrics) Cleaned(curfew.RuleName, curfew.Trigger, int) {}

// RunFinished implements lifecycle.Observer.
func (m *Metrics) RunFinished(curfew.Trigger, curfew.RunOutcome, time.Duration) {}

// Expired implements lifecycle.Observer.
func (m *Metrics) Expired(time.Duration) {}

// HealthJSON is a health report as GET /api/debug/session-health answers it.
func HealthJSON(r lifecycle.Report, version, baseURL string) api.Health { return api.Health{} }

// PreviewJSON is a preview as GET /api/debug/cleanup-sessions answers it.
func PreviewJSON(p curfew.Preview) api.Preview { return api.Preview{} }

// RunJSON is what a run did, as POST /api/debug/cleanup-sessions answers it.
func RunJSON(run curfew.Run, drifted []lifecycle.Drift) api.CleanupResult { return api.CleanupResult{} }

// SessionJSON is a session as GET /api/sessions/{id} answers it.
func SessionJSON(s curfew.Session) api.Session { return api.Session{} }

// StatusJSON is what GET /api/customers/{id}/session-status answers; nil: nothing blocks.
func StatusJSON(b *curfew.Blocker) api.SessionStatus { return api.SessionStatus{} }
