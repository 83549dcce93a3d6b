package lifecycle

import (
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/curfewhq/curfew"
)

// Options of an engine. The zero value is right for production.
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

// Engine is the session keeper over one store. Its methods are safe for
// concurrent use, also by other engines on the same database.
type Engine struct {
	store    Store
	write    publisher
	policy   curfew.Policy
	log      *slog.Logger
	observe  Observer
	trace    curfew.Trace
	provider Provider
	keys     Keys
	sweeps   bool
	stop     <-chan struct{}
	started  time.Time
	process  string // names the process to others
	nudges   chan struct{}
	alarm    *alarm
	// What this process knows of itself.
	heartbeat *heartbeat
	sweeping  sweeping
	failing   *failing
	rows      rowCheck
	// quarantine is the sessions that this process knows to be set apart.
	quarantine quarantine
	// queueRead: a mechanic looked since the last step.
	queueRead atomic.Bool
}

// New makes an engine. The error's kind is Invalid where the policy cannot be;
// then there is no engine.
func New(store Store, o Options) (*Engine, error) {
	e := &Engine{
		store:  store,
		policy: curfew.DefaultPolicy(), log: o.Logger, observe: o.Observer, trace: o.Trace, provider: o.Provider, keys: o.Keys,
		sweeps: !o.SweeperOff, stop: o.Stop, started: time.Now().UTC(), process: newID(), nudges: make(chan struct{}, 1),
		alarm: newAlarm(), heartbeat: newHeartbeat(), failing: newFailing(),
	}
	e.write = publisher{store, store, e.changed(o.Notifier)}
	if o.Policy != nil {
		e.policy = *o.Policy
	}
	if e.log == nil {
		e.log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	if e.observe == nil {
		e.observe = nobody{}
	}
	if err := e.policy.Validate(); err != nil {
		return nil, err
	}
	return e, nil
}

// Policy is the thresholds and plans in force.
func (e *Engine) Policy() curfew.Policy { return e.policy }

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

// Wake takes a notification of another engine on the same database: Run looks
// then, at once if in is not positive. It does not block.
func (e *Engine) Wake(in time.Duration) { e.alarm.set(in) }

// changed is what happens after a commit: the sweeper of this engine hears of
// it, and who else wants to.
func (e *Engine) changed(notifier Notifier) func(time.Duration) {
	return func(in time.Duration) {
		e.alarm.set(in)
		if notifier != nil {
			notifier.Changed(in)
		}
	}
}
