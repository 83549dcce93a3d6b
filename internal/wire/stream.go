package wire

import "time"

// StreamTicket opens a stream once.
type StreamTicket struct {
	Ticket    string    `json:"ticket" doc:"For GET /api/stream?ticket=…"`
	ExpiresAt time.Time `json:"expiresAt"`
}
