package lifecycle

import (
	"fmt"
	"strings"

	"github.com/curfewhq/curfew"
)

// writeFindings lists what keeps this process from writing.
func (h *Health) writeFindings(r Report) []Finding {
	var all []Finding
	if r.Writable != nil && !*r.Writable {
		all = append(all, Finding{
			Code: NotWritable, Severity: Critical, Count: 1, Problem: "the database takes no writes: " + r.Unwritable,
		})
	}
	if n, last := h.failing.recent(); n > 0 {
		all = append(all, Finding{
			Code: AdmissionsFailing, Severity: Critical, Count: n,
			Problem: fmt.Sprintf("%s failed within %s, the last one as %s: no session, and no outcome", count(n, "admission"), Span(failingWindow), last),
		})
	}
	if silent := h.sweeping.silent(); silent > sweeperSilence && r.SweeperAlive() {
		all = append(all, Finding{
			Code: SweeperSilent, Severity: Critical, Count: 1,
			Problem: fmt.Sprintf("the sweeper of this process has been silent for %s; another one sweeps", Span(silent)),
		})
	}
	return all
}

func (h *Health) systemFindings(r Report) []Finding {
	all := []Finding{{
		Code: GuardsMissing, Severity: Warning, Count: len(r.Guards),
		Problem: fmt.Sprintf("%s missing in the database: %s", count(len(r.Guards), "guard"), strings.Join(r.Guards, ", ")),
	}}
	if r.Lacking != "" {
		all = append(all, Finding{Code: SchemaLacking, Severity: Critical, Count: 1, Problem: r.Lacking})
	}
	if r.Heartbeats == nil {
		return all
	}
	if last := r.Heartbeats.LastRun; last != nil && last.Outcome == curfew.RunFailed && (last.Stats.SetApart == 0 || !background(last.Trigger)) {
		all = append(all, Finding{
			Code: CleanupFailed, Severity: Critical, Count: 1, Since: last.StartedAt,
			Problem: fmt.Sprintf("the last cleanup (%s) failed: its run %s says who began it, and why it failed", last.Trigger, last.ID),
		})
	}
	if h.sweeps && !r.SweeperAlive() && !h.young(r) {
		all = append(all, Finding{Code: SweeperSilent, Severity: Critical, Count: 1, Since: r.Heartbeats.Sweep, Problem: sweeperSilent(*r.Heartbeats)})
	}
	if r.ClockOff > ClockTolerance {
		all = append(all, Finding{
			Code: ClockSkew, Severity: Warning, Count: 1,
			Problem: fmt.Sprintf("this machine's clock is %s off the database's", Span(r.ClockOff)),
		})
	}
	return all
}

// young reports whether the database is new: it is empty, and nobody has swept it yet.
func (h *Health) young(r Report) bool {
	if r.Sessions == nil {
		return false
	}
	total := 0
	for _, n := range r.Sessions.ByStatus {
		total += n
	}
	return total == 0 && r.Heartbeats.Sweep.IsZero()
}

func sweeperSilent(p curfew.Heartbeats) string {
	if p.Sweep.IsZero() {
		return "the sweeper has never run"
	}
	return fmt.Sprintf("the sweeper has been silent for %s", Span(p.Now.Sub(p.Sweep)))
}
