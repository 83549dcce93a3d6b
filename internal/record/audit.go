package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// MinAuditKeep is the shortest time after which entries of the audit log may be pruned. PostgreSQL refuses to delete
// younger ones, even for the owner.
const MinAuditKeep = 30 * 24 * time.Hour

// AuditEntry is what somebody did or looked at.
type AuditEntry struct {
	Number    int64 // from 1, without a gap
	At        time.Time
	Actor     curfew.Actor // of customers and mechanics the role alone
	Action    string       // the operation of a route, the page or the command
	Via       string       // api, page, command or system
	Status    int          // of the response; of a command its exit code
	RequestID string
	// About can be erased. Commitment is a salted hash of it, which is in the chain; empty: the entry had none.
	About      AuditSubject
	Commitment string
}

// Erased reports whether the personal part of the entry has been erased.
func (e AuditEntry) Erased() bool { return e.Commitment != "" && e.About.Salt == "" }

// AuditSubject is the personal part of an entry.
type AuditSubject struct {
	Customer string // the customer's id; empty: it is about none
	Object   string // the id of something else
	Detail   string
	Salt     string // empty: there is nothing, or it was erased
}

// AuditLink is a batch of entries in the chain.
type AuditLink struct {
	Number      int64  // from 1, without a gap
	Batch       string // a UUID
	First, Last int64  // its entries; if it has none, First is one after Last
	Lost        int64  // entries before it that could not be written
	At          time.Time
	Hash        string // of the hash before, of the link and of its entries
}

// AuditHead is the last link of the chain, zero if there is none, as of now.
type AuditHead struct {
	AuditLink
	Now     time.Time
	Written bool // whether the requested batch is in the chain
}

// AuditSearch selects entries. Empty fields match everything.
type AuditSearch struct {
	Actor, Customer, Action string
	Since                   time.Time
	// Oldest lists the oldest first, and After is the entry after which the list begins. Otherwise the newest come first, and it
	// is the one before which it begins; 0: the end of the log.
	Oldest bool
	After  int64
	Limit  int
}

// AuditLosses is how many entries could not be written within a time, and since when.
type AuditLosses struct {
	Count int64
	Since time.Time
}
