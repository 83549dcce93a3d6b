package lifecycle

import (
	"context"
	"fmt"
	"time"

	"github.com/curfewhq/curfew"
)

// longestAcknowledgement is how far ahead an acknowledgement may end. A problem that is
// known for longer should be fixed.
const longestAcknowledgement = 90 * 24 * time.Hour

// Acknowledge records an operator's statement that a finding is known, until a moment.
// Until then the finding is still reported, but makes health no worse; it counts again
// when it becomes more severe or counts more. Errors: Invalid without a reason, with an
// end that has passed or is more than 90 days ahead, and for findings that leave health
// undetermined; NotFound if health does not report the finding now.
func (h *Health) Acknowledge(ctx context.Context, by curfew.Actor, code Code, reason string, until time.Time) (curfew.Acknowledgement, error) {
	var none curfew.Acknowledgement
	if code == Unreadable {
		return none, curfew.Errorf(curfew.Invalid, "what could not be read cannot be acknowledged: nobody knows what it is")
	}
	if reason == "" {
		return none, curfew.Errorf(curfew.Invalid, "an acknowledgement needs a reason: others have to know why it is left")
	}
	r := h.Report(ctx)
	switch {
	case !until.After(r.Timestamp):
		return none, curfew.Errorf(curfew.Invalid, "until must lie ahead, and %s has passed", until.Format(time.RFC3339))
	case until.After(r.Timestamp.Add(longestAcknowledgement)):
		return none, curfew.Errorf(curfew.Invalid, "until must be at most 90 days ahead, not %s", until.Format(time.RFC3339))
	}
	for _, f := range r.Findings {
		if f.Code == code {
			a, err := h.store.Acknowledge(ctx, curfew.Acknowledgement{
				Code: string(code), By: by, Reason: reason, Until: until.UTC(), Severity: string(f.Severity), Count: f.Count,
			})
			if err != nil {
				return none, fmt.Errorf("acknowledge %s: %w", code, err)
			}
			return a, nil
		}
	}
	return none, curfew.Errorf(curfew.NotFound, "health does not find %q now: there is nothing to acknowledge", code)
}

// WithdrawAcknowledgement makes a finding count again. Errors: NotFound if it is not
// acknowledged.
func (h *Health) WithdrawAcknowledgement(ctx context.Context, code Code) error {
	return h.store.WithdrawAcknowledgement(ctx, string(code))
}

// acknowledged attaches to each finding the acknowledgement that holds for it.
func acknowledged(findings []Finding, all []curfew.Acknowledgement) {
	for i, f := range findings {
		for _, a := range all {
			worse := f.Count > a.Count || f.Severity == Critical && a.Severity != string(Critical)
			if a.Code == string(f.Code) && f.Code != Unreadable && !worse {
				findings[i].Acknowledged = &a
			}
		}
	}
}

// Open reports whether a finding counts, because nobody has acknowledged it.
func (f Finding) Open() bool { return f.Acknowledged == nil }
