package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// PaymentSearch selects payments for operators, the newest first, by id.
type PaymentSearch struct {
	Outcome    curfew.Outcome // empty means any
	Plan       string         // empty means any
	CustomerID string         // empty means anybody's
	Amounts    []int64        // any of these, in minor units; none means any
	From, To   time.Time      // made in this span, the second moment not included; zero: open
	After      string         // behind this id; empty starts at the newest
	Until      string         // down to this id; empty: to the end
	Limit      int
}

// Filtered reports whether the search passes over rows that it walks.
func (s PaymentSearch) Filtered() bool { return s.Outcome != "" || s.Plan != "" || len(s.Amounts) > 0 }

// Bounds returns the ids between which everything was made that the search chooses: from the first on, and below the
// second. Empty means no bound.
func (s PaymentSearch) Bounds() (from, below string) {
	return SessionSearch{From: s.From, To: s.To}.Bounds()
}

// Check reports what no list can be: Invalid.
func (s PaymentSearch) Check() error {
	return SessionSearch{CustomerID: s.CustomerID, From: s.From, To: s.To}.Check()
}

// SentSearch selects deliveries for operators, the newest first, by id.
type SentSearch struct {
	State       DeliveryState // empty means any
	Destination string        // an endpoint's id, or an address; empty means any
	CustomerID  string        // empty means anybody's
	From, To    time.Time     // made in this span, the second moment not included; zero: open
	After       string        // behind this id; empty starts at the newest
	Until       string        // down to this id; empty: to the end
	Limit       int
}

// Filtered reports whether the search passes over rows that it walks.
func (s SentSearch) Filtered() bool { return s.State != "" || s.Destination != "" }

// Bounds returns the ids between which everything was made that the search chooses: from the first on, and below the
// second. Empty means no bound.
func (s SentSearch) Bounds() (from, below string) {
	return SessionSearch{From: s.From, To: s.To}.Bounds()
}

// Check reports what no list can be: Invalid.
func (s SentSearch) Check() error {
	return SessionSearch{CustomerID: s.CustomerID, From: s.From, To: s.To}.Check()
}

// EndpointFigures is what became of the newest deliveries to a destination.
type EndpointFigures struct {
	Destination              string
	Delivered, Dead, Failing int // failing ones are pending and have failed
	LastDelivered            time.Time
}

// FailsAll reports whether nothing of what was tried arrived.
func (f EndpointFigures) FailsAll() bool { return f.Delivered == 0 && f.Dead+f.Failing > 0 }
