package main

import (
	"context"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"
)

// endSignals returns the signals that stop a service gracefully. A signal that was ignored when the
// process began (nohup) stays ignored.
func endSignals() []os.Signal {
	return slices.DeleteFunc([]os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}, signal.Ignored)
}

// untilSignal returns two contexts. The first signal ends stopping; drained ends when the drain is
// over, or at a second signal. From then on a signal ends the process at once. Cancel ends both.
func untilSignal(ctx context.Context, drain time.Duration) (stopping, drained context.Context, cancel context.CancelFunc) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, endSignals()...)
	drained, finish := context.WithCancel(ctx)
	stopping, stop := context.WithCancel(drained)
	go func() {
		defer finish()
		defer signal.Stop(signals) // before callers see that drained has ended
		if !arrives(drained, signals) || drain <= 0 {
			return
		}
		stop()
		limited, cancel := context.WithTimeout(drained, drain)
		defer cancel()
		arrives(limited, signals)
	}()
	return stopping, drained, func() { stop(); finish() }
}

// arrives reports whether a signal arrives before the context ends.
func arrives(ctx context.Context, signals <-chan os.Signal) bool {
	select {
	case <-signals:
		return true
	case <-ctx.Done():
		return false
	}
}

// untilInterrupt returns a channel that the first end signal closes, so that long work stops between two steps and
// reports how far it got. A second signal ends the process at once.
func untilInterrupt(ctx context.Context, term terminal) (stop <-chan struct{}, release func()) {
	signalled, restore := signal.NotifyContext(ctx, endSignals()...)
	silent := context.AfterFunc(signalled, func() {
		restore()
		if ctx.Err() == nil {
			term.notef("curfew: stopping after the step at hand; once more ends it at once\n")
		}
	})
	return signalled.Done(), func() { silent(); restore() }
}
