package httpapi

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/limit"
)

// cleanupTimeout limits how long the slowest routes may take to answer.
const cleanupTimeout = time.Minute

// route is one line of the table in routes.go.
type route struct {
	method, path string
	access       auth.Access   // the callers that the gate admits
	open         string        // who may use a route that the gate does not guard, and by what proof; empty: it is guarded
	described    bool          // is part of the documentation
	name         string        // the operation's id
	summary      string        // what it does, for the documentation
	statuses     []int         // of success, the usual one first; empty: various
	isJob        bool          // answers with a job where its work takes longer
	approved     bool          // only once another admin has approved it, where a setting asks for that
	content      string        // the type of an answer that is no JSON
	timeout      time.Duration // of the answer; 0: the router's
	progress     string        // where to read the state of a long task that outlives its answer; empty: the route has none
	fields       []string      // that its body may have
	params       []string      // that its query may have
	isPage       bool
	isImpersonal bool // it shows nothing personal, so the audit log does not note its readers
	mount        func(*router, route)
}

// plain makes an undocumented route from a handler that authenticates its callers itself.
func plain(method, path, open string, handle http.HandlerFunc) route {
	return route{
		method: method, path: path, open: open,
		mount: func(to *router, rt route) { to.mux.HandleFunc(rt.pattern(), handle) },
	}
}

// page makes a route for a page. Callers without access are not refused: the page asks them to sign
// in.
func page(path, name string, roles []curfew.Role, handle http.HandlerFunc) route {
	rt := plain(http.MethodGet, path, "", handle)
	rt.access, rt.isPage = allow(auth.Nobodys, roles...), true
	rt.access.Name = "page:" + strings.TrimSuffix(name, ".html")
	return rt
}

// allow returns an access rule: the roles, and who must own what the path names.
func allow(r auth.Relation, roles ...curfew.Role) auth.Access {
	return auth.Access{Roles: roles, Relation: r}
}

// named adds to an access rule the names by which an API key can be bound to its route: the
// operation's id and the first part of the path.
func named(a auth.Access, name, path string) auth.Access {
	a.Name, a.Group = name, strings.Split(path, "/")[2]
	return a
}

// keyRoutes returns what API keys can be bound to: the routes that services may use, for themselves
// or on behalf of somebody.
func keyRoutes(table []route) []auth.RouteName {
	var all []auth.RouteName
	for _, rt := range table {
		if rt.access.Name != "" && slices.ContainsFunc(rt.access.Roles, func(r curfew.Role) bool { return r == curfew.Service || personal(r) }) {
			all = append(all, auth.RouteName{Name: rt.access.Name, Group: rt.access.Group})
		}
	}
	return append(all, auth.ActingNames()...)
}

// answers sets the success statuses, the usual one first.
func (rt route) answers(statuses ...int) route {
	rt.statuses = statuses
	return rt
}

// approvable marks a route for which the settings may require a second admin's approval.
func (rt route) approvable() route {
	rt.approved = true
	return rt
}

// job makes the route answer with a job if its work takes longer.
func (rt route) job() route {
	rt.isJob = true
	return rt
}

// within sets how long the route may take to answer.
func (rt route) within(timeout time.Duration) route {
	rt.timeout = timeout
	return rt
}

// writes sets the content type of an answer that is not JSON.
func (rt route) writes(content string) route {
	rt.content = content
	return rt
}

// whole lets the route's work continue after the time for its answer is over. The answer then says
// where to read its state.
func (rt route) whole(progress string) route {
	rt.progress = progress
	return rt
}

// impersonal keeps the route out of the audit log, because it shows nothing personal.
func (rt route) impersonal() route {
	rt.isImpersonal = true
	return rt
}

// unlimited exempts the route from rate limits.
func (rt route) unlimited() route {
	rt.access.Class = limit.Unlimited
	return rt
}

// classOf returns the class in which the calls of a method are counted.
func classOf(method string) limit.Class {
	if method == http.MethodGet {
		return limit.Reads
	}
	return limit.Writes
}

// pattern names the route as http.ServeMux and the metrics do.
func (rt route) pattern() string { return rt.method + " " + rt.path }

// mountAll mounts every route of a table. It rejects a table in which a route lacks an access rule.
func mountAll(table []route, to *router) error {
	if err := everyRouteHasAccess(table); err != nil {
		return err
	}
	for _, rt := range table {
		rt.timeout = cmp.Or(rt.timeout, to.timeout)
		rt.mount(to, rt)
	}
	return nil
}

// everyRouteHasAccess rejects a table in which a route has no access rule, or one that admits
// everybody by mistake: the zero value of a forgotten rule must not take effect.
func everyRouteHasAccess(table []route) error {
	for _, rt := range table {
		if problem := accessProblem(rt); problem != "" {
			return curfew.Errorf(curfew.Internal, "route %s %s", rt.pattern(), problem)
		}
	}
	return nil
}

// accessProblem says what is wrong with a route's access rule; "" if it is valid.
func accessProblem(rt route) string {
	roles := rt.access.Roles
	switch {
	case rt.open != "" && len(roles) > 0:
		return "is open, and for roles: it must be one or the other"
	case rt.open != "":
		return ""
	case len(roles) == 0:
		return "has no access rule: it must say who may use it"
	case slices.ContainsFunc(roles, func(r curfew.Role) bool { return !slices.Contains(auth.Roles, r) }):
		return "is for a role that no token has"
	case rt.access.Relation == auth.Undecided:
		return "does not say whose it must be"
	case strings.Contains(rt.path, "{id}") && rt.access.Relation == auth.Nobodys && slices.ContainsFunc(roles, personal):
		return "names something, and does not say whose it must be"
	}
	return ""
}

// personal reports whether a role reaches only what is its own.
func personal(r curfew.Role) bool { return r == curfew.Customer || r == curfew.Mechanic }

// users says who may use a route, for the documentation.
func (rt route) users() string {
	if rt.open != "" {
		return rt.open
	}
	names := make([]string, len(rt.access.Roles))
	for i, r := range rt.access.Roles {
		names[i] = string(r)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
