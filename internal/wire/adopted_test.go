package wire_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// Whatever shows a session of the marketplace's own names its row; nothing else has the key.
func TestTheRowThatASessionFollowsIsNamed(t *testing.T) {
	t.Parallel()
	theirs := curfew.Session{ID: "s-1", CustomerID: "ann", Status: curfew.Waiting, AdoptedFrom: "bookings", AdoptedID: "42"}
	details := func(s curfew.Session) any {
		stale := []curfew.Snapshot{{Session: s, Now: time.Now()}}
		return wire.Health(lifecycle.Report{Details: &curfew.HealthDetails{Stale: stale}}, "1", "http://localhost").Details.StaleWaitingSessions
	}
	for what, shape := range map[string]func(curfew.Session) any{
		"a session":          func(s curfew.Session) any { return wire.Session(s.Outside()) },
		"a session, inside":  func(s curfew.Session) any { return wire.InsideSession(s) },
		"a blocker":          func(s curfew.Session) any { return wire.Blocker(curfew.Blocker{Session: s}) },
		"a detail of health": details,
		"a change of preview": func(s curfew.Session) any {
			return wire.Preview(curfew.Preview{Items: []curfew.PlannedChange{{AdoptedFrom: s.AdoptedFrom, AdoptedID: s.AdoptedID}}})
		},
	} {
		if text := asJSON(t, shape(theirs)); !strings.Contains(text, `"adopted":{"from":"bookings","id":"42"}`) {
			t.Errorf("%s: %s", what, text)
		}
		if text := asJSON(t, shape(curfew.Session{ID: "s-2"})); strings.Contains(text, "adopted") {
			t.Errorf("%s of Curfew's own: %s", what, text)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
