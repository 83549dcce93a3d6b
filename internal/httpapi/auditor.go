package httpapi

import (
	"net/http"
	"slices"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
)

// auditor notes what admins do and look at, and who signs in and out.
type auditor struct {
	log     *audit.Log
	actions map[string]audited // by the route's pattern; missing routes are not noted
}

// audited says how the audit log names a route.
type audited struct {
	action, via string
	anybody     bool // note every caller, not only admins
	look        bool // it changes nothing
}

// newAuditor returns the auditor for a table of routes. It notes every route that admins may use,
// unless the route is impersonal.
func newAuditor(log *audit.Log, table []route) auditor {
	a := auditor{log, map[string]audited{
		"POST /login":  {action: "signIn", via: audit.ViaPage, anybody: true},
		"POST /logout": {action: "signOut", via: audit.ViaPage, anybody: true},
	}}
	for _, rt := range table {
		if rt.isImpersonal || !slices.Contains(rt.access.Roles, curfew.Admin) {
			continue
		}
		via := audit.ViaAPI
		if rt.isPage {
			via = audit.ViaPage
		}
		a.actions[rt.pattern()] = audited{action: rt.access.Name, via: via, look: rt.method == http.MethodGet}
	}
	return a
}

// note adds an answered request to the audit log if its route is audited. It never blocks.
func (a auditor) note(info *problem.RequestInfo, route string, status int) {
	rule, ok := a.actions[route]
	if !ok || info.Actor.Role == "" || !rule.anybody && info.Actor.Role != curfew.Admin || status == http.StatusTooManyRequests {
		return
	}
	e := record.AuditEntry{Actor: info.Actor, Action: rule.action, Via: rule.via, Status: status, RequestID: info.ID}
	e.About.Customer, e.About.Object, e.About.Detail = info.Subject()
	if e.Actor.Role == curfew.Customer { // customers can be erased
		e.Actor.ID, e.About.Customer = "", info.Actor.ID
	}
	if rule.look {
		a.log.NoteLook(e)
		return
	}
	a.log.Note(e)
}
