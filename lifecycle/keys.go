package lifecycle

import (
	"fmt"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

// keyFindings says whether tokens of other issuers can be told from forged ones. The times
// are this process's, and are compared with its clock alone.
func keyFindings(r Report) []Finding {
	f := Finding{Code: KeysUnreachable, Severity: Warning}
	var problems []string
	for _, k := range r.Keys {
		if k.Known > 0 && k.FailingSince.IsZero() {
			continue
		}
		if k.Known == 0 {
			f.Severity = Critical
		}
		if f.Since.IsZero() || !k.FailingSince.IsZero() && k.FailingSince.Before(f.Since) {
			f.Since = k.FailingSince
		}
		problems = append(problems, keyProblem(k))
	}
	if f.Count, f.Problem = len(problems), strings.Join(problems, "; "); f.Count == 0 {
		return nil
	}
	return []Finding{f}
}

func keyProblem(k curfew.KeyFigures) string {
	switch {
	case k.Known == 0 && k.FailingSince.IsZero():
		return fmt.Sprintf("the key server %s publishes no key for ES256, RS256 or EdDSA: every token of its issuer is refused", k.Host)
	case k.Known == 0:
		return fmt.Sprintf("the key server %s cannot be read since %s, and no key is known: every token of its issuer is refused (%s)",
			k.Host, clockTime(k.FailingSince), k.Problem)
	}
	return fmt.Sprintf("the key server %s cannot be read since %s: tokens of the %s count until %s, others are refused (%s)",
		k.Host, clockTime(k.FailingSince), count(k.Known, "known key"), clockTime(k.Until), k.Problem)
}

// clockTime is a moment for people, to the second.
func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Keys reports the state of the key servers of other issuers.
type Keys func() []curfew.KeyFigures

// readKeys reports what the process learned last; it calls no other machine.
func (h *Health) readKeys(r *Report) {
	if h.keys != nil {
		r.Keys = h.keys()
	}
}
