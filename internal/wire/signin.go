package wire

import (
	"time"

	"github.com/curfewhq/curfew/internal/record"
)

// SignIn is a browser that is signed in.
type SignIn struct {
	ID         string    `json:"id"`
	Role       string    `json:"role"`
	Subject    string    `json:"subject"`
	Browser    string    `json:"browser,omitempty" doc:"The browser's own name for itself"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt" doc:"Accurate to 15 seconds"`
}

// SignIns is all browsers that are signed in, newest first; a thousand at most.
type SignIns struct {
	SignIns []SignIn `json:"signIns" nullable:"false"`
}

// SignInsEnded says how many browsers were signed out.
type SignInsEnded struct {
	Ended int `json:"ended"`
}

// SignInList converts sign-ins.
func SignInList(all []record.SignIn) SignIns {
	out := SignIns{SignIns: make([]SignIn, len(all))}
	for i, in := range all {
		out.SignIns[i] = SignIn{
			ID: in.ID, Role: string(in.Actor.Role), Subject: in.Actor.ID, Browser: in.Browser, CreatedAt: in.CreatedAt.UTC(), LastSeenAt: in.SeenAt.UTC(),
		}
	}
	return out
}
