package wire

import (
	"time"

	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
)

// CustomerExport is all data held about a customer.
type CustomerExport struct {
	CustomerID string                      `json:"customerId"`
	ExportedAt time.Time                   `json:"exportedAt"`
	Contacts   []Contact                   `json:"contacts" nullable:"false" doc:"Addresses and names that came with payments"`
	Held       map[string][]map[string]any `json:"held" doc:"The rows by kind, such as sessions, checkouts or events, each with all its fields"`
}

// Contact is an address and a name.
type Contact struct {
	Email string `json:"email,omitempty"`
	Name  string `json:"name,omitempty"`
}

// CustomerErasing asks for the preview of an erasure, or carries one out.
type CustomerErasing struct {
	DryRun    bool    `json:"dryRun,omitempty" doc:"Previews, and keeps the preview for a day"`
	Pseudonym bool    `json:"pseudonym,omitempty" doc:"With dryRun: the customer's id is itself personal data, so replace it everywhere"`
	PreviewID *string `json:"previewId,omitempty" minLength:"1" maxLength:"64" doc:"Carries out this preview"`
	Version   *int64  `json:"version,omitempty" doc:"The preview's version"`
	Reason    string  `json:"reason,omitempty" maxLength:"500" doc:"The reason. It outlives the erasure, so it should not name anybody"`
}

// CustomerErasure is the preview of an erasure, or what was carried out.
type CustomerErasure struct {
	PreviewID  string            `json:"previewId"`
	CustomerID string            `json:"customerId" doc:"After the erasure: the pseudonym that replaced the id"`
	Pseudonym  string            `json:"pseudonym,omitempty" doc:"The pseudonym that replaces the customer's id; absent if the id stays"`
	Version    int64             `json:"version" doc:"How many events the customer had at the time of the preview"`
	Goes       []ErasurePart     `json:"goes" nullable:"false"`
	Stays      []ErasurePart     `json:"stays" nullable:"false"`
	BlockedBy  []ErasureObstacle `json:"blockedBy" nullable:"false" doc:"What prevents it for now"`
	ErasedAt   *time.Time        `json:"erasedAt,omitempty" doc:"Absent if it was not carried out"`
}

// ErasurePart is something that goes, or stays.
type ErasurePart struct {
	What string `json:"what"`
	Rows int64  `json:"rows"`
}

// ErasureObstacle is a session that has not ended, or a payment without an outcome.
type ErasureObstacle struct {
	Kind  string `json:"kind" enum:"session,payment"`
	ID    string `json:"id"`
	State string `json:"state"`
}

// ExportOf converts an export.
func ExportOf(e privacy.Export, now time.Time) CustomerExport {
	out := CustomerExport{CustomerID: e.CustomerID, ExportedAt: now.UTC(), Contacts: make([]Contact, len(e.Contacts)), Held: e.Held}
	for i, c := range e.Contacts {
		out.Contacts[i] = Contact(c)
	}
	return out
}

// Erasure converts an erasure, with what forbids it.
func Erasure(e record.Erasure, obstacles []record.Obstacle) CustomerErasure {
	out := CustomerErasure{
		PreviewID: e.ID, CustomerID: e.CustomerID, Pseudonym: e.Pseudonym, Version: e.Version, Goes: parts(privacy.Goes(e)),
		Stays: parts(privacy.Stays(e)), BlockedBy: make([]ErasureObstacle, len(obstacles)), ErasedAt: OptionalTime(e.ErasedAt),
	}
	for i, o := range obstacles {
		out.BlockedBy[i] = ErasureObstacle{o.Noun, o.ID, o.State}
	}
	return out
}

func parts(all []privacy.Part) []ErasurePart {
	out := make([]ErasurePart, len(all))
	for i, p := range all {
		out[i] = ErasurePart(p)
	}
	return out
}
