package wire

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
)

// Queue converts a page of the queue. A nil next means that it is the last page.
func Queue(pending []curfew.Snapshot, next *string) api.Queue {
	q := api.Queue{Requests: make([]api.Offer, len(pending)), NextCursor: next}
	for i, p := range pending {
		q.Requests[i] = Offer(p)
	}
	return q
}

// Offer converts a waiting session for mechanics who may accept it.
func Offer(s curfew.Snapshot) api.Offer {
	return api.Offer{
		ID: s.Request.ID, SessionID: s.ID, CustomerName: s.Request.CustomerName, Plan: s.Plan, Type: string(s.Kind),
		CreatedAt: s.Request.CreatedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(),
		WaitingSeconds: int64(s.Now.Sub(s.Request.CreatedAt) / time.Second),
	}
}

// Offered converts a session and its request for the mechanic who accepted or released it.
func Offered(s curfew.Snapshot) api.Offered {
	return api.Offered{Session: Session(s.Outside()), Request: api.Request{
		ID: s.Request.ID, SessionID: s.ID, Status: string(s.Request.Status), CustomerName: s.Request.CustomerName,
		MechanicID: s.Request.MechanicID, CreatedAt: s.Request.CreatedAt.UTC(),
	}}
}
