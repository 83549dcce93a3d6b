package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// SignIn is a browser that is signed in.
type SignIn struct {
	ID        string // that of its cookie
	Actor     curfew.Actor
	Browser   string // what it says of itself
	CreatedAt time.Time
	SeenAt    time.Time // the last use, to a quarter of a minute
	EndedAt   time.Time // zero: nobody has ended it
}
