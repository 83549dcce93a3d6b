package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// barAfter is how long work takes before a progress bar is shown.
const barAfter = time.Second

// progress is a progress bar on a terminal. It shows nothing elsewhere, or while the work is short.
type progress struct {
	term        terminal
	what        string
	total, done int // total is -1 if unknown
	since       time.Time
	bar         *progressbar.ProgressBar // nil before barAfter
}

func newProgress(t terminal, what string) *progress {
	return &progress{term: t, what: what, total: -1, since: time.Now()}
}

// add counts n more. Errors in drawing the bar are ignored.
func (p *progress) add(n int) {
	p.done += n
	if p.bar == nil && p.term.watched && time.Since(p.since) > barAfter {
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.term.err), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(p.total > 0),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if p.bar != nil {
		_ = p.bar.Set(p.done)
	}
}

// finish removes the bar.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
