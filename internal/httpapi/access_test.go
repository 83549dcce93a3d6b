package httpapi_test

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/httpapi"
)

// A forgotten rule stops the start: its zero value must admit neither nobody nor everybody.
func TestARouteWithoutAnAccessRuleStopsTheStart(t *testing.T) {
	t.Parallel()
	const undecided, nobodys, itself = 0, 1, 2
	for sentence, test := range map[string]struct {
		err  error
		says string
	}{
		"no rule at all":                 {httpapi.Refused("/api/x", undecided), "has no access rule"},
		"nobody may":                     {httpapi.Refused("/api/x", nobodys), "has no access rule"},
		"it does not say whose":          {httpapi.Refused("/api/x", undecided, curfew.Admin), "does not say whose"},
		"Curfew itself may":              {httpapi.Refused("/api/x", nobodys, curfew.System), "no token has"},
		"a customer's, of anybody":       {httpapi.Refused("/api/customers/{id}/x", nobodys, curfew.Customer, curfew.Admin), "does not say whose"},
		"a route that is well":           {httpapi.Refused("/api/customers/{id}/x", itself, curfew.Customer), ""},
		"an operator's, by its id":       {httpapi.Refused("/api/debug/{id}", nobodys, curfew.Admin), ""},
		"open, and for roles":            {httpapi.RefusedOpen("everybody", curfew.Admin), "one or the other"},
		"open to whom it names":          {httpapi.RefusedOpen("everybody"), ""},
		"neither open nor for a role":    {httpapi.RefusedOpen(""), "has no access rule"},
		"a list for every role there is": {httpapi.Refused("/api/x", nobodys, curfew.Customer, curfew.Mechanic, curfew.Admin, curfew.Service), ""},
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
