package wire

import (
	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
)

// Prolongation moves the deadline of a session.
type Prolongation struct {
	Minutes int    `json:"minutes" minimum:"1" maximum:"1440" doc:"How much later it ends by itself"`
	Reason  string `json:"reason" minLength:"1" maxLength:"500" doc:"Kept in the history"`
}

// Mechanic converts the present state of a mechanic, for an actor. The session is the one that keeps
// them busy.
func Mechanic(who curfew.Actor, id string, busy *curfew.Snapshot, forgotten record.Absences) api.Mechanic {
	m := api.Mechanic{
		ID: id, Busy: busy != nil, Forgotten: forgotten.Total, ForgottenLately: forgotten.Lately, LastForgottenAt: OptionalTime(forgotten.Last),
	}
	if busy != nil {
		session := SessionFor(who, busy.Session)
		m.Session, m.Since = &session, OptionalTime(busy.AcceptedAt)
	}
	return m
}
