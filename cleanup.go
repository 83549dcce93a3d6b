package curfew

import (
	"log/slog"
	"strings"
	"time"
)

// Trigger is what started a run of the cleanup.
type Trigger string

// The triggers.
const (
	ByTimer   Trigger = "sweeper"
	ByQueue   Trigger = "queue"   // a mechanic loaded the queue
	ByAPI     Trigger = "api"     // POST /api/debug/cleanup-sessions, also from the admin page
	ByCommand Trigger = "command" // curfew cleanup
	ByLibrary Trigger = "library"
	// ByAdmission is not a run: an admission or an accept settled an overdue session.
	ByAdmission Trigger = "admission"
)

// Triggers lists them all.
func Triggers() []Trigger {
	return []Trigger{ByTimer, ByQueue, ByAPI, ByCommand, ByLibrary, ByAdmission}
}

// RunOutcome is how a run went. A run that found nothing succeeded; one that could not
// look failed.
type RunOutcome string

// The outcomes of a run.
const (
	RunRunning   RunOutcome = "running"
	RunSucceeded RunOutcome = "succeeded"
	RunFailed    RunOutcome = "failed"
	// RunInterrupted is a run that was stopped before its end, or whose process died. Its
	// figures count what it had done.
	RunInterrupted RunOutcome = "interrupted"
)

// RunDied is the error of a run whose process died.
const RunDied = "its process ended before the run did: what the figures count is done, the rest is not"

// interruptedMark begins the stored error of an interrupted run. The schema has no
// outcome for it, so that earlier releases read such a run as failed.
const interruptedMark = "interrupted: "

// Stored returns outcome and error in the form that stores keep.
func (r Run) Stored() (outcome RunOutcome, text string) {
	if r.Outcome == RunInterrupted {
		return RunFailed, interruptedMark + r.Error
	}
	return r.Outcome, r.Error
}

// Restored is the run as read from a store, with outcome and error in Curfew's form. It
// is alive if its lease has been renewed in time.
func (r Run) Restored(alive bool) Run {
	text, interrupted := strings.CutPrefix(r.Error, interruptedMark)
	switch {
	case r.Outcome == RunFailed && interrupted:
		r.Outcome, r.Error = RunInterrupted, text
	case r.Outcome == RunRunning && !alive:
		r.Outcome, r.Error = RunInterrupted, RunDied
	}
	return r
}

// Run is one execution of the cleanup: who, why and what it changed. Its
// events carry its id.
type Run struct {
	ID         string
	Trigger    Trigger
	Actor      Actor
	Reason     string
	StartedAt  time.Time
	FinishedAt time.Time
	Outcome    RunOutcome
	Error      string
	Stats      Stats
	// Undoes is the run that this one undid; empty: this one is a cleanup.
	Undoes string
	// UndoneBy is the first run that undid this one completely; empty: none has.
	UndoneBy string
}

// Undoable reports whether the run ended sessions that an undo may revive, and has not
// been undone yet. Sessions that were live are not revived.
func (r Run) Undoable() bool {
	s := r.Stats
	return r.Undoes == "" && r.UndoneBy == "" && r.Outcome != RunRunning &&
		s.OldWaitingSessions+s.OrphanedSessions+s.Unattended+s.NoShows > 0
}

// Stats counts the rows that a run changed. A session counts under its rule, and its
// request under ExpiredRequests; the request of an assigned session counts under the
// session's rule. The figures add up to the total.
type Stats struct {
	OldWaitingSessions int `json:"oldWaitingSessions"`
	ExpiredRequests    int `json:"expiredRequests"`
	OrphanedSessions   int `json:"orphanedSessions"`
	Unattended         int `json:"unattended"`
	NoShows            int `json:"noShows"`
	Overran            int `json:"overran"`
	ScheduledMissed    int `json:"scheduledMissed"`
	TotalCleaned       int `json:"totalCleaned"`
	// SetApart counts what could not be settled and was set apart. It is not part of the
	// total.
	SetApart int `json:"setApart,omitempty"`
	// Forgotten counts the sessions that went back into the queue, because their mechanic did
	// not come. It is not part of the total, because none of them ended.
	Forgotten int `json:"forgotten,omitempty"`
	// Revived counts the sessions that an undo revived. It is not part of the total.
	Revived int `json:"revived,omitempty"`
}

// LogValue logs each figure as an attribute.
func (s Stats) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.Int("oldWaitingSessions", s.OldWaitingSessions), slog.Int("expiredRequests", s.ExpiredRequests),
		slog.Int("orphanedSessions", s.OrphanedSessions), slog.Int("unattended", s.Unattended), slog.Int("noShows", s.NoShows), slog.Int("overran", s.Overran),
		slog.Int("scheduledMissed", s.ScheduledMissed), slog.Int("totalCleaned", s.TotalCleaned),
	}
	if s.SetApart > 0 {
		attrs = append(attrs, slog.Int("setApart", s.SetApart))
	}
	if s.Forgotten > 0 {
		attrs = append(attrs, slog.Int("forgotten", s.Forgotten))
	}
	if s.Revived > 0 {
		attrs = append(attrs, slog.Int("revived", s.Revived))
	}
	return slog.GroupValue(attrs...)
}

// Count adds one ended session, and its request if that ended too; or one that went back
// into the queue.
func (s *Stats) Count(rule RuleName, withRequest bool) {
	s.add(rule, 1)
	if !withRequest || rule == Forgotten {
		return
	}
	if rule == OldWaiting {
		rule = ExpiredRequests
	}
	s.add(rule, 1)
}

// Add adds the figures of another count.
func (s *Stats) Add(o Stats) {
	for _, r := range RuleNames() {
		s.add(r, o.Of(r))
	}
	s.SetApart += o.SetApart
	s.Revived += o.Revived
}

// Of returns the figure of a rule, or of ExpiredRequests.
func (s Stats) Of(rule RuleName) int {
	if f := s.figure(rule); f != nil {
		return *f
	}
	return 0
}

func (s *Stats) add(rule RuleName, n int) {
	if f := s.figure(rule); f != nil {
		*f += n
		if rule != Forgotten {
			s.TotalCleaned += n
		}
	}
}

func (s *Stats) figure(rule RuleName) *int {
	switch rule {
	case OldWaiting:
		return &s.OldWaitingSessions
	case ExpiredRequests:
		return &s.ExpiredRequests
	case Orphans:
		return &s.OrphanedSessions
	case Forgotten:
		return &s.Forgotten
	case Absences:
		return &s.Unattended
	case NoShows:
		return &s.NoShows
	case Overruns:
		return &s.Overran
	case Misses:
		return &s.ScheduledMissed
	}
	return nil
}

// Cursor is a position in a list that is ordered by a time and an id.
type Cursor struct {
	At time.Time
	ID string
}

// PlannedChange is what a preview would do to one session and its request.
type PlannedChange struct {
	SessionID  string        `json:"sessionId"`
	RequestID  string        `json:"requestId,omitempty"`
	CustomerID string        `json:"customerId"`
	Rule       RuleName      `json:"rule"`
	Age        time.Duration `json:"age"`
	Version    int64         `json:"version"`
	// Reason is why it would end: Cleared where it is not due yet.
	Reason EndReason `json:"reason"`
	Owed   Outcome   `json:"owed"`
	// AdoptedFrom and AdoptedID are the session's.
	AdoptedFrom string `json:"adoptedFrom,omitempty"`
	AdoptedID   string `json:"adoptedId,omitempty"`
}

// Preview is what a run would change, by id and version. Executing it changes only rows
// whose version is still the same.
type Preview struct {
	ID        string          `json:"id"`
	CreatedAt time.Time       `json:"createdAt"`
	Actor     Actor           `json:"actor"`
	MaxAge    time.Duration   `json:"maxAge"`
	Items     []PlannedChange `json:"items"`
	// Truncated reports that more is due than the preview holds.
	Truncated bool `json:"truncated"`
}

// Stats counts what executing the preview now would change.
func (p Preview) Stats() Stats {
	var s Stats
	for _, it := range p.Items {
		s.Count(it.Rule, it.RequestID != "")
	}
	return s
}
