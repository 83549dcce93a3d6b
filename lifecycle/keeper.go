package lifecycle

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// Options of a keeper. The zero value is right for production.
type Options struct {
	// Policy holds thresholds and plans; nil means curfew.DefaultPolicy.
	Policy *curfew.Policy
	// Logger receives the log; nil discards it.
	Logger *slog.Logger
	// Observer receives metrics; nil discards them.
	Observer Observer
	// Trace records spans of what callers asked for; nil records none.
	Trace curfew.Trace
	// Provider gives money back and lists what was paid. If it is nil, refunds that are
	// due wait for an operator.
	Provider Provider
	// Notifier is notified of every change; it may be nil.
	Notifier Notifier
	// Adopted ends and changes sessions whose rows are a marketplace's own; nil if no table is
	// adopted. Without it such sessions are never ended.
	Adopted adopted
	// Keys reports the state of another issuer's key server; nil if there is none.
	Keys Keys
	// AuditLost returns how many entries of the audit log this process has lost and not yet recorded in the store; it
	// may be nil.
	AuditLost func() int64
	// Stop is closed when the process is about to end. Cleanups, undos and
	// reconciliations then stop between two steps, and report that. It may be nil.
	Stop <-chan struct{}
	// TestClock says that the store's clock is moved by hand, so that Health does not
	// compare it with this machine's.
	TestClock bool
	// SweeperOff disables the timer of Sweeper.Run. Every promise to customers still
	// holds.
	SweeperOff bool
}

// Observer receives events for metrics. Its methods must not block.
type Observer interface {
	// Admitted reports an admission. The outcome is fulfilled, replayed, deferred,
	// refused or failed.
	Admitted(outcome string, took time.Duration)
	// Blocked reports that a session of that status truly blocked a customer.
	Blocked(status curfew.SessionStatus)
	// Cleaned reports how many rows ended under a rule's figure.
	Cleaned(figure curfew.RuleName, trigger curfew.Trigger, rows int)
	// RunFinished reports that a cleanup run ended.
	RunFinished(trigger curfew.Trigger, outcome curfew.RunOutcome, took time.Duration)
	// Expired reports how long after its deadline a session was ended, or an appointment
	// began.
	Expired(lag time.Duration)
	// Received reports what became of a message that came in a payment provider's name:
	// recorded, kept (it cannot be used), ignored (it is not about one of Curfew's payments)
	// or refused (it is not proven to be genuine).
	Received(provider, outcome string)
}

// Keeper is the session keeper over one store: a set of services. Their methods are safe
// for concurrent use, also by other keepers on the same database.
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

// New returns a keeper over a store. The error's kind is Invalid if the policy is.
func New(store Store, o Options) (*Keeper, error) {
	rules := &Rules{policy: curfew.DefaultPolicy(), asksProvider: o.Provider != nil, adopted: o.Adopted}
	if o.Policy != nil {
		rules.policy = *o.Policy
	}
	if err := rules.policy.Validate(); err != nil {
		return nil, err
	}
	var (
		process    = newID() // identifies this process to others
		reporter   = newReporter(o)
		wakeup     = newWakeup()
		write      = publisher{store, router{store, rules}, wakeup.publishTo(o.Notifier)}
		sweeping   = &sweeping{}
		failing    = newFailing()
		heartbeat  = newHeartbeat(store, process, reporter.log)
		quarantine = &quarantine{log: reporter.log, store: store, probe: store}
		rows       = &rowCheck{store: store, reporter: reporter}
		ledgers    = ledgers{rules, store}
	)
	settler := &settler{rules: rules, reporter: reporter, quarantine: quarantine, sweeping: sweeping, ledgers: ledgers, store: store, write: write}
	admission := &Admission{
		rules: rules, reporter: reporter, quarantine: quarantine, settler: settler, sweeping: sweeping, failing: failing,
		heartbeat: heartbeat, ledgers: ledgers, store: store, write: write,
	}
	sessions := &Sessions{
		rules: rules, reporter: reporter, settler: settler, admission: admission, failing: failing, store: store, write: write,
	}
	queue := &Queue{
		rules: rules, reporter: reporter, settler: settler, sessions: sessions, wakeup: wakeup, store: store, write: write,
	}
	checkouts := &Checkouts{rules: rules, admission: admission, sessions: sessions, ledgers: ledgers, store: store, write: write}
	payments := &Payments{
		rules: rules, reporter: reporter, quarantine: quarantine, admission: admission, sessions: sessions, checkouts: checkouts,
		provider: o.Provider, stop: o.Stop, store: store, write: write,
	}
	sessions.captures, queue.captures = captures{payments}, captures{payments}
	cleanups := &Cleanups{
		rules: rules, reporter: reporter, quarantine: quarantine, settler: settler, admission: admission, stop: o.Stop,
		ledgers: ledgers, store: store, write: write,
	}
	health := &Health{
		rules: rules, reporter: reporter, heartbeat: heartbeat, failing: failing, sweeping: sweeping, rows: rows,
		process: process, started: time.Now().UTC(), sweeps: !o.SweeperOff, moved: o.TestClock, keys: o.Keys, auditLost: o.AuditLost, store: store,
	}
	sweeper := &Sweeper{
		rules: rules, reporter: reporter, quarantine: quarantine, cleanups: cleanups, wakeup: wakeup, sweeping: sweeping,
		sweeps: !o.SweeperOff, stop: o.Stop, store: store, payments: &paymentWorker{Payments: payments},
	}
	sweeper.beside = []func(context.Context){rows.checkRows, heartbeat.run, sweeper.payments.run}
	return &Keeper{rules, admission, sessions, queue, checkouts, payments, cleanups, sweeper, health}, nil
}

// newID returns a UUIDv7. It panics only if the system provides no randomness.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

type nobody struct{}

func (nobody) Admitted(string, time.Duration)                               {}
func (nobody) Blocked(curfew.SessionStatus)                                 {}
func (nobody) Cleaned(curfew.RuleName, curfew.Trigger, int)                 {}
func (nobody) RunFinished(curfew.Trigger, curfew.RunOutcome, time.Duration) {}
func (nobody) Expired(time.Duration)                                        {}
func (nobody) Received(string, string)                                      {}
