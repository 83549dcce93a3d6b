package lifecycle

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// The values of Report.Health.
const (
	Healthy        = "healthy"
	IssuesDetected = "issues_detected"
	Undetermined   = "error"
)

// Thresholds of health that no setting needs.
const (
	// sweeperSilence is two periods of the sweeper.
	sweeperSilence = 2 * maxSleep
	// unwatched is how long requests may wait while nobody reads the queue.
	unwatched  = 5 * time.Minute
	maxDetails = 100
	// ClockTolerance is how far a process's clock may be off the database's:
	// tokens are judged by the former.
	ClockTolerance = time.Minute
	// healthLimit is how long a report may take. Figures that take longer count as
	// unreadable.
	healthLimit = 5 * time.Second
	// connectedFor is how long the streams of a process count after it last reported them.
	connectedFor = 30 * time.Second
)

// Report is the state of Curfew and its data. A figure that could not be read is nil, and
// Health is Undetermined then.
type Report struct {
	Health    string
	Timestamp time.Time // the database's where it answered
	StartedAt time.Time
	SweeperOn bool

	Sessions   *curfew.SessionFigures
	Requests   *curfew.RequestFigures
	Checkouts  *curfew.CheckoutFigures
	Mechanics  *curfew.MechanicFigures
	Deliveries *curfew.DeliveryFigures
	Repeated   []curfew.Repeated // nil: could not be read
	Heartbeats *curfew.Heartbeats
	Details    *curfew.HealthDetails
	Apart      []curfew.Quarantined // what is set apart, longest first, at most maxQuarantined
	// Payments lists the oldest that findings name: held, to be given back, money due, and
	// those with a concern.
	Payments []curfew.Checkout
	// Differences lists how the provider's books differ, oldest first, at most maxDetails.
	Differences []record.Difference
	Refused     []record.RefusedMessages // those within record.WindowOf
	Adopted     []record.Finding         // of the marketplace's own tables
	// Acknowledgements holds the operators' statements about findings.
	Acknowledgements []curfew.Acknowledgement
	Tallies          []curfew.TallyDifference // those that are wrong
	Rows             []curfew.Inconsistency   // of those looked at so far
	Guards           []string                 // those that are missing
	Lacking          string                   // what the schema lacks, in a sentence; empty: nothing
	Writable         *bool                    // whether this process can write; nil: unknown
	Unwritable       string                   // why it cannot
	// BlockedWindow is the time that Repeated looks back over.
	BlockedWindow time.Duration
	Keys          []curfew.KeyFigures // of each key server
	AuditLost     record.AuditLosses  // of the last day
	// ClockOff is how far this machine's clock is off the database's.
	ClockOff time.Duration

	Findings []Finding // most severe first
}

// SweeperAlive reports whether a sweep succeeded within two periods.
func (r Report) SweeperAlive() bool {
	return r.Heartbeats != nil && !r.Heartbeats.Sweep.IsZero() && r.Heartbeats.Now.Sub(r.Heartbeats.Sweep) <= sweeperSilence
}

// Health reports how well everything works, and what is wrong.
type Health struct {
	reporter
	rules     *Rules
	heartbeat *heartbeat
	failing   *failing
	sweeping  *sweeping
	rows      *rowCheck
	process   string // names this process to others
	started   time.Time
	sweeps    bool // the sweeper's timer is on
	moved     bool // the store's clock is moved by hand
	keys      Keys // nil: there is no key server
	auditLost func() int64
	store     interface {
		figureStore
		queueStore
		activityStore
		heartbeatStore
		schemaStore
		quarantineStore
		acknowledgementStore
		checkoutStore
		owedStore
		differenceStore
		refusedStore
		auditStore
	}
}

// Report reads every figure on its own, so that one that fails hides no other, and says
// what is wrong. It changes nothing and triggers nothing.
func (h *Health) Report(ctx context.Context) Report {
	ctx, end := h.trace.Begin(ctx, "look at health")
	defer end()
	r := Report{StartedAt: h.started, Timestamp: time.Now().UTC(), SweeperOn: h.sweeps, BlockedWindow: h.rules.policy.BlockedWindow}
	limited, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	failed := h.read(limited, &r)
	if r.Heartbeats != nil {
		r.Timestamp = r.Heartbeats.Now
	}
	h.readKeys(&r)
	var err error
	if r.Payments, err = h.unsettledPayments(limited, r.Checkouts); err != nil {
		failed = append(failed, "payments")
	}
	r.Findings = h.findings(r, failed)
	acknowledged(r.Findings, r.Acknowledgements)
	switch {
	case len(failed) > 0:
		r.Health = Undetermined
	case slices.ContainsFunc(r.Findings, Finding.Open):
		r.Health = IssuesDetected
	default:
		r.Health = Healthy
	}
	return r
}

// ExamineRows checks every row that it can within the limit, and reports whether it
// checked all. Reports then include what it found.
func (h *Health) ExamineRows(ctx context.Context, limit time.Duration) (whole bool, err error) {
	return h.rows.examine(ctx, limit)
}

// Deliveries returns the figures of deliveries alone.
func (h *Health) Deliveries(ctx context.Context) (curfew.DeliveryFigures, error) {
	return h.store.DeliveryFigures(ctx)
}

// Connected records which mechanics have a live stream of this process, for all processes
// to see. It counts for half a minute, so call it more often than that.
func (h *Health) Connected(ctx context.Context, mechanicIDs []string) error {
	if err := h.store.RecordStreams(ctx, h.process, len(mechanicIDs), connectedFor); err != nil || len(mechanicIDs) == 0 {
		return err
	}
	return h.store.SeeMechanics(ctx, mechanicIDs)
}

// read fills the report side by side and returns the names of what failed.
func (h *Health) read(ctx context.Context, r *Report) []string {
	return together(
		reading{"sessions", func() (err error) { r.Sessions, err = ptr(h.store.SessionFigures(ctx, h.rules.policy)); return }},
		reading{"requests", func() (err error) { r.Requests, err = ptr(h.store.RequestFigures(ctx)); return }},
		reading{"checkouts", func() (err error) { r.Checkouts, err = ptr(h.store.CheckoutFigures(ctx)); return }},
		reading{"mechanics", func() (err error) { r.Mechanics, err = ptr(h.store.MechanicFigures(ctx)); return }},
		reading{"deliveries", func() (err error) { r.Deliveries, err = ptr(h.store.DeliveryFigures(ctx)); return }},
		reading{"details", func() (err error) {
			r.Details, err = ptr(h.store.HealthDetails(ctx, h.rules.policy, maxDetails))
			return
		}},
		reading{"sweeper", func() error { return h.readHeartbeats(ctx, r) }},
		reading{"schema", func() error { return h.readSchema(ctx, r) }},
		reading{"writable", func() error { return h.readWrites(ctx, r) }},
		reading{"quarantine", func() (err error) { r.Apart, err = h.store.Quarantined(ctx, maxQuarantined); return }},
		reading{"acknowledgements", func() (err error) { r.Acknowledgements, err = h.store.Acknowledgements(ctx); return }},
		reading{"differences", func() (err error) { r.Differences, err = h.store.Differences(ctx, maxDetails); return }},
		reading{"refused messages", func() (err error) { r.Refused, err = h.store.RefusedMessages(ctx); return }},
		reading{"adopted tables", func() (err error) { r.Adopted, err = h.rules.adoptedFindings(ctx); return }},
		reading{"audit log", func() error { return h.readAudit(ctx, r) }},
		reading{"guards", func() (err error) { r.Guards, err = h.store.GuardsMissing(ctx); return }},
		reading{"rows", func() error { return h.rows.read(ctx, r) }},
		reading{"customers", func() error {
			who, err := h.store.Repeated(ctx, h.rules.policy.BlockedRepeatedly, h.rules.policy.BlockedWindow)
			if err == nil {
				r.Repeated = append([]curfew.Repeated{}, who...)
			}
			return err
		}},
	)
}

// readHeartbeats also compares the clocks, and assumes that the database read its own
// half-way through the call.
func (h *Health) readHeartbeats(ctx context.Context, r *Report) (err error) {
	asked := time.Now()
	if r.Heartbeats, err = ptr(h.store.Heartbeats(ctx)); err == nil {
		if h.moved {
			return nil
		}
		r.ClockOff = asked.Add(time.Since(asked) / 2).Sub(r.Heartbeats.Now).Abs()
	}
	return err
}

// readSchema treats a deficient schema as a finding, not as a failure to read it.
func (h *Health) readSchema(ctx context.Context, r *Report) error {
	err := h.store.Verify(ctx)
	if errors.Is(err, curfew.Invalid) {
		r.Lacking, err = err.Error(), nil
	}
	return err
}

// reading is one figure and how to read it.
type reading struct {
	name string
	do   func() error
}

// together runs readings side by side and returns the names of those that
// failed, in their order.
func together(readings ...reading) []string {
	errs := make([]error, len(readings))
	var all sync.WaitGroup
	for i, r := range readings {
		all.Go(func() { errs[i] = r.do() })
	}
	all.Wait()
	var failed []string
	for i, err := range errs {
		if err != nil {
			failed = append(failed, readings[i].name)
		}
	}
	return failed
}

func ptr[T any](v T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return &v, nil
}
