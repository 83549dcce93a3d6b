package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/directory"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/lifecycle"
)

// blind is a store whose figures cannot be read.
type blind struct{ lifecycle.Store }

var errBlind = errors.New("blind")

func (blind) SessionFigures(context.Context, curfew.Policy) (curfew.SessionFigures, error) {
	return curfew.SessionFigures{}, errBlind
}

func (blind) MechanicFigures(context.Context) (curfew.MechanicFigures, error) {
	return curfew.MechanicFigures{}, errBlind
}

func (blind) Heartbeats(context.Context) (curfew.Heartbeats, error) {
	return curfew.Heartbeats{}, errBlind
}

func (blind) Repeated(context.Context, int, time.Duration) ([]curfew.Repeated, error) {
	return nil, errBlind
}

func (blind) HealthDetails(context.Context, curfew.Policy, int) (curfew.HealthDetails, error) {
	return curfew.HealthDetails{}, errBlind
}

// operator asks the listener for operators.
func (h *fixture) operator(path string) (int, string) {
	h.Helper()
	resp, err := http.Get(h.ops.URL + path)
	must(h.T, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	must(h.T, err)
	return resp.StatusCode, string(text)
}

func TestReadyWhenTheDatabaseIs(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	if status, _ := h.operator("/readyz"); status != http.StatusOK {
		t.Errorf("ready: %d", status)
	}
	h.notReady.Store(true)
	if status, body := h.operator("/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "the schema is behind") {
		t.Errorf("not ready: %d %s", status, body)
	}
	if status, _ := h.operator("/livez"); status != http.StatusOK {
		t.Errorf("alive: %d", status)
	}
	if status, _ := h.operator("/debug/pprof/goroutine?debug=1"); status != http.StatusOK {
		t.Errorf("pprof: %d", status)
	}
}

// The description is OpenAPI 3.1 of exactly the routes and the webhook, and no link leads elsewhere.
func TestTheDescription(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{hooks: httpapi.Hooks{Stripe: hook{}}})
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			Parameters []struct{ Name, In string }
			Security   []any
			Responses  map[string]any
		}
		Components struct{ Schemas map[string]any }
	}
	must(t, json.Unmarshal([]byte(h.send("GET", "/openapi.json", "").body), &doc))
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || doc.Components.Schemas["Problem"] == nil || doc.Components.Schemas["ErrorModel"] != nil {
		t.Errorf("%s with %v", doc.OpenAPI, slices.Sorted(maps.Keys(doc.Components.Schemas)))
	}
	n := 0
	for _, route := range httpapi.RouteTable() {
		op := doc.Paths[route.Path][strings.ToLower(route.Method)]
		if op.Responses["default"] == nil || len(op.Responses) < 2 {
			t.Errorf("%s %s: %v", route.Method, route.Path, op)
		}
	}
	for _, methods := range doc.Paths {
		n += len(methods)
	}
	if n != len(httpapi.RouteTable())+2 {
		t.Errorf("%d operations for %d routes and the two webhooks", n, len(httpapi.RouteTable()))
	}
	op := doc.Paths["/api/stripe/webhook"]["post"]
	for _, status := range []string{"204", "400", "404", "413", "503", "default"} {
		if op.Responses[status] == nil {
			t.Errorf("the webhook's %s is not documented", status)
		}
	}
	if len(op.Parameters) != 1 || op.Parameters[0].Name != "X-Bank-Signature" || op.Parameters[0].In != "header" || op.Security == nil || len(op.Security) > 0 {
		t.Errorf("the webhook is %+v", op)
	}
	page := h.send("GET", "/docs", "")
	if !strings.Contains(page.body, "POST /api/stripe/webhook") || !strings.Contains(page.body, "X-Bank-Signature") {
		t.Error("/docs does not know the webhook")
	}
	for _, route := range httpapi.RouteTable() {
		if !strings.Contains(page.body, route.Method+" "+route.Path) {
			t.Errorf("/docs does not know %s %s", route.Method, route.Path)
		}
	}
	for _, k := range curfew.Kinds() {
		if !strings.Contains(page.body, `id="`+string(k)+`"`) {
			t.Errorf("/docs does not explain %s", k)
		}
	}
	if away := regexp.MustCompile(`(src|href)="(https?:)?//`).FindString(page.body); away != "" || strings.Contains(page.body, "<script") {
		t.Errorf("/docs needs something from elsewhere: %s", away)
	}
}

// S61, S62: nothing personal or secret, and no text that somebody wrote, is in the log.
func TestS61_TheLogIsDiscreet(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	token := h.token(curfew.Service, "shop")
	link := h.ticketPath(anna)
	h.send("GET", link, "")
	h.redeem(link)
	h.send("POST", "/api/checkouts", `{"paymentRef":"ref-canary","customerId":"c","plan":"chat10","name":"name-canary","email":"mail-canary@example.org","metadata":{"k":"meta-canary"}}`, "Authorization: Bearer "+token)
	h.send("POST", "/api/checkouts", `{"paymentRef":"ref-canary","customerId":"other","plan":"chat10"}`, "Authorization: Bearer "+token)
	h.send("GET", "/query-canary?x=query-canary", "", "Authorization: Bearer header-canary", "Cookie: __Host-curfew=cookie-canary")
	h.send("GET", "/api/customers/path-canary/session-status", "", "X-Request-Id: id\tcanary")
	log := h.log.String()
	for _, canary := range []string{
		token, strings.TrimPrefix(link, "/login?ticket="), "ref-canary", "name-canary", "mail-canary", "meta-canary", "query-canary",
		"header-canary", "cookie-canary", "path-canary", "id\tcanary",
	} {
		if strings.Contains(log, canary) {
			t.Errorf("%s is in the log", canary)
		}
	}
	if !strings.Contains(log, `"route":"POST /api/checkouts","status":201`) {
		t.Errorf("the visit is not in the log: %s", log)
	}
}

// A request that takes too long says so, instead of hanging.
func TestTimeRunsOut(t *testing.T) {
	t.Parallel()
	h := newFixtureWith(t, settings{timeout: time.Millisecond, store: func(s lifecycle.Store) lifecycle.Store { return slow{s} }})
	got := h.sendAs(curfew.Admin, "anna", "GET", "/api/customers/c/session-status", "")
	if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

// slow is a store that never answers by itself.
type slow struct{ lifecycle.Store }

func (slow) Open(ctx context.Context, _ string) (curfew.Snapshot, error) {
	<-ctx.Done()
	return curfew.Snapshot{}, ctx.Err()
}

// Where the platform gives one port, strangers learn there whether it is ready, and nothing else.
func TestOnePortTellsStrangersNothing(t *testing.T) {
	t.Parallel()
	one, two := newFixtureWith(t, settings{onePort: true}), newFixture(t)
	for path, want := range map[string]map[curfew.Role]int{
		"/livez":                {"": 200, curfew.Customer: 200},
		"/readyz":               {"": 200, curfew.Customer: 200},
		"/metrics":              {"": 401, curfew.Customer: 403, curfew.Mechanic: 403, curfew.Service: 200, curfew.Admin: 200},
		"/debug/pprof/":         {"": 404, curfew.Admin: 404},
		"/debug/pprof/cmdline":  {"": 404, curfew.Admin: 404},
		"/metrics?name=curfew_": {curfew.Admin: 422},
	} {
		for role, status := range want {
			ask := func(h *fixture) answer {
				if role == "" {
					return h.send("GET", path, "")
				}
				return h.sendAs(role, "somebody", "GET", path, "")
			}
			if got := ask(one); got.status != status {
				t.Errorf("%s as %q: %d %s, want %d", path, role, got.status, got.body, status)
			}
			if got := ask(two); got.status != http.StatusNotFound {
				t.Errorf("with a port for operators, %s as %q: %d", path, role, got.status)
			}
		}
	}
	one.notReady.Store(true)
	if got := one.send("GET", "/readyz", ""); got.status != http.StatusServiceUnavailable || strings.TrimSpace(got.body) != "not ready" {
		t.Errorf("not ready: %d %s", got.status, got.body)
	}
}

// A page whose name leads to this machine reads nothing of it, also before the service is built.
func TestOperatorsCallTheirOwnMachine(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	server := httpapi.NewOpsServer("", h.server.Ops(), slog.New(slog.DiscardHandler))
	h.background(func(context.Context) error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	t.Cleanup(func() { _ = server.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:" + port: 200, "localhost": 200, "localhost:" + port: 200, "[::1]:" + port: 200,
		"evil.example": 421, "evil.example:" + port: 421, "127.0.0.1.nip.io": 421, "localhost.evil.example": 421, "10.1.2.3": 421, "": 200,
	} {
		for _, path := range []string{"/metrics", "/livez", "/debug/pprof/cmdline"} {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
			must(t, err)
			_, err = fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host)
			must(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			must(t, err)
			if resp.StatusCode != want {
				t.Errorf("%s of %q: %d, want %d", path, host, resp.StatusCode, want)
			}
			must(t, errors.Join(resp.Body.Close(), conn.Close()))
		}
	}
}

// S13, S14: the listeners have every limit.
func TestS13_ListenersHaveLimits(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	s, err := httpapi.New(httpapi.Options{
		Keeper: h.keeper, Timeline: h.timeline, Directory: directory.New(h.store), Identity: h.identity, Once: h.store, Keys: h.store, Revocations: h.store, Audit: h.audit, AuditReader: h.store, Approvals: h.store, Jobs: h.store, SignIns: auth.SignInOptions{Store: h.store}, Privacy: privacy.Service{Store: h.store}, Ready: h.ready,
		Endpoints: webhook.Endpoints{Store: h.store}, Deliveries: notify.Deliveries{Store: h.store},
	})
	must(t, err)
	for _, l := range []*http.Server{s.HTTPServer("127.0.0.1:0"), httpapi.NewOpsServer("127.0.0.1:0", s.Ops(), slog.New(slog.DiscardHandler))} {
		if l.ReadHeaderTimeout != 5*time.Second || l.ReadTimeout == 0 || l.WriteTimeout == 0 || l.IdleTimeout == 0 || l.MaxHeaderBytes != 64<<10 {
			t.Errorf("%+v", l)
		}
	}
	if _, err := httpapi.New(httpapi.Options{}); !errors.Is(err, curfew.Invalid) {
		t.Errorf("a server of nothing: %v", err)
	}
}
