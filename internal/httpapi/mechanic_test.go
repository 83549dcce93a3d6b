package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

// A mechanic reads what keeps them busy and what they forgot; an operator prolongs and reads the same of everybody.
func TestAMechanicByTheAPI(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	h.ago(20 * time.Minute)
	f := h.accepted("kim", "max")
	max, admin := h.as(curfew.Mechanic, "max"), h.admin()
	busy, err := max.Mechanic(t.Context(), "max")
	must(t, err)
	if !busy.Busy || busy.Session == nil || busy.Session.ID != f.SessionID || busy.Since == nil || busy.Forgotten != 0 || busy.LastForgottenAt != nil {
		t.Errorf("a busy mechanic is %+v", busy)
	}
	before := busy.Session.ExpiresAt
	got := h.sendAs(curfew.Admin, "anna", "POST", "/api/debug/sessions/"+f.SessionID+"/prolong", `{"minutes":10,"reason":"the road is closed"}`)
	if got.status != http.StatusOK || !strings.Contains(got.body, before.Add(10*time.Minute).UTC().Format("15:04:05")) {
		t.Errorf("prolonged: %d %s", got.status, got.body)
	}
	for body, want := range map[string]int{
		`{"minutes":10}`: 422, `{"reason":"x"}`: 422, `{"minutes":0,"reason":"x"}`: 422, `{"minutes":1441,"reason":"x"}`: 422, `{"minutes":1,"reason":" "}`: 422,
	} {
		if got := h.sendAs(curfew.Admin, "anna", "POST", "/api/debug/sessions/"+f.SessionID+"/prolong", body); got.status != want {
			t.Errorf("prolonged by %s: %d %s", body, got.status, got.body)
		}
	}
	handed, err := max.Transfer(t.Context(), f.RequestID, api.Transfer{MechanicID: "moe"})
	must(t, err)
	if handed.Session.MechanicID != "moe" || handed.Request.Status != "accepted" {
		t.Errorf("after the transfer it is %+v", handed)
	}
	h.ago(0)
	_, err = h.keeper.Sweeper.Sweep(t.Context())
	must(t, err)
	moe, err := admin.Mechanic(t.Context(), "moe")
	must(t, err)
	if moe.Busy || moe.Session != nil || moe.Forgotten != 1 || moe.ForgottenLately != 1 || moe.LastForgottenAt == nil {
		t.Errorf("who did not come is %+v", moe)
	}
	if s, err := admin.Session(t.Context(), f.SessionID); err != nil || s.MechanicID != "" || s.Status != "waiting" {
		t.Errorf("the session is %+v, %v", s, err)
	}
}
