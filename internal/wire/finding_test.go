package wire

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

func TestEveryFindingHasAFix(t *testing.T) {
	t.Parallel()
	fixed := slices.Collect(maps.Keys(fixes))
	for _, code := range lifecycle.Codes() {
		if !slices.Contains(fixed, code) {
			t.Errorf("%s has no fix", code)
			continue
		}
		h := Health(lifecycle.Report{
			Health: lifecycle.IssuesDetected, Findings: []lifecycle.Finding{{Code: code, Problem: "p", Count: 1}},
			Repeated: []curfew.Repeated{{CustomerID: "o'neil & sons/1"}},
		}, "v", "http://127.0.0.1:3001")
		line := h.Findings[0].Fix
		if line == "" || !slices.Equal(h.Recommendations, []string{line}) || h.Findings[0].Sessions == nil {
			t.Errorf("%s: %+v", code, h.Findings)
		}
		if strings.HasPrefix(line, "curl") && !strings.Contains(line, `--oauth2-bearer $(curfew token --role admin --subject me)`) {
			t.Errorf("%s: %s cannot be pasted", code, line)
		}
		var text strings.Builder
		as := json.NewEncoder(&text)
		as.SetEscapeHTML(false) // as our answers are
		if err := as.Encode(line); err != nil || text.String() != `"`+line+"\"\n" {
			t.Errorf("%s: %s cannot be pasted from JSON, where it is %s", code, line, &text)
		}
	}
	if len(fixed) != len(lifecycle.Codes()) {
		t.Errorf("%d fixes for %d codes", len(fixed), len(lifecycle.Codes()))
	}
}
