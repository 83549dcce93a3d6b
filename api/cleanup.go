package api

import "time"

// Selection chooses what a preview shows. The zero value chooses everything due.
type Selection struct {
	CustomerID    string
	Rules         []string
	MaxAgeMinutes int
}

// Cleanup requests a cleanup, a preview of one, or the execution of a preview. The
// zero value requests a full cleanup.
type Cleanup struct {
	DryRun        bool     `json:"dryRun,omitempty" doc:"Store a preview instead of cleaning"`
	PreviewID     string   `json:"previewId,omitempty" minLength:"1" doc:"Execute exactly this preview"`
	Only          []string `json:"only,omitempty" minItems:"1" maxItems:"10000" doc:"Of the preview, only these sessions" nullable:"false"`
	Except        []string `json:"except,omitempty" minItems:"1" maxItems:"10000" doc:"Of the preview, all but these sessions" nullable:"false"`
	CustomerID    string   `json:"customerId,omitempty" minLength:"1" doc:"Only this customer's sessions"`
	Rules         []string `json:"rules,omitempty" minItems:"1" maxItems:"10" doc:"Only these rules" nullable:"false"`
	MaxAgeMinutes *int     `json:"maxAgeMinutes,omitempty" minimum:"1" maximum:"5256000" doc:"Unassigned sessions are due at this age, whatever their deadline"`
	Reason        string   `json:"reason,omitempty" maxLength:"500" doc:"Kept in the run and the history"`
}

// Preview is what a cleanup would change.
type Preview struct {
	WouldClean WouldClean    `json:"wouldClean"`
	Items      []PreviewItem `json:"items" nullable:"false"`
	PreviewID  *string       `json:"previewId" doc:"Null if it was not stored"`
	Truncated  bool          `json:"truncated,omitempty" doc:"More would end than is listed"`
	Tip        string        `json:"tip"`
}

// WouldClean counts the rows that a cleanup would change.
type WouldClean struct {
	ExpiredRequests    int `json:"expiredRequests"`
	OldWaitingSessions int `json:"oldWaitingSessions"`
	PotentialOrphans   int `json:"potentialOrphans"`
	Unattended         int `json:"unattended"`
	NoShows            int `json:"noShows"`
	Overran            int `json:"overran"`
	ScheduledMissed    int `json:"scheduledMissed"`
	Total              int `json:"total"`
	Forgotten          int `json:"forgotten,omitempty" doc:"Sessions that would go back into the queue, because their mechanic did not come; not in the total"`
}

// PreviewItem is one session, with its request.
type PreviewItem struct {
	SessionID  string   `json:"sessionId"`
	RequestID  string   `json:"requestId,omitempty"`
	CustomerID string   `json:"customerId"`
	Rule       string   `json:"rule"`
	AgeSeconds int64    `json:"ageSeconds"`
	Version    int64    `json:"version"`
	Reason     string   `json:"reason" doc:"Why it would end; cleared if it is not overdue yet"`
	Owed       string   `json:"owed" doc:"What its payment would become; empty if the session is adopted"`
	Adopted    *Adopted `json:"adopted,omitempty" doc:"The row, in one of the marketplace's own tables, that would be ended"`
}

// CleanupResult is what a cleanup did.
type CleanupResult struct {
	Success bool         `json:"success"`
	Message string       `json:"message"`
	RunID   string       `json:"runId"`
	Stats   CleanupStats `json:"stats"`
	Drifted []Drift      `json:"drifted" doc:"Rows that have changed since the preview and were left alone" nullable:"false"`
}

// CleanupStats counts the rows that a cleanup changed.
type CleanupStats struct {
	OldWaitingSessions int `json:"oldWaitingSessions"`
	ExpiredRequests    int `json:"expiredRequests"`
	OrphanedSessions   int `json:"orphanedSessions"`
	Unattended         int `json:"unattended"`
	NoShows            int `json:"noShows"`
	Overran            int `json:"overran"`
	ScheduledMissed    int `json:"scheduledMissed"`
	TotalCleaned       int `json:"totalCleaned"`
	SetApart           int `json:"setApart,omitempty" doc:"Rows that could not be settled: they are in quarantine and are tried again later; not in the total"`
	Forgotten          int `json:"forgotten,omitempty" doc:"Sessions that went back into the queue, because their mechanic did not come; not in the total"`
	Revived            int `json:"revived,omitempty" doc:"Sessions that an undo revived; not in the total"`
}

// Drift is a row that had changed since the preview.
type Drift struct {
	SessionID  string `json:"sessionId"`
	CustomerID string `json:"customerId,omitempty"`
	Why        string `json:"why"`
}

// Runs is a page of the record of cleanups, newest first.
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
	FinishedAt *time.Time   `json:"finishedAt" doc:"Null while it runs, and if its process died (it is then interrupted)"`
	Outcome    string       `json:"outcome" enum:"running,succeeded,failed,interrupted"`
	Error      string       `json:"error,omitempty" doc:"Of a failed or interrupted run; the details are in the log"`
	Stats      CleanupStats `json:"stats"`
	Undoable   bool         `json:"undoable,omitempty" doc:"It ended sessions that an undo may revive, and has not been undone"`
	Undoes     string       `json:"undoes,omitempty" doc:"The run that this one undid"`
	UndoneBy   string       `json:"undoneBy,omitempty" doc:"The first run that undid this one completely"`
}
