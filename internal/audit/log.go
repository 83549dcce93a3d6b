package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

const (
	// capacity is how many entries wait in memory, at about a kilobyte each. What exceeds it is lost, and counted.
	capacity = 4096
	// maxBatch is how many entries a link has.
	maxBatch = 256
	// writeEvery is how often what was noted is written.
	writeEvery = time.Second
	// writeTimeout is how long one try may take, and lastTimeout how long the last one when the process stops.
	writeTimeout = 5 * time.Second
	lastTimeout  = time.Second
	// appendTries is how often a link is tried when other processes append at the same time.
	appendTries = 20
	// pruneEvery is how often old entries are looked for, and pruneLimit how many are deleted at once.
	pruneEvery = time.Hour
	pruneLimit = 5000
	// maxText is how much of a text is kept, in bytes.
	maxText = 256
)

// Options configure New.
type Options struct {
	Store Store // required
	// Keep is how long entries are kept; 0: for ever.
	Keep   time.Duration
	Logger *slog.Logger // nil discards the log
}

// Log is the audit log of this process: a buffer before the chain. It is safe for concurrent use.
type Log struct {
	store Store
	keep  time.Duration
	log   *slog.Logger
	looks looks

	writing sync.Mutex // held by whoever writes
	batch   string     // of the oldest entries; set while it is unknown whether it was written
	tried   int        // how many of them, and how many were lost, when it was tried
	blamed  int64

	mu      sync.Mutex
	waiting []noted
	lost    int64 // since the last link
}

// New returns the log of a process.
func New(o Options) *Log {
	return &Log{store: o.Store, keep: o.Keep, log: cmp.Or(o.Logger, slog.New(slog.DiscardHandler)), looks: newLooks()}
}

// Note adds an entry, without blocking. If too many entries are waiting, the entry is lost and counted: by Lost, and by the
// chain once it can be written again.
func (l *Log) Note(e record.AuditEntry) {
	e.About.Customer, e.About.Object, e.About.Detail = short(e.About.Customer), short(e.About.Object), short(e.About.Detail)
	e.Actor.ID, e.Action, e.RequestID = short(e.Actor.ID), short(e.Action), short(e.RequestID)
	n := noted{commit(e), time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) >= capacity {
		l.lost++
		return
	}
	l.waiting = append(l.waiting, n)
}

// NoteLook is Note for reads. It notes a repeated look, such as that of a page that updates itself, only once in a while.
func (l *Log) NoteLook(e record.AuditEntry) {
	if l.looks.first(e, time.Now()) {
		l.Note(e)
	}
}

// short cuts a text that is too long for the log, without cutting a character.
func short(text string) string {
	if len(text) > maxText {
		return curfew.Visible(text[:maxText]) + "…"
	}
	return text
}

// Lost returns how many lost entries the chain does not count yet.
func (l *Log) Lost() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// Run writes what is noted every second, and prunes, until the context ends. Then it writes once more.
func (l *Log) Run(ctx context.Context) error {
	tick, prune := time.NewTicker(writeEvery), time.NewTicker(pruneEvery)
	defer tick.Stop()
	defer prune.Stop()
	l.prune(ctx)
	failing := false
	for {
		select {
		case <-tick.C:
			failing = l.report(ctx, failing, l.Write(ctx))
		case <-prune.C:
			l.prune(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
			defer cancel()
			if err := l.Write(last); err != nil {
				l.log.ErrorContext(ctx, "the audit log could not be written to its end: entries are lost", "entries", l.pending(), "error", err)
			}
			return nil
		}
	}
}

// report logs the first of several failures, and the first success after them.
func (l *Log) report(ctx context.Context, failing bool, err error) bool {
	switch {
	case err != nil && !failing && ctx.Err() == nil:
		l.log.ErrorContext(ctx, "the audit log cannot be written; its entries wait in memory, and are lost if there are too many", "error", err)
	case err == nil && failing:
		l.log.InfoContext(ctx, "the audit log is written again")
	}
	return err != nil
}

// pending returns how many entries are not in the chain.
func (l *Log) pending() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return int64(len(l.waiting)) + l.lost
}

// Write writes everything that is waiting. What it cannot write goes on waiting.
func (l *Log) Write(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	for {
		all, lost := l.oldest()
		if len(all) == 0 && lost == 0 {
			return nil
		}
		limited, cancel := context.WithTimeout(ctx, writeTimeout)
		err := l.append(limited, all, lost)
		cancel()
		if err != nil {
			return fmt.Errorf("write the audit log: %w", err)
		}
		l.forget(len(all), lost)
	}
}

// oldest returns the next batch. While it is unknown whether a batch was written, it returns the
// same batch.
func (l *Log) oldest() ([]noted, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.batch == "" && (len(l.waiting) > 0 || l.lost > 0) {
		l.batch, l.tried, l.blamed = uuid.Must(uuid.NewV7()).String(), min(len(l.waiting), maxBatch), l.lost
	}
	return l.waiting[:l.tried], l.blamed
}

// forget removes what is in the chain.
func (l *Log) forget(n int, lost int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append([]noted(nil), l.waiting[n:]...)
	l.lost -= lost
	l.batch, l.tried, l.blamed = "", 0, 0
}

// append continues the chain, behind whatever link is the last one when it succeeds.
func (l *Log) append(ctx context.Context, all []noted, lost int64) error {
	var err error
	for range appendTries {
		head, e := l.store.AuditHead(ctx, l.batch)
		if e != nil {
			return e
		}
		if head.Written {
			return nil // an earlier try succeeded, and its answer was lost
		}
		next, entries := link(head, l.batch, all, lost, time.Now())
		if err = l.store.AppendAudit(ctx, next, entries); curfew.KindOf(err) != curfew.Conflict || err == nil {
			return err
		}
	}
	return err
}

// prune deletes what is too old.
func (l *Log) prune(ctx context.Context) {
	if l.keep == 0 {
		return
	}
	total := 0
	for {
		limited, cancel := context.WithTimeout(ctx, writeTimeout)
		n, err := l.store.PruneAudit(limited, max(l.keep, record.MinAuditKeep), pruneLimit)
		cancel()
		if err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "the audit log could not be pruned; it is tried again", "error", err)
		}
		total += n
		if err != nil || n == 0 {
			break
		}
	}
	if total > 0 {
		l.Note(record.AuditEntry{
			Actor: curfew.Actor{Role: curfew.System, ID: "audit"}, Action: "pruneAudit", Via: ViaSystem,
			About: record.AuditSubject{Detail: fmt.Sprintf("%d entries", total)},
		})
	}
}

// How somebody did something.
const (
	ViaAPI     = "api"
	ViaPage    = "page"
	ViaCommand = "command"
	ViaSystem  = "system"
)
