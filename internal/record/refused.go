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
	// RefusedWindow is how long refused messages matter, and UnusableWindow how long those do
	// that were genuine and could not be used. Their reason is Unusable.
	RefusedWindow  = time.Hour
	UnusableWindow = 7 * 24 * time.Hour
	Unusable       = "genuine, and could not be used"
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
