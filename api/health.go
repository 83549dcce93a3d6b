package api

import (
	"context"
	"time"
)

// Health is the health report. Every key is always present; a figure that could not
// be read is null, and then Health is "error".
type Health struct {
	Health          string          `json:"health" enum:"healthy,issues_detected,error"`
	Writable        *bool           `json:"writable" doc:"Whether the database accepts this process's writes; null: unknown"`
	Timestamp       time.Time       `json:"timestamp" doc:"By the database's clock, if the database answered"`
	Version         string          `json:"version"`
	StartedAt       time.Time       `json:"startedAt"`
	Sessions        SessionHealth   `json:"sessions"`
	Requests        RequestHealth   `json:"requests"`
	Checkouts       CheckoutHealth  `json:"checkouts"`
	Mechanics       MechanicHealth  `json:"mechanics"`
	Customers       CustomerHealth  `json:"customers"`
	Sweeper         SweeperHealth   `json:"sweeper"`
	Problems        []string        `json:"problems" doc:"What is wrong, in sentences" nullable:"false"`
	Findings        []HealthFinding `json:"findings" doc:"The same problems for programs, in the same order" nullable:"false"`
	Recommendations []string        `json:"recommendations" doc:"Commands to paste" nullable:"false"`
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
	Owed                   map[string]int64 `json:"owed" doc:"The sum of the payments that need attention, by currency, in minor units; those of unknown amount are in totals only"`
	Totals                 []CheckoutTotal  `json:"totals" doc:"Payments that need attention or are credited, by outcome and currency"`
}

// CheckoutTotal is the sum of the payments with one outcome and currency.
type CheckoutTotal struct {
	Outcome  string `json:"outcome" enum:"deferred,held,credited,refund_due,refunding"`
	Currency string `json:"currency" doc:"Empty if unknown"`
	Amount   int64  `json:"amount" doc:"In the currency's minor unit; for refunds, what is due; without a currency it is unknown, and 0"`
	Count    int    `json:"count"`
}

// MechanicHealth counts mechanics.
type MechanicHealth struct {
	Busy          *int       `json:"busy"`
	Connected     *int       `json:"connected" doc:"Mechanics with an open stream, on all processes"`
	LastQueueRead *time.Time `json:"lastQueueRead" doc:"Null: never"`
}

// CustomerHealth names customers who are refused repeatedly.
type CustomerHealth struct {
	BlockedRepeatedly []RepeatedlyBlocked `json:"blockedRepeatedly"`
	WindowSeconds     int64               `json:"windowSeconds" doc:"The period in which refusals are counted"`
}

// RepeatedlyBlocked is one such customer.
type RepeatedlyBlocked struct {
	CustomerID string    `json:"customerId"`
	Count      int       `json:"count"`
	LastAt     time.Time `json:"lastAt"`
}

// SweeperHealth says whether the sweeper is alive.
type SweeperHealth struct {
	Enabled     bool       `json:"enabled" doc:"Whether this process sweeps"`
	LastSuccess *time.Time `json:"lastSuccess" doc:"Null: never"`
	LagSeconds  *float64   `json:"lagSeconds" doc:"How late the last sweep was"`
	Alive       *bool      `json:"alive"`
}

// HealthFinding is one problem.
type HealthFinding struct {
	Code         string                  `json:"code"`
	Severity     string                  `json:"severity" enum:"critical,warning"`
	Count        int                     `json:"count"`
	Sessions     []string                `json:"sessions" nullable:"false" doc:"Ids, oldest first"`
	Customers    []string                `json:"customers" nullable:"false" doc:"Ids, oldest first"`
	Payments     []string                `json:"payments" nullable:"false" doc:"References, or checkout ids for payments without one"`
	Since        *time.Time              `json:"since" doc:"Since when the oldest of them has been wrong; null: unknown"`
	Acknowledged *FindingAcknowledgement `json:"acknowledged" doc:"Null if it is not acknowledged, or has become worse since"`
	Fix          string                  `json:"fix"`
}

// FindingAcknowledgement records that an operator knows of a finding.
type FindingAcknowledgement struct {
	By     string    `json:"by" doc:"Who did it: role and id"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	Until  time.Time `json:"until" doc:"From then on the finding counts again"`
}

// HealthDetails lists the oldest rows of each problem.
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
	Adopted    *Adopted  `json:"adopted,omitempty" doc:"The row, in one of the marketplace's own tables, that the session mirrors"`
}

// Acknowledging acknowledges a finding.
type Acknowledging struct {
	Reason string    `json:"reason" minLength:"1" maxLength:"500" doc:"Why it is left as it is; shown to operators"`
	Until  time.Time `json:"until" doc:"From then on the finding counts again; at most 90 days ahead"`
}

// Withdrawn is a finding whose acknowledgement was withdrawn.
type Withdrawn struct {
	Code string `json:"code"`
}

// AcknowledgeFinding acknowledges a finding. It counts again once the
// acknowledgement expires, or once it becomes worse.
func (c *Client) AcknowledgeFinding(ctx context.Context, code string, a Acknowledging) (FindingAcknowledgement, error) {
	return post[FindingAcknowledgement](ctx, c, at("/api/debug/findings/%s/acknowledge", code), a)
}
