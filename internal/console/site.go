package console

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/forecast"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

// EndpointLister lists where webhooks go.
type EndpointLister interface {
	List(ctx context.Context) ([]record.Endpoint, error)
}

// DeliveryLister lists what was sent, and what is to be.
type DeliveryLister interface {
	List(ctx context.Context, s record.DeliverySearch) ([]record.Delivery, error)
}

// Options of a Site. All but Links, Adopted, Settings and SigninURL are required.
type Options struct {
	Keeper     *lifecycle.Keeper
	Timeline   *timeline.Explainer
	Directory  directory.Directory
	Gate       *auth.Gate
	Endpoints  EndpointLister
	Deliveries DeliveryLister
	Jobs       JobReader
	Keys       KeyLister
	Approvals  ApprovalLister
	TwoPersons bool // some actions need a second person
	Audit      AuditReader
	Links      Unsubscriptions // nil: links in mails lead nowhere
	Adopted    AdoptedTables   // nil: no table is adopted
	Settings   []api.Setting   // the settings of the process; no secrets
	// TestPayments reports whether payments are of the provider's test mode.
	TestPayments bool
	Version      string
	BaseURL      string // where callers reach the server
	LoginHint    string // the command that prints a sign-in link
	SigninURL    string // where customers and mechanics sign in; empty: pages refer them to the marketplace
	// SessionURL is where a session takes place, with {id} for its id; empty: pages link to none.
	SessionURL string
	Instead    Instead
	Forecasts  *forecast.Forecaster // nil disables them
	// TestPlan returns the plan of the test checkout, or why none can be sent.
	TestPlan func() (string, error)
	Timeout  time.Duration // of a request
	Logger   *slog.Logger
}

// Site serves the pages, and the way in and out. Its methods are safe for concurrent use.
type Site struct {
	keeper           *lifecycle.Keeper
	timeline         *timeline.Explainer
	directory        directory.Directory
	gate             *auth.Gate
	problems         problem.Writer
	endpoints        EndpointLister
	deliveries       DeliveryLister
	jobs             JobReader
	keys             KeyLister
	approvals        ApprovalLister
	twoPersons       bool
	audit            AuditReader
	links            Unsubscriptions
	adopted          AdoptedTables
	settings         []api.Setting
	pages            providerPages
	version, baseURL string
	hint, signinURL  string
	sessionURL       string
	instead          Instead
	forecasts        *forecast.Forecaster
	testPlan         func() (string, error)
	timeout          time.Duration
	log              *slog.Logger
	sent             renderings
}

// New returns the site. The error says which page lacks an access rule.
func New(o Options) (*Site, error) {
	s := &Site{
		keeper: o.Keeper, timeline: o.Timeline, directory: o.Directory, gate: o.Gate, problems: problem.Writer{Log: o.Logger, Page: ProblemPage}, endpoints: o.Endpoints,
		deliveries: o.Deliveries, jobs: o.Jobs, keys: o.Keys, approvals: o.Approvals, twoPersons: o.TwoPersons, audit: o.Audit, links: o.Links, adopted: o.Adopted, settings: o.Settings, pages: providerPages{o.TestPayments}, version: o.Version, baseURL: o.BaseURL, hint: o.LoginHint, signinURL: o.SigninURL, sessionURL: o.SessionURL, instead: o.Instead, forecasts: o.Forecasts, testPlan: o.TestPlan,
		timeout: o.Timeout, log: o.Logger,
	}
	return s, everyViewHasAccess(append(s.views(), s.overview()))
}

// view is one page: its address, who may see it, and what it shows.
type view struct {
	path, template, title string
	roles                 []curfew.Role
	purpose               string // what is said to those who may not see it
	read                  func(context.Context, *http.Request, curfew.Actor) (any, error)
}

// views returns every page that needs somebody who is signed in, except the overview.
func (s *Site) views() []view {
	const c, m, a = curfew.Customer, curfew.Mechanic, curfew.Admin
	admins := []curfew.Role{a}
	return []view{
		{"/" + CleanupPage, CleanupPage, "Cleanup", admins, "The session cleanup is for admins.", s.cleanupView},
		{"/console/job", JobPage, "Job", admins, "The console is for admins.", s.jobView},
		{"/console/sessions", SessionsPage, "Sessions", admins, "The console is for admins.", s.sessionsView},
		{"/console/session", SessionPage, "Session", admins, "The console is for admins.", s.sessionView},
		{"/console/mechanic", WorkerPage, "Mechanic", admins, "The console is for admins.", s.workerView},
		{"/console/customer", CustomerPage, "Customer", admins, "The console is for admins.", s.customerView},
		{"/console/payments", PaymentsPage, "Payments", admins, "The console is for admins.", s.paymentsView},
		{"/console/deliveries", DeliveriesPage, "Deliveries", admins, "The console is for admins.", s.deliveriesView},
		{"/console/endpoint", EndpointPage, "Endpoint", admins, "The console is for admins.", s.endpointPageView},
		{"/console/keys", KeysPage, "Keys", admins, "The console is for admins.", s.keysView},
		{"/console/approvals", ApprovalsPage, "Approvals", admins, "The console is for admins.", s.approvalsView},
		{"/console/audit", AuditPage, "Audit log", admins, "The console is for admins.", s.auditView},
		{"/console/adopted", AdoptedPage, "Adopted tables", admins, "The console is for admins.", s.adoptedView},
		{"/console/settings", SettingsPage, "Settings", admins, "The console is for admins.", s.settingsView},
		{"/" + ClearPage, ClearPage, "Open sessions", []curfew.Role{c, a}, "This page shows customers their open sessions, and lets them end them.", s.mineView},
		{"/" + MechanicPage, MechanicPage, "Queue", []curfew.Role{m, a}, "The queue is for mechanics.", s.mechanicView},
	}
}

// overview returns the page at /, which redirects everybody but admins to their own page.
func (s *Site) overview() view {
	return view{"/{$}", OverviewPage, "Overview", []curfew.Role{curfew.Admin}, "The console is for admins.", s.overviewView}
}

// PageRoute is a page as a route: where it is, who may see it, and what serves it. Serve asks everybody else to sign in.
type PageRoute struct {
	Path  string
	Name  string
	Roles []curfew.Role
	Serve http.HandlerFunc
}

// Pages returns the pages that need somebody who is signed in.
func (s *Site) Pages() []PageRoute {
	overview := s.overview()
	all := []PageRoute{{overview.path, overview.template, overview.roles, s.home}}
	for _, v := range s.views() {
		all = append(all, PageRoute{v.path, v.template, v.roles, func(w http.ResponseWriter, r *http.Request) { s.show(w, r, v) }})
	}
	return all
}

// everyViewHasAccess refuses a page without an access rule: a forgotten rule must not take effect through its zero
// value.
func everyViewHasAccess(all []view) error {
	for _, v := range all {
		if len(v.roles) == 0 {
			return curfew.Errorf(curfew.Internal, "page %s has no access rule: it must say who may see it", v.path)
		}
	}
	return nil
}

// home shows the overview to admins, and redirects everybody else to their own page.
func (s *Site) home(w http.ResponseWriter, r *http.Request) {
	if who, err := s.gate.Browser(r); err == nil && home(who.Role) != "/" {
		http.Redirect(w, r, home(who.Role), http.StatusSeeOther)
		return
	}
	s.show(w, r, s.overview())
}

// home returns the address of a role's page.
func home(role curfew.Role) string {
	switch role {
	case curfew.Customer:
		return "/" + ClearPage
	case curfew.Mechanic:
		return "/" + MechanicPage
	}
	return "/"
}

// errWhose means that an admin has to say which customer the page is about.
var errWhose = errors.New("no customer is named")

// show responds with a page. Those who may not see it are asked to sign in.
func (s *Site) show(w http.ResponseWriter, r *http.Request, v view) {
	ctx, cancel := context.WithTimeout(r.Context(), s.timeout)
	defer cancel()
	p, err := s.shell(r.WithContext(ctx), v)
	if err != nil {
		s.unreadable(w, r, p, err)
		return
	}
	if !p.SignedIn || !slices.Contains(v.roles, curfew.Role(p.Role)) {
		p.Message = v.purpose
		status := http.StatusForbidden
		if !p.SignedIn {
			p.SigninURL, p.LoginHint = s.signin(v)
			s.remember(w, r)
			status = http.StatusOK
		}
		s.page(w, r, status, SignInPage, p)
		return
	}
	shown, err := v.read(ctx, r, problem.RequestOf(ctx).Actor)
	if errors.Is(err, errWhose) {
		s.page(w, r, http.StatusOK, WhosePage, p)
		return
	}
	if err != nil {
		s.unreadable(w, r, p, err)
		return
	}
	p.View = shown
	s.page(w, r, http.StatusOK, v.template, p)
}

// signin says how somebody signs in who may see a page: at the marketplace, or with the command for operators. An empty
// address or command is not for them, or not known. The page at / is everybody's.
func (s *Site) signin(v view) (address, command string) {
	if v.template == OverviewPage {
		return s.signinURL, s.hint
	}
	if len(v.roles) == 1 && v.roles[0] == curfew.Admin {
		return "", s.hint
	}
	if s.signinURL != "" {
		return s.signinURL, ""
	}
	return "", s.hint
}

// unreadable responds with a page that says why there is nothing to show.
func (s *Site) unreadable(w http.ResponseWriter, r *http.Request, p Page, err error) {
	f := s.problems.From(r.Context(), err)
	p.Message, p.View = f.Detail, unreadableOf(f.Status)
	maps.Copy(w.Header(), f.Header)
	s.page(w, r, f.Status, UnreadablePage, p)
}

// shell returns the page without its content: what it says about its reader. It fails if the reader cannot be determined.
func (s *Site) shell(r *http.Request, v view) (Page, error) {
	p := Page{
		Title: v.title, Path: strings.TrimSuffix(v.path, "{$}"), Query: r.URL.Query().Get("q"),
		Now: time.Now().UTC(),
	}
	who, err := s.gate.Browser(r)
	limited := s.gate.Count(r, who, limit.Reads, err)
	switch {
	case limited != nil:
		return p, limited
	case curfew.KindOf(err) == curfew.Unauthenticated && err != nil:
		return p, nil
	case err != nil:
		return p, err
	}
	problem.RequestOf(r.Context()).Actor = who
	p.SignedIn, p.Role, p.Subject, p.Version = true, string(who.Role), who.ID, s.version
	p.ID = rand.Text()
	return p, nil
}

// BaseHeader names the page that a script has, so that it gets what has changed since.
const BaseHeader = "Curfew-Page"

func (s *Site) page(w http.ResponseWriter, r *http.Request, status int, name string, p Page) {
	var text bytes.Buffer
	if err := Pages().ExecuteTemplate(&text, name, p); err != nil {
		s.problems.Answer(w, r, err)
		return
	}
	// Curfew's own texts contain no invisible characters; in texts of others they are made visible.
	page := curfew.Visible(text.String())
	if p.ID != "" {
		page = s.since(r.Header.Get(BaseHeader), p, page)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := io.WriteString(w, page); err != nil { //nolint:gosec // G705: of the header only an id that one of our pages had
		s.log.DebugContext(r.Context(), "a page was not read", "request_id", problem.RequestOf(r.Context()).ID, "error", err)
	}
}

// since returns what of a page has changed since its reader's last one, or all of it if that is not known here.
func (s *Site) since(base string, p Page, page string) string {
	reader, sent := p.Role+" "+p.Subject, page
	if old := s.sent.of(base, reader); old != "" {
		text, changed := delta(old, page)
		if !changed {
			return strings.Replace(text, p.ID, base, 1) // they still have it
		}
		sent = cmp.Or(text, page)
	}
	s.sent.remember(p.ID, rendering{reader, page})
	return sent
}
