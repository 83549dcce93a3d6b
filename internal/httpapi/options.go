package httpapi

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/job"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/metrics"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/sse"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// requestTimeout limits how long routes other than cleanups may take to answer.
const requestTimeout = 10 * time.Second

// Options configures a Server. Keeper, Timeline, Identity, Once, Keys, Revocations, Audit,
// AuditReader, Approvals, Jobs, SignIns.Store, Ready, Endpoints, Deliveries, Privacy.Store and
// Directory are required.
type Options struct {
	Keeper   *lifecycle.Keeper
	Timeline *timeline.Explainer
	// Directory lists and searches sessions, payments and deliveries.
	Directory directory.Directory
	Identity  *auth.Identity
	Once      auth.OneTimes
	Keys      auth.KeyStore
	// Revocations are the revoked tokens of the local key.
	Revocations auth.RevocationStore
	// Audit writes the audit log, and AuditReader reads it.
	Audit       *audit.Log
	AuditReader AuditReader
	// Approvals holds what a second admin must approve; TwoPersons says which actions need that.
	Approvals  approval.Store
	TwoPersons approval.Rules
	Jobs       job.Store
	SignIns    auth.SignInOptions // its Logger is set to Logger
	// OnePort reports whether the platform provides only one port: then /livez, /readyz and
	// /metrics are on the public listener too.
	OnePort bool
	Privacy privacy.Service
	// Ready returns an error unless the database answers with the schema that this process needs.
	Ready func(context.Context) error
	// BaseURL is where callers reach the server, for commands to paste: http://127.0.0.1:3001.
	BaseURL string
	// LoginHint is the command that prints a sign-in link for a browser. The default is curfew
	// login, which is always shown if BaseURL is not on this machine, because the full command
	// reveals where files are.
	LoginHint string
	// SigninURL is where customers and mechanics sign in; if empty, pages refer them to the
	// marketplace.
	SigninURL string
	// SessionURL is where a session takes place, with {id} for its id; if empty, pages do not link
	// there.
	SessionURL string
	// Instead is what a customer who has waited for a while is offered; the zero value offers
	// nothing.
	Instead console.Instead
	Version string
	Logger  *slog.Logger      // nil discards the log
	Metrics *metrics.Registry // nil: /metrics has only the figures of Go and of the process
	// RequestTimeout is how long a route may take to answer, except cleanups, which may take a minute. The default is
	// 10 s.
	RequestTimeout time.Duration
	// AnswerWithin is how long a call that starts a cleanup, an undo or a comparison waits for it
	// to end before answering with a job that continues. The default is 2 s.
	AnswerWithin time.Duration
	Trace        Trace // traces requests; nil traces none
	Hooks        Hooks // of payment providers
	Endpoints    Endpoints
	Deliveries   Deliveries
	Forecasts    *forecast.Forecaster    // how long customers will wait; nil disables them
	Streams      sse.Hub                 // changes for live streams; nil: /api/stream answers Unavailable
	Links        console.Unsubscriptions // of mails; nil: there are no such routes
	// Settings is the process's configuration, shown to admins; it contains no secrets.
	Settings []api.Setting
	// Adopted reports the state of adopted tables; nil if there are none.
	Adopted console.AdoptedTables
	// TestPayments reports whether payments are in the provider's test mode.
	TestPayments bool
	Limits       *limit.Limiter // limits how often somebody may call; nil: unlimited
	// TrustedProxies are the networks of the proxies in front of the server. Only they may set a
	// request's id (X-Request-Id) and sender (X-Forwarded-For). Otherwise the sender is the address
	// that connects.
	TrustedProxies []netip.Prefix
	Clock          Clock // a test clock; nil: there is none
	// AllowedOrigins are the origins of other sites whose pages may call the API with a token: https://app.example.org.
	AllowedOrigins []string
}

// completed returns the options with defaults filled in. It returns Invalid if a required one is
// missing.
func (o Options) completed() (Options, error) {
	if o.Keeper == nil || o.Timeline == nil || o.Identity == nil || o.Once == nil || o.Keys == nil || o.Revocations == nil || o.Audit == nil || o.AuditReader == nil || o.Approvals == nil || o.Jobs == nil || o.SignIns.Store == nil || o.Ready == nil || o.Endpoints == nil || o.Deliveries == nil || o.Privacy.Store == nil || o.Directory.Store == nil || o.Directory.Find == nil || o.Directory.Lists == nil {
		return o, curfew.Errorf(curfew.Invalid, "a server needs Keeper, Timeline, Identity, Once, Keys, Revocations, Audit, AuditReader, Approvals, Jobs, SignIns.Store, Ready, Endpoints, Deliveries, Privacy.Store and Directory")
	}
	o.BaseURL = strings.TrimSuffix(o.BaseURL, "/")
	if o.LoginHint == "" || !auth.Local(o.BaseURL) {
		o.LoginHint = "curfew login"
	}
	o.RequestTimeout = cmp.Or(o.RequestTimeout, requestTimeout)
	o.AnswerWithin = cmp.Or(o.AnswerWithin, answerWithin)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Trace == nil {
		o.Trace = untraced
	}
	if o.Metrics == nil {
		o.Metrics = metrics.New()
	}
	return o, nil
}
