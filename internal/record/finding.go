package record

import "time"

// Finding is something wrong that lifecycle does not look for itself: health reports it with
// its own.
type Finding struct {
	Code      string    `json:"code"`
	Critical  bool      `json:"critical"`
	Count     int       `json:"count"`               // never 0
	Sessions  []string  `json:"sessions,omitempty"`  // session ids, oldest first
	Customers []string  `json:"customers,omitempty"` // customer ids
	Since     time.Time `json:"since,omitzero"`
	Problem   string    `json:"problem"` // one sentence
	Fix       string    `json:"fix"`     // what to do about it, to be pasted
}
