package httpapi

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/problem"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// auditor notes what admins do and look at, and who signs in and out.
type auditor struct {
	log     *audit.Log
	actions map[string]audited // by a route's pattern; a route that is missing is not noted
}

// audited is what a route is called in the audit log.
type audited struct {
	action, via string
	anybody     bool // whoever calls it, not admins alone
	look        bool // it changes nothing
}

// newAuditor returns the auditor of a table of routes: of every route that admins may use, unless it tells of nobody.
func newAuditor(log *audit.Log, table []route) auditor {
	a := auditor{log, map[string]audited{
		"POST /login":  {action: "signIn", via: audit.ViaPage, anybody: true},
		"POST /logout": {action: "signOut", via: audit.ViaPage, anybody: true},
	}}
	for _, rt := range table {
		if rt.tellsNobody || !slices.Contains(rt.access.Roles, curfew.Admin) {
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

// note notes a request that was answered, if it is worth that. It never waits.
func (a auditor) note(info *problem.RequestInfo, route string, status int) {
	rule, ok := a.actions[route]
	if !ok || info.Actor.Role == "" || !rule.anybody && info.Actor.Role != curfew.Admin || status == http.StatusTooManyRequests {
		return
	}
	e := record.AuditEntry{Actor: info.Actor, Action: rule.action, Via: rule.via, Status: status, RequestID: info.ID}
	e.About.Customer, e.About.Object, e.About.Detail = info.Subject()
	if e.Actor.Role == curfew.Customer { // who can be erased
		e.Actor.ID, e.About.Customer = "", info.Actor.ID
	}
	if rule.look {
		a.log.NoteLook(e)
		return
	}
	a.log.Note(e)
}

// AuditReader reads the audit log.
type AuditReader interface {
	AuditEntries(ctx context.Context, q record.AuditSearch) ([]record.AuditEntry, error)
}

// auditHandlers handle the audit log.
type auditHandlers struct {
	reader AuditReader
}

type auditInput struct {
	Actor   string    `query:"actor" maxLength:"200" doc:"Only what this actor did, as role:id"`
	Subject string    `query:"subject" maxLength:"128" doc:"Only what is about this customer"`
	Action  string    `query:"action" maxLength:"64" doc:"Only this action: an operationId, or page: and a page's name"`
	Since   time.Time `query:"since" doc:"Only what happened from then on"`
	Cursor  string    `query:"cursor" maxLength:"20" doc:"The nextCursor of the page before"`
	Limit   int       `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"The length of a page"`
}

func (h auditHandlers) list(ctx context.Context, _ auth.Request, in *auditInput) (*response[wire.AuditPage], error) {
	search := record.AuditSearch{Actor: in.Actor, Customer: in.Subject, Action: in.Action, Since: in.Since, Limit: in.Limit + 1}
	if in.Cursor != "" {
		var err error
		if search.After, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || search.After < 1 {
			return nil, problem.Malformed("cursor is none that Curfew gave: leave it out for the first page")
		}
	}
	problem.RequestOf(ctx).Describe(in.Subject, "", "")
	found, err := h.reader.AuditEntries(ctx, search)
	return okay(wire.AuditEntries(found, in.Limit), err)
}

// Operations returns the names of all operations, as the audit log has them.
func Operations() []string {
	var all []string
	for _, rt := range slices.Concat(apiRoutes(handlers{}), credentialRoutes(handlers{})) {
		all = append(all, rt.name)
	}
	return all
}
