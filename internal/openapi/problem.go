package openapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/problem"
)

// uniteProblems makes a union of the problems by their code. Each has the statuses that it comes with, and the members
// that only it has.
func (d description) uniteProblems() {
	failed := []string{"success", "message", "runId", "stats", "drifted"}
	var all []variant
	for _, k := range curfew.Kinds() {
		status, title, _ := problem.Meaning(k)
		v := variant{value: string(k), doc: title, exchange: statuses(status)}
		switch k {
		case curfew.Invalid:
			v.exchange = statuses(http.StatusBadRequest, status)
		case curfew.SessionOpen, curfew.MechanicBusy:
			v.has, v.may = []string{"session", "actions"}, []string{"releasesAt"}
		case curfew.Unavailable:
			v.may = []string{"requestId"}
		case curfew.Internal:
			v.has, v.may = []string{"requestId"}, failed
			v.doc += ". A failed cleanup adds what it had committed"
		}
		all = append(all, v)
	}
	all = append(all, variant{value: problem.MethodNotAllowed, doc: "Another method", exchange: statuses(http.StatusMethodNotAllowed)})
	d.unite("Problem", "code", all)
}

// statuses is the status of a problem that comes with these.
func statuses(those ...int) map[string]*huma.Schema {
	status := &huma.Schema{Type: huma.TypeInteger, Description: "The HTTP status"}
	for _, s := range those {
		status.Enum = append(status.Enum, s)
	}
	return map[string]*huma.Schema{"status": status}
}
