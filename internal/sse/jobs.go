package sse

import (
	"bytes"
	"context"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

const (
	// jobsEvery is how often jobs are looked at while somebody watches: whichever process carries one out.
	jobsEvery = time.Second
	// jobsShown is how many of the newest are looked at, and endedShown how long one that has ended is told of: a
	// reader may have skipped an event.
	jobsShown  = 20
	endedShown = 10 * time.Second
)

// Jobs reads jobs, newest first.
type Jobs interface {
	Jobs(ctx context.Context, after curfew.Cursor, limit int) ([]record.Job, error)
}

// broadcastJobs tells admins how far jobs have come, whenever that has changed.
func (s *Server) broadcastJobs(ctx context.Context) {
	if s.jobs == nil {
		return
	}
	var last []byte
	for ctx.Err() == nil {
		pause(ctx, jobsEvery)
		if !s.progress.watched() {
			continue
		}
		jobs, err := s.jobs.Jobs(ctx, curfew.Cursor{}, jobsShown)
		if err != nil {
			continue // the next look may succeed, and the lists are the truth
		}
		if text := jobsText(jobs, time.Now()); !bytes.Equal(text, last) {
			last = text
			s.progress.publish(text)
		}
	}
}

// jobsText is an event for each job that runs, or ended a moment ago.
func jobsText(jobs []record.Job, now time.Time) []byte {
	var text bytes.Buffer
	for _, j := range jobs {
		if j.State == record.JobRunning || now.Sub(j.FinishedAt) < endedShown {
			text.Write(eventText(time.Time{}, api.JobEvent, wire.JobProgress(j)))
		}
	}
	return text.Bytes()
}
