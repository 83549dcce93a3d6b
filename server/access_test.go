package server_test

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/server"
)

// A rule that was forgotten stops the start: its zero value lets nobody in, and
// everybody by mistake.
func TestARouteWithoutAnAccessRuleStopsTheStart(t *testing.T) {
	t.Parallel()
	const undecided, nobodys, itself = 0, 1, 2
	for sentence, test := range map[string]struct {
		err  error
		says string
	}{
		"no rule at all":                 {server.Refused("/api/x", undecided), "has no access rule"},
		"nobody may":                     {server.Refused("/api/x", nobodys), "has no access rule"},
		"it does not say whose":          {server.Refused("/api/x", undecided, curfew.Admin), "does not say whose"},
		"Curfew itself may":              {server.Refused("/api/x", nobodys, curfew.System), "no token has"},
		"a customer's, of anybody":       {server.Refused("/api/customers/{id}/x", nobodys, curfew.Customer, curfew.Admin), "does not say whose"},
		"a page for nobody":              {server.RefusedPage(), "page /page has no access rule"},
		"a route that is well":           {server.Refused("/api/customers/{id}/x", itself, curfew.Customer), ""},
		"an operator's, by its id":       {server.Refused("/api/debug/{id}", nobodys, curfew.Admin), ""},
		"a page that is somebody's":      {server.RefusedPage(curfew.Admin), ""},
		"a list for every role there is": {server.Refused("/api/x", nobodys, curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service), ""},
	} {
		if said := ""; test.err != nil || test.says != "" {
			if test.err != nil {
				said = test.err.Error()
			}
			if test.says == "" || !strings.Contains(said, test.says) {
				t.Errorf("%s: %q", sentence, said)
			}
		}
	}
}
