package httpapi_test

import (
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/lifecycle"
)

// Health reports what the key server's state means.
func TestHealthTellsOfTheKeyServer(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 27, 20, 30, 0, 0, time.UTC)
	for sentence, test := range map[string]struct {
		state    curfew.KeyFigures
		severity lifecycle.Severity
		says     string
	}{
		"all is well":          {curfew.KeyFigures{Host: "id", Known: 2}, "", ""},
		"no key, no answer":    {curfew.KeyFigures{Host: "id", FailingSince: since, Problem: "status 500"}, lifecycle.Critical, "since 2026-11-27 20:30:00 UTC, and no key is known"},
		"no key is published":  {curfew.KeyFigures{Host: "id"}, lifecycle.Critical, "publishes no key"},
		"known keys, no reply": {curfew.KeyFigures{Host: "id", Known: 2, FailingSince: since, Problem: "status 500", Until: since.Add(24 * time.Hour)}, lifecycle.Warning, "2 known keys count until 2026-11-28 20:30:00 UTC"},
	} {
		h := newFixtureWith(t, settings{keys: func() []curfew.KeyFigures { return []curfew.KeyFigures{test.state} }})
		r := h.keeper.Health.Report(t.Context())
		var found *lifecycle.Finding
		for _, f := range r.Findings {
			if f.Code == lifecycle.KeysUnreachable {
				found = &f
			}
		}
		if (found != nil) != (test.says != "") || found != nil && (found.Severity != test.severity || !strings.Contains(found.Problem, test.says)) {
			t.Errorf("%s: %+v", sentence, found)
		}
	}
}
