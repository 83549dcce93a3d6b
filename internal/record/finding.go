package record

import "time"

// Finding is something wrong that lifecycle does not look for itself: health reports it with
// its own.
type Finding struct {
	Code      string
	Critical  bool
	Count     int      // never 0
	Sessions  []string // session ids, oldest first
	Customers []string // customer ids
	Since     time.Time
	Problem   string // one sentence
	Fix       string // what to do about it, to be pasted
}
