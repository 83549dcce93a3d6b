package lifecycle

import (
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// keyFindings says whether tokens of the other issuer can be told from forged
// ones. The times are this process's, and are compared with its clock alone.
func keyFindings(r Report) []Finding {
	k := r.Keys
	if k == nil || k.Known > 0 && k.FailingSince.IsZero() {
		return nil
	}
	f := Finding{Code: KeysUnreachable, Severity: Warning, Count: 1, Since: k.FailingSince}
	switch {
	case k.Known == 0 && k.FailingSince.IsZero():
		f.Severity = Critical
		f.Problem = fmt.Sprintf("the key server %s publishes no key for ES256 or RS256: every token of its issuer is refused", k.Host)
	case k.Known == 0:
		f.Severity = Critical
		f.Problem = fmt.Sprintf("the key server %s cannot be read since %s, and no key is known: every token of its issuer is refused (%s)",
			k.Host, clockTime(k.FailingSince), k.Problem)
	default:
		f.Problem = fmt.Sprintf("the key server %s cannot be read since %s: tokens of the %s count until %s, others are refused (%s)",
			k.Host, clockTime(k.FailingSince), count(k.Known, "known key"), clockTime(k.Until), k.Problem)
	}
	return []Finding{f}
}

// clockTime is a moment for people, to the second.
func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Keys is where a process says how the other issuer's key server is.
type Keys func() curfew.KeyFigures

// readKeys asks no other machine: what the process found out last is told.
func (h *Health) readKeys(r *Report) {
	if h.keys != nil {
		k := h.keys()
		r.Keys = &k
	}
}
