package curfew

import (
	"cmp"
	"slices"
	"time"
)

// SessionFigures counts sessions, exactly.
type SessionFigures struct {
	ByStatus        map[SessionStatus]int
	Stale           int // waiting, unassigned, offered, overdue by more than StaleAfter
	VeryStale       int // stale and older than the policy's VeryStaleAfter
	Orphaned        int
	OverdueAssigned int
	OverdueLive     int
	// OverdueScheduled counts appointments whose deadline passed at least ten seconds
	// ago and that nobody has settled.
	OverdueScheduled int
}

// RequestFigures counts requests, exactly.
type RequestFigures struct {
	ByStatus map[RequestStatus]int
	Stale    int // pending, its session overdue by more than StaleAfter
	// OldestPending is the age of the oldest pending request; 0: there is none.
	OldestPending time.Duration
}

// CheckoutFigures counts payments by their present outcome, exactly.
type CheckoutFigures struct {
	ByOutcome map[Outcome]int
	// OldestUnsettled is the age of the oldest payment that still waits for
	// something: deferred, held, refund due, refunding or money due.
	OldestUnsettled time.Duration
	MoneyDue        int
	// Totals sums the payments that wait for something or are credited, ordered by outcome
	// (as in Outcomes) and currency.
	Totals   []CheckoutTotal
	Failing  int // refunds asked for RefundTries times or more
	Overdue  int // refunds due for longer than RefundsLate
	Disputed int // disputes within DisputeWindow
	// Capturing counts payments whose reserved money is to be taken or released, or is being
	// taken. The oldest has been so for OldestCapture.
	Capturing     int
	OldestCapture time.Duration
	ByConcern     map[string]int64 // payments that changed within a week, by Concern
}

// CheckoutTotal sums the payments of one outcome and currency. Payments whose refund is
// due or under way count with the amount of the refund.
type CheckoutTotal struct {
	Outcome  Outcome
	Currency string // empty if nobody said how much was paid; Amount is then unknown, and 0
	Amount   int64  // in the currency's minor unit
	Count    int
}

// Compare orders totals: outcomes in the order of Outcomes, and each one's
// currencies by name.
func (t CheckoutTotal) Compare(o CheckoutTotal) int {
	all := Outcomes()
	return cmp.Or(slices.Index(all, t.Outcome)-slices.Index(all, o.Outcome), cmp.Compare(t.Currency, o.Currency))
}

// Owed sums the payments that still wait for something (deferred, held, refund due and
// refunding) by currency. Those of unknown amount are in Totals only.
func (f CheckoutFigures) Owed() map[string]int64 {
	owed := make(map[string]int64)
	for _, t := range f.Totals {
		if t.Outcome != Credited && t.Currency != "" {
			owed[t.Currency] += t.Amount
		}
	}
	return owed
}

// MechanicFigures counts slots.
type MechanicFigures struct {
	Busy   int
	Leaked int // slots whose session has ended, is missing or is another's
}

// Repeated is a customer who was refused repeatedly because of sessions that have not
// ended.
type Repeated struct {
	CustomerID string
	Count      int
	LastAt     time.Time
}

// Heartbeats are the latest signs of life of the background work of all processes.
type Heartbeats struct {
	Sweep     time.Time // the sweeper's last success; zero: never
	Lag       time.Duration
	QueueRead time.Time // a mechanic's last look at the queue; zero: never
	Connected int       // mechanics with a live stream, of all processes
	LastRun   *Run      // the newest finished cleanup
	Now       time.Time
}

// Acknowledgement is an operator's statement that a finding of health is known. While
// it holds, the finding neither makes health worse nor pages anybody.
type Acknowledgement struct {
	Code   string // the finding's
	By     Actor
	Reason string
	At     time.Time
	Until  time.Time
	// Severity and Count are the finding's when it was acknowledged. A finding that is
	// more severe, or counts more, is no longer covered.
	Severity string
	Count    int
}

// HealthDetails lists the oldest rows that are wrong.
type HealthDetails struct {
	Stale   []Snapshot // waiting, unassigned, offered, overdue; the stale requests are those of these sessions
	Orphans []Snapshot
	// Overdue lists the other sessions past their deadline, in order of deadline: accepted
	// ones, live ones, and appointments by more than StaleAfter.
	OverdueAssigned  []Snapshot
	OverdueLive      []Snapshot
	OverdueScheduled []Snapshot
}

// KeyFigures is what a process knows about the server that publishes another issuer's
// keys. The times are by the process's own clock.
type KeyFigures struct {
	Host  string // without path, query or password
	Known int    // keys that count
	// FailingSince is when fetches began to fail. Zero: the last one succeeded.
	FailingSince time.Time
	Problem      string    // of the last fetch; empty: none
	Until        time.Time // the known keys count until then if no fetch succeeds before
}
