package console

import (
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

// A rule that was forgotten stops the start.
func TestAPageWithoutAnAccessRuleStopsTheStart(t *testing.T) {
	t.Parallel()
	err := everyViewHasAccess([]view{{path: "/page"}})
	if err == nil || !strings.Contains(err.Error(), "page /page has no access rule") {
		t.Errorf("a page without an access rule: got error %v", err)
	}
	if err := everyViewHasAccess([]view{{path: "/page", roles: []curfew.Role{curfew.Admin}}}); err != nil {
		t.Errorf("a page that is somebody's: %v", err)
	}
}
