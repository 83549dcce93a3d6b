package api

import "time"

// SessionStatus is what blocks a customer, and what the customer can spend. An overdue session
// does not block, unless it follows a row that is not Curfew's to end.
type SessionStatus struct {
	Blocked    bool            `json:"blocked"`
	Session    *Blocker        `json:"session" doc:"The session that holds the slot; null if the slot is free"`
	ReleasesAt *time.Time      `json:"releasesAt" doc:"When the slot becomes free by itself, at the latest; null also if that is not known"`
	Actions    []string        `json:"actions" doc:"What can be done about it: cancel, end, wait" nullable:"false"`
	Credits    []UnspentCredit `json:"credits" doc:"Unspent credits, oldest first, at most 100" nullable:"false"`
}

// UnspentCredit is a payment that a customer can spend on a session.
type UnspentCredit struct {
	CheckoutID string     `json:"checkoutId"`
	Plan       string     `json:"plan" doc:"The plan that it can be spent on"`
	Amount     int64      `json:"amount" doc:"What was paid for it, in the currency's minor unit"`
	Currency   string     `json:"currency,omitempty"`
	Since      time.Time  `json:"since"`
	ExpiresAt  *time.Time `json:"expiresAt,omitempty" doc:"When the credit expires if unspent, and its payment becomes due for refund; absent: never"`
	Spendable  bool       `json:"spendable"`
	Why        string     `json:"why,omitempty" doc:"Why it cannot be spent now"`
}

// Forecast is how long a customer will wait for a mechanic, learned from the waits of the last hours.
type Forecast struct {
	Waiting   bool `json:"waiting" doc:"The customer waits for a mechanic; otherwise the forecast is of a session that would begin now"`
	Ahead     int  `json:"ahead" doc:"How many customers are served before this one; 1000 means 1000 or more"`
	Mechanics int  `json:"mechanics" doc:"How many mechanics seem to be at work: as many as had a session at once within the last 20 minutes"`
	Busy      int  `json:"busy" doc:"How many of them have a session now"`
	// Half and NineOfTen are nil if too little is known.
	Half      *int64    `json:"p50Seconds" doc:"Half of the customers in this place wait at most this long from now; null if too little is known"`
	NineOfTen *int64    `json:"p90Seconds" doc:"Nine in ten wait at most this long from now; null if too little is known"`
	At        time.Time `json:"at"`
}

// Clearing requests to end a customer's open session.
type Clearing struct {
	DryRun bool   `json:"dryRun,omitempty" doc:"Report what would be ended; change nothing"`
	Force  bool   `json:"force,omitempty" doc:"End live sessions too; for admins only, with a reason"`
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Kept in the history"`
}

// Cleared lists what a clearing ended, or would end, and what it kept.
type Cleared struct {
	Ended []Session `json:"ended" nullable:"false"`
	Kept  []Kept    `json:"kept" nullable:"false"`
}

// Kept is a session that a clearing left open, and why.
type Kept struct {
	SessionID string `json:"sessionId"`
	Status    string `json:"status"`
	Why       string `json:"why"`
}
