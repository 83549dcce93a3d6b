package wire

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/lifecycle"
)

// SessionStatus converts what blocks a customer. A nil blocker means that nothing does.
func SessionStatus(b *curfew.Blocker) api.SessionStatus {
	if b == nil {
		return api.SessionStatus{Actions: []string{}}
	}
	return api.SessionStatus{
		Blocked: true, Session: Blocker(*b), ReleasesAt: OptionalTime(b.ReleasesAt), Actions: b.Actions,
	}
}

// ClearedFor converts what clearing a customer did, as far as who may see it.
func ClearedFor(who curfew.Actor, c lifecycle.Cleared) api.Cleared {
	out := api.Cleared{Ended: make([]api.Session, len(c.Ended)), Kept: make([]api.Kept, len(c.Kept))}
	for i, s := range c.Ended {
		out.Ended[i] = SessionFor(who, s)
	}
	for i, k := range c.Kept {
		out.Kept[i] = api.Kept{SessionID: k.SessionID, Status: string(k.Status), Why: k.Why}
	}
	return out
}
