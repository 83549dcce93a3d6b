package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/console"
)

// RouteLine is what the tests need of a route.
type RouteLine struct {
	Method, Path   string
	Name           string
	Roles          []curfew.Role
	Params, Fields []string
}

// RouteTable is every route that the gate guards, and its documentation describes.
func RouteTable() []RouteLine {
	var all []RouteLine
	for _, rt := range routes(handlers{site: &console.Site{}}) {
		if rt.described && rt.open == "" {
			all = append(all, RouteLine{rt.method, rt.path, rt.name, rt.access.Roles, rt.params, rt.fields})
		}
	}
	return all
}

// OpenPaths is every route of the API that the gate does not guard, with its path.
func OpenPaths() map[string]string {
	all := map[string]string{}
	for _, rt := range routes(handlers{site: &console.Site{}}) {
		if rt.open != "" && strings.HasPrefix(rt.path, "/api/") {
			all[rt.pattern()] = rt.path
		}
	}
	return all
}

// Sender returns the address that a request comes from behind proxies of these networks.
func Sender(trusted []netip.Prefix, r *http.Request) (from netip.Addr, byProxy bool) {
	return proxies(trusted).sender(r)
}

// Sample records the present health for the charts.
func (s *Server) Sample(ctx context.Context) { s.history.Record(ctx) }

// Recall records for the charts what was before the server.
func (s *Server) Recall(ctx context.Context) { s.history.Recall(ctx) }

// Refused returns the error at the start of a server whose table has such a route. Relations are numbered in their order.
func Refused(path string, relates int, roles ...curfew.Role) error {
	return everyRouteHasAccess([]route{{method: "GET", path: path, access: auth.Access{Roles: roles, Relation: auth.Relation(relates)}}})
}

// RefusedOpen is Refused for a route that the gate does not guard.
func RefusedOpen(open string, roles ...curfew.Role) error {
	return everyRouteHasAccess([]route{{method: "GET", path: "/x", open: open, access: auth.Access{Roles: roles}}})
}

// Quicken shortens the times of streams. Call it before the server serves.
func (s *Server) Quicken(heartbeat, writing time.Duration) { s.streams.Pace(heartbeat, writing) }

// KeepUse writes which API keys were used.
func (s *Server) KeepUse(ctx context.Context) error { return s.keys.KeepUse(ctx) }

// Unaudited returns the routes that admins may use and that leave nothing in the audit log.
func Unaudited() []string {
	var all []string
	for _, rt := range routes(handlers{site: &console.Site{}}) {
		if rt.open == "" && slices.Contains(rt.access.Roles, curfew.Admin) {
			if _, ok := newAuditor(nil, []route{rt}).actions[rt.pattern()]; !ok {
				all = append(all, rt.pattern())
			}
		}
	}
	return all
}
