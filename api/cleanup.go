package api

import "time"

// Selection chooses what a preview shows. Its zero value is everything due.
type Selection struct {
	CustomerID    string
	Rules         []string
	MaxAgeMinutes int
}

// Cleanup asks for a cleanup, for a preview of one, or for the execution of a
// preview. Its zero value is a full cleanup.
type Cleanup struct {
	DryRun        bool     `json:"dryRun,omitempty" doc:"Store a preview instead of cleaning"`
	PreviewID     string   `json:"previewId,omitempty" minLength:"1" doc:"Clean exactly what this preview shows"`
	CustomerID    string   `json:"customerId,omitempty" minLength:"1" doc:"Only this customer's sessions"`
	Rules         []string `json:"rules,omitempty" minItems:"1" maxItems:"10" doc:"Only these rules" nullable:"false"`
	MaxAgeMinutes *int     `json:"maxAgeMinutes,omitempty" minimum:"1" maximum:"5256000" doc:"Replaces the deadline of unassigned sessions by their creation + this age"`
	Reason        string   `json:"reason,omitempty" maxLength:"500" doc:"Kept in the run and the history"`
}

// Preview is what a cleanup would change.
type Preview struct {
	WouldClean WouldClean    `json:"wouldClean"`
	Items      []PreviewItem `json:"items" nullable:"false"`
	PreviewID  *string       `json:"previewId" doc:"Null where it was not stored"`
	Truncated  bool          `json:"truncated,omitempty" doc:"More is due than is shown"`
	Tip        string        `json:"tip"`
}

// WouldClean counts the rows that a cleanup would change.
type WouldClean struct {
	ExpiredRequests    int `json:"expiredRequests"`
	OldWaitingSessions int `json:"oldWaitingSessions"`
	PotentialOrphans   int `json:"potentialOrphans"`
	NoShows            int `json:"noShows"`
	Overran            int `json:"overran"`
	ScheduledMissed    int `json:"scheduledMissed"`
	Total              int `json:"total"`
}

// PreviewItem is one session, with its request.
type PreviewItem struct {
	SessionID  string `json:"sessionId"`
	RequestID  string `json:"requestId,omitempty"`
	CustomerID string `json:"customerId"`
	Rule       string `json:"rule"`
	AgeSeconds int64  `json:"ageSeconds"`
	Version    int64  `json:"version"`
	Reason     string `json:"reason" doc:"Why it would end: cleared where it is not overdue yet"`
	Owed       string `json:"owed" doc:"What its payment would become"`
}

// CleanupResult is what a cleanup did.
type CleanupResult struct {
	Success bool         `json:"success"`
	Message string       `json:"message"`
	RunID   string       `json:"runId"`
	Stats   CleanupStats `json:"stats"`
	Drifted []Drift      `json:"drifted" doc:"Rows of the preview that had moved and were left alone" nullable:"false"`
}

// CleanupStats counts the rows that a cleanup changed.
type CleanupStats struct {
	OldWaitingSessions int `json:"oldWaitingSessions"`
	ExpiredRequests    int `json:"expiredRequests"`
	OrphanedSessions   int `json:"orphanedSessions"`
	NoShows            int `json:"noShows"`
	Overran            int `json:"overran"`
	ScheduledMissed    int `json:"scheduledMissed"`
	TotalCleaned       int `json:"totalCleaned"`
	SetApart           int `json:"setApart,omitempty" doc:"What could not be settled, was set apart and is tried again later; the total does not count it"`
	Revived            int `json:"revived,omitempty" doc:"Sessions that an undo revived; the total does not count them"`
}

// Drift is a row of a preview that had moved.
type Drift struct {
	SessionID string `json:"sessionId"`
	Why       string `json:"why"`
}

// Runs is the record of cleanups, newest first.
type Runs struct {
	Runs       []Run   `json:"runs" nullable:"false"`
	NextCursor *string `json:"nextCursor" doc:"Where the next page begins; null on the last"`
}

// Run is one execution of the cleanup.
type Run struct {
	ID         string       `json:"id"`
	Trigger    string       `json:"trigger"`
	Actor      string       `json:"actor" doc:"role:id"`
	Reason     string       `json:"reason"`
	StartedAt  time.Time    `json:"startedAt"`
	FinishedAt *time.Time   `json:"finishedAt" doc:"Null while it runs, and where its process died (then it is interrupted)"`
	Outcome    string       `json:"outcome" enum:"running,succeeded,failed,interrupted"`
	Error      string       `json:"error,omitempty" doc:"Of a failed or an interrupted run: a text without details, which are in the log"`
	Stats      CleanupStats `json:"stats"`
	Undoable   bool         `json:"undoable,omitempty" doc:"It ended sessions that an undo may revive, and was not undone yet"`
	Undoes     string       `json:"undoes,omitempty" doc:"The run that this one undid"`
	UndoneBy   string       `json:"undoneBy,omitempty" doc:"The first run that undid this one to its end"`
}
