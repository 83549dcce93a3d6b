package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/curfewhq/curfew"
)

func (h *fixture) streamTicket(bearer string) string {
	h.Helper()
	got := h.send("POST", "/api/stream/tickets", "", "Authorization: Bearer "+bearer)
	var s struct{ Ticket string }
	if err := json.Unmarshal([]byte(got.body), &s); err != nil || s.Ticket == "" {
		h.Fatalf("no ticket: %d %s", got.status, got.body)
	}
	return s.Ticket
}

func TestATicketOpensOneStream(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	token := h.token(curfew.Customer, "kim")
	ticket := h.streamTicket(token)
	if strings.Contains(ticket, token[:20]) {
		t.Error("the ticket shows the token")
	}
	open := func(ticket string, headers ...string) int {
		return h.send("GET", "/api/stream?ticket="+ticket, "", headers...).status
	}
	if got := open(ticket, "Authorization: Bearer "+token); got != http.StatusUnprocessableEntity {
		t.Errorf("with a token too: %d", got)
	}
	if got := open(ticket); got != http.StatusOK {
		t.Errorf("the first time: %d", got)
	}
	if got := open(ticket); got != http.StatusUnauthorized {
		t.Errorf("the second time: %d", got)
	}
	if got := open(h.streamTicket(token)[1:]); got != http.StatusUnauthorized {
		t.Errorf("a broken one: %d", got)
	}
	if got := h.send("GET", "/api/customers/kim/session-status?ticket="+h.streamTicket(token), "").status; got != http.StatusUnauthorized {
		t.Errorf("another route: %d", got)
	}
	if log := h.log.String(); strings.Contains(log, ticket) || strings.Contains(log, token) {
		t.Error("the log has the ticket or the token")
	}
}

// What ends a token, ends what its ticket opens.
func TestATicketIsWorthItsToken(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	ticket := h.streamTicket(h.token(curfew.Customer, "kim"))
	if got := h.sendAs(curfew.Admin, "anna", "POST", "/api/tokens/revoke", `{"role":"customer","subject":"kim"}`); got.status != http.StatusOK {
		t.Fatalf("revoke: %d %s", got.status, got.body)
	}
	if got := h.send("GET", "/api/stream?ticket="+ticket, "").status; got != http.StatusUnauthorized {
		t.Errorf("with the ticket of a revoked token: %d", got)
	}
}

// Resuming by the query is resuming by the header.
func TestAnEventSourceThatIsOpenedAnewResumes(t *testing.T) {
	t.Parallel()
	h := newFixture(t)
	kim := "Authorization: Bearer " + h.token(curfew.Customer, "kim")
	for query, want := range map[string]int{
		"lastEventId=2026-11-28T10:00:00.000000Z": http.StatusOK, "lastEventId=": http.StatusUnprocessableEntity, "last=1": http.StatusUnprocessableEntity,
	} {
		if got := h.send("GET", "/api/stream?"+query, "", kim); got.status != want {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
