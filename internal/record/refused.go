package record

import "time"

// RefusedMessages counts messages that came in a provider's name and were not accepted, by
// reason. Once none has come for the reason's window, the next one is counted anew.
type RefusedMessages struct {
	Provider string
	Reason   string // the same for every message with that fault
	Count    int64
	// FirstAt is the time of the first that is counted, LastAt that of the last.
	FirstAt, LastAt time.Time
}

const (
	// RefusedWindow is how long refused messages matter.
	RefusedWindow = time.Hour
	// Unusable is the reason of messages that were genuine and could not be used.
	Unusable = "genuine, and could not be used"
	// UnusableWindow is how long those matter.
	UnusableWindow = 7 * 24 * time.Hour
	// RefusedFew is how many of them are a finding: anybody can post one.
	RefusedFew = 3
	// MessagesKept is how long messages of providers are kept that were refused or of no use.
	MessagesKept = 90 * 24 * time.Hour
)

// WindowOf is how long messages that were refused for a reason matter.
func WindowOf(reason string) time.Duration {
	if reason == Unusable {
		return UnusableWindow
	}
	return RefusedWindow
}
