package curfew

import (
	"log/slog"
	"time"
)

// RequestStatus is the status of a request.
type RequestStatus string

// The statuses of a request. Pending and accepted are open.
const (
	Pending          RequestStatus = "pending"
	Accepted         RequestStatus = "accepted"
	RequestCancelled RequestStatus = "cancelled"
	RequestExpired   RequestStatus = "expired"
	RequestCompleted RequestStatus = "completed"
)

// RequestStatuses lists the statuses.
func RequestStatuses() []RequestStatus {
	return []RequestStatus{Pending, Accepted, RequestCancelled, RequestExpired, RequestCompleted}
}

// Open reports whether a mechanic can accept the request, or has accepted it.
func (s RequestStatus) Open() bool { return s == Pending || s == Accepted }

// Request is a session's offer to mechanics. A waiting or live session has
// exactly one open request, made and ended in the same transaction.
type Request struct {
	ID           string
	SessionID    string
	CustomerID   string
	MechanicID   string
	CustomerName string
	Status       RequestStatus
	CreatedAt    time.Time
}

// LogValue logs a request without the customer's name.
func (r Request) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", r.ID), slog.String("session", r.SessionID), slog.String("status", string(r.Status)))
}
