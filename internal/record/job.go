package record

import (
	"time"

	"github.com/curfewhq/curfew"
)

// JobLease is how long a job belongs to whoever carries it out, unless they renew that.
const JobLease = 15 * time.Second

// Job is work that a person started and may leave.
type Job struct {
	ID    string
	Kind  JobKind
	Body  string // what was asked for, as JSON
	Actor curfew.Actor
	RunID string // of the run that records it; empty: it has none
	State JobState
	JobProgress
	Result      string       // the whole answer, as JSON; empty while it runs
	Error       string       // why it failed, safe to show
	CancelledBy curfew.Actor // who asked it to stop; zero: nobody
	// Holder carries it out, as this attempt. Both guard what the holder writes.
	Holder     string
	Attempt    int64
	CreatedAt  time.Time
	FinishedAt time.Time
}

// JobProgress is how far a job has come.
type JobProgress struct {
	Phase string
	Done  int64
	Total int64 // below 0: nobody knows yet
}

// JobKind is what a job does.
type JobKind string

// The kinds of jobs.
const (
	CleanupJob   JobKind = "cleanup"
	UndoJob      JobKind = "undo"
	ReconcileJob JobKind = "reconcile"
)

// JobState is how a job stands.
type JobState string

// The states of jobs. All but the first are for ever.
const (
	JobRunning   JobState = "running"
	JobSucceeded JobState = "succeeded"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled" // somebody asked it to stop, and it did
)
