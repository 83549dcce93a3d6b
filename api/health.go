package api

import (
	"context"
	"time"
)

// Health is how healthy everything is. Every key is always there; a figure that
// could not be had is null, and then Health is «error».
type Health struct {
	Health          string          `json:"health" enum:"healthy,issues_detected,error"`
	Writable        *bool           `json:"writable" doc:"Whether the database takes this process's writes; null: nobody can tell"`
	Timestamp       time.Time       `json:"timestamp" doc:"By the database's clock where it answered"`
	Version         string          `json:"version"`
	StartedAt       time.Time       `json:"startedAt"`
	Sessions        SessionHealth   `json:"sessions"`
	Requests        RequestHealth   `json:"requests"`
	Checkouts       CheckoutHealth  `json:"checkouts"`
	Mechanics       MechanicHealth  `json:"mechanics"`
	Customers       CustomerHealth  `json:"customers"`
	Sweeper         SweeperHealth   `json:"sweeper"`
	Problems        []string        `json:"problems" doc:"What is wrong, in sentences" nullable:"false"`
	Findings        []HealthFinding `json:"findings" doc:"The same for programs, one to one" nullable:"false"`
	Recommendations []string        `json:"recommendations" doc:"Calls that can be pasted" nullable:"false"`
	Details         HealthDetails   `json:"details" doc:"The oldest 100"`
}

// SessionHealth counts sessions.
type SessionHealth struct {
	Total           *int           `json:"total"`
	ByStatus        map[string]int `json:"byStatus"`
	Waiting         WaitingHealth  `json:"waiting"`
	Orphaned        *int           `json:"orphaned"`
	OverdueAssigned *int           `json:"overdueAssigned"`
	OverdueLive     *int           `json:"overdueLive"`
}

// WaitingHealth counts waiting sessions.
type WaitingHealth struct {
	Total     *int `json:"total"`
	Stale     *int `json:"stale"`
	VeryStale *int `json:"veryStale"`
}

// RequestHealth counts requests.
type RequestHealth struct {
	Total    *int           `json:"total"`
	ByStatus map[string]int `json:"byStatus"`
	Pending  PendingHealth  `json:"pending"`
}

// PendingHealth counts pending requests.
type PendingHealth struct {
	Total *int `json:"total"`
	Stale *int `json:"stale"`
}

// CheckoutHealth counts payments by their present outcome.
type CheckoutHealth struct {
	ByOutcome              map[string]int   `json:"byOutcome"`
	OldestUnsettledSeconds *int64           `json:"oldestUnsettledSeconds"`
	Owed                   map[string]int64 `json:"owed" doc:"What payments that wait for something amount to, by currency, in minor units"`
	Totals                 []CheckoutTotal  `json:"totals" doc:"What waits for something or is credited, by outcome and currency"`
}

// CheckoutTotal is what the payments of one outcome and currency amount to.
type CheckoutTotal struct {
	Outcome  string `json:"outcome" enum:"deferred,held,credited,refund_due,refunding"`
	Currency string `json:"currency" doc:"Empty: nobody said"`
	Amount   int64  `json:"amount" doc:"In the currency's minor unit; of a refund, what is due"`
	Count    int    `json:"count"`
}

// MechanicHealth says who works.
type MechanicHealth struct {
	Busy          *int       `json:"busy"`
	Connected     *int       `json:"connected" doc:"With a live stream, of all processes"`
	LastQueueRead *time.Time `json:"lastQueueRead" doc:"Null: never"`
}

// CustomerHealth names customers who are refused again and again.
type CustomerHealth struct {
	BlockedRepeatedly []RepeatedlyBlocked `json:"blockedRepeatedly"`
	WindowSeconds     int64               `json:"windowSeconds" doc:"Refusals within so much time are counted"`
}

// RepeatedlyBlocked is one such customer.
type RepeatedlyBlocked struct {
	CustomerID string    `json:"customerId"`
	Count      int       `json:"count"`
	LastAt     time.Time `json:"lastAt"`
}

// SweeperHealth is the sweeper's sign of life.
type SweeperHealth struct {
	Enabled     bool       `json:"enabled" doc:"In this process"`
	LastSuccess *time.Time `json:"lastSuccess" doc:"Null: never"`
	LagSeconds  *float64   `json:"lagSeconds" doc:"How late the last sweep was"`
	Alive       *bool      `json:"alive"`
}

// HealthFinding is one thing that is wrong.
type HealthFinding struct {
	Code         string                  `json:"code"`
	Severity     string                  `json:"severity" enum:"critical,warning"`
	Count        int                     `json:"count"`
	Sessions     []string                `json:"sessions" nullable:"false" doc:"Ids, the oldest first"`
	Customers    []string                `json:"customers" nullable:"false" doc:"Ids, the oldest first"`
	Payments     []string                `json:"payments" nullable:"false" doc:"References, or the checkout's id where there is none"`
	Since        *time.Time              `json:"since" doc:"When the oldest of it went wrong; null: not known"`
	Acknowledged *FindingAcknowledgement `json:"acknowledged" doc:"Null: nobody has acknowledged it, or it has become worse since"`
	Fix          string                  `json:"fix"`
}

// FindingAcknowledgement is an operator's word that a finding is known.
type FindingAcknowledgement struct {
	By     string    `json:"by" doc:"Who: role and id"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until" doc:"From then on the finding counts again"`
}

// HealthDetails lists the oldest of what is wrong.
type HealthDetails struct {
	StaleWaitingSessions []Aged `json:"staleWaitingSessions"`
	StalePendingRequests []Aged `json:"stalePendingRequests"`
	OrphanedSessions     []Aged `json:"orphanedSessions"`
}

// Aged is a session or request with its age.
type Aged struct {
	ID         string    `json:"id"`
	CustomerID string    `json:"customerId"`
	AgeSeconds int64     `json:"ageSeconds"`
	Age        string    `json:"age" doc:"For people: 31 minutes"`
	ExpiresAt  time.Time `json:"expiresAt"`
}

// Acknowledging says that a finding is known.
type Acknowledging struct {
	Reason string    `json:"reason" minLength:"1" maxLength:"500" doc:"Why it is left as it is; operators see it"`
	Until  time.Time `json:"until" doc:"From then on the finding counts again; at most 90 days ahead"`
}

// Withdrawn is a finding that is acknowledged no more.
type Withdrawn struct {
	Code string `json:"code"`
}

// AcknowledgeFinding keeps that a finding is known. It counts again from then on,
// or once it becomes worse.
func (c *Client) AcknowledgeFinding(ctx context.Context, code string, a Acknowledging) (FindingAcknowledgement, error) {
	return post[FindingAcknowledgement](ctx, c, at("/api/debug/findings/%s/acknowledge", code), a)
}
