package lifecycle

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// Options of a keeper. The zero value is right for production.
type Options struct {
	// Policy holds thresholds and plans; nil: curfew.DefaultPolicy.
	Policy *curfew.Policy
	// Logger gets the cleanup's lines; nil: none are written.
	Logger *slog.Logger
	// Observer gets the figures; nil: nobody does.
	Observer Observer
	// Trace is shown what callers asked for, as steps; nil: nobody looks.
	Trace curfew.Trace
	// Provider gives money back and says what was paid; nil: a refund that is due
	// waits for an operator.
	Provider Provider
	// Notifier is told of every change; nil: nobody is.
	Notifier Notifier
	// Keys says how the key server of another issuer is; nil: there is none.
	Keys Keys
	// Stop is closed when the process is about to end: cleanups, undos and
	// reconciliations end between two steps, and say so. Nil: never.
	Stop <-chan struct{}
	// SweeperOff stops the timer of Run. Every promise to customers still holds.
	SweeperOff bool
}

// Observer is told what happened, for metrics. Its methods must not block.
type Observer interface {
	// Admitted: outcome is fulfilled, replayed, deferred, refused or failed.
	Admitted(outcome string, took time.Duration)
	// Blocked: a customer was truly blocked by a session of that status.
	Blocked(status curfew.SessionStatus)
	// Cleaned: so many rows ended under a rule's figure.
	Cleaned(figure curfew.RuleName, trigger curfew.Trigger, rows int)
	// RunFinished: a cleanup run ended.
	RunFinished(trigger curfew.Trigger, outcome curfew.RunOutcome, took time.Duration)
	// Expired: a session was ended, or an appointment began, so long after its
	// deadline.
	Expired(lag time.Duration)
}

// Keeper is the session keeper over one store: services side by side. Its
// methods are safe for concurrent use, also by other keepers on the same
// database.
type Keeper struct {
	Rules     *Rules
	Admission *Admission
	Sessions  *Sessions
	Queue     *Queue
	Checkouts *Checkouts
	Payments  *Payments
	Cleanups  *Cleanups
	Sweeper   *Sweeper
	Health    *Health
}

// New makes a keeper. The error's kind is Invalid where the policy cannot be;
// then there is no keeper.
func New(store Store, o Options) (*Keeper, error) {
	rules := &Rules{policy: curfew.DefaultPolicy(), asksProvider: o.Provider != nil}
	if o.Policy != nil {
		rules.policy = *o.Policy
	}
	if err := rules.policy.Validate(); err != nil {
		return nil, err
	}
	var (
		process    = newID() // names this process to others
		reporter   = newReporter(o)
		wakeup     = newWakeup()
		write      = publisher{store, store, wakeup.publishTo(o.Notifier)}
		sweeping   = &sweeping{}
		failing    = newFailing()
		heartbeat  = newHeartbeat(store, process, reporter.log)
		quarantine = &quarantine{log: reporter.log, store: store, probe: store}
		rows       = &rowCheck{store: store, reporter: reporter}
	)
	settler := &settler{rules: rules, reporter: reporter, quarantine: quarantine, sweeping: sweeping, store: store, write: write}
	admission := &Admission{
		rules: rules, reporter: reporter, quarantine: quarantine, settler: settler, sweeping: sweeping, failing: failing,
		heartbeat: heartbeat, store: store, write: write,
	}
	sessions := &Sessions{
		rules: rules, reporter: reporter, settler: settler, admission: admission, failing: failing, store: store, write: write,
	}
	queue := &Queue{
		rules: rules, reporter: reporter, settler: settler, sessions: sessions, wakeup: wakeup, store: store, write: write,
	}
	checkouts := &Checkouts{rules: rules, admission: admission, sessions: sessions, store: store, write: write}
	payments := &Payments{
		rules: rules, reporter: reporter, quarantine: quarantine, admission: admission, sessions: sessions, checkouts: checkouts,
		provider: o.Provider, stop: o.Stop, store: store, write: write,
	}
	cleanups := &Cleanups{
		rules: rules, reporter: reporter, quarantine: quarantine, settler: settler, admission: admission, stop: o.Stop,
		store: store, write: write,
	}
	health := &Health{
		rules: rules, reporter: reporter, heartbeat: heartbeat, failing: failing, sweeping: sweeping, rows: rows,
		process: process, started: time.Now().UTC(), sweeps: !o.SweeperOff, keys: o.Keys, store: store,
	}
	sweeper := &Sweeper{
		rules: rules, reporter: reporter, quarantine: quarantine, cleanups: cleanups, wakeup: wakeup, sweeping: sweeping,
		sweeps: !o.SweeperOff, stop: o.Stop, store: store,
		beside: []func(context.Context){rows.checkRows, heartbeat.run},
	}
	if o.Provider != nil {
		sweeper.beside = append(sweeper.beside, payments.run)
	}
	return &Keeper{rules, admission, sessions, queue, checkouts, payments, cleanups, sweeper, health}, nil
}

// newID makes a UUIDv7. It panics only where the system has no randomness.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// idBefore is an id that sorts before every one made from then on.
func idBefore(t time.Time) string {
	ms := t.UnixMilli()
	return fmt.Sprintf("%08x-%04x-0000-0000-000000000000", ms>>16, ms&0xffff)
}

type nobody struct{}

func (nobody) Admitted(string, time.Duration)                               {}
func (nobody) Blocked(curfew.SessionStatus)                                 {}
func (nobody) Cleaned(curfew.RuleName, curfew.Trigger, int)                 {}
func (nobody) RunFinished(curfew.Trigger, curfew.RunOutcome, time.Duration) {}
func (nobody) Expired(time.Duration)                                        {}
