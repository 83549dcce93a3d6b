package api

import "time"

// Queue is a page of the requests that mechanics may accept, oldest first.
type Queue struct {
	Requests   []Offer `json:"requests" nullable:"false"`
	NextCursor *string `json:"nextCursor" doc:"Where the next page begins; null on the last"`
}

// Offer is one pending request in the queue.
type Offer struct {
	ID             string    `json:"id"`
	SessionID      string    `json:"sessionId"`
	CustomerName   string    `json:"customerName"`
	Plan           string    `json:"plan"`
	Type           string    `json:"type" enum:"chat,video,diagnostic"`
	CreatedAt      time.Time `json:"createdAt"`
	ExpiresAt      time.Time `json:"expiresAt"`
	WaitingSeconds int64     `json:"waitingSeconds"`
}

// Request is a session's offer to mechanics.
type Request struct {
	ID           string    `json:"id"`
	SessionID    string    `json:"sessionId"`
	Status       string    `json:"status" enum:"pending,accepted,cancelled,expired,completed"`
	CustomerName string    `json:"customerName"`
	MechanicID   string    `json:"mechanicId,omitempty"`
	CreatedAt    time.Time `json:"createdAt"`
}

// Offered is a session with its request, after accepting or releasing it.
type Offered struct {
	Session Session `json:"session"`
	Request Request `json:"request"`
}

// Page chooses a page of a list. The zero value chooses the first.
type Page struct {
	Cursor string
	Limit  int // 0: 50
}
