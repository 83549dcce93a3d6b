package main

import (
	"time"

	"github.com/schollz/progressbar/v3"
)

// patience is how long work goes on before a bar shows that it does.
const patience = time.Second

// progress is a bar for whoever watches the terminal. It keeps quiet where
// nobody does, and while the work is short.
type progress struct {
	term        terminal
	what        string
	total, done int // total -1: nobody knows
	since       time.Time
	bar         *progressbar.ProgressBar // once patience is over
}

func newProgress(t terminal, what string) *progress {
	return &progress{term: t, what: what, total: -1, since: time.Now()}
}

// add counts n more. The bar is decoration: that it cannot be drawn is no error.
func (p *progress) add(n int) {
	p.done += n
	if p.bar == nil && p.term.watched && time.Since(p.since) > patience {
		p.bar = progressbar.NewOptions(p.total,
			progressbar.OptionSetWriter(p.term.err), progressbar.OptionSetDescription(p.what),
			progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(p.total > 0),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if p.bar != nil {
		_ = p.bar.Set(p.done)
	}
}

// finish takes the bar away.
func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
