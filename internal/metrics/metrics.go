// Package metrics is what Curfew measures: the metrics for Prometheus, and a ring buffer of samples for the console's
// charts. It observes lifecycle and reads its health; it knows nothing of how either is shown.
package metrics

import (
	"cmp"
	"context"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/limit"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/lifecycle"
)

// scrapeTimeout bounds reading the gauges.
const scrapeTimeout = 5 * time.Second

// lagBuckets go from a millisecond to an hour.
var lagBuckets = []float64{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 300, 900, 3600}

// requestBuckets go from a millisecond to the longest request.
var requestBuckets = []float64{0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60}

// Registry has Curfew's metrics for Prometheus. It observes a keeper: pass it to lifecycle.Options as Observer, then
// call Watch with the health of the keeper.
type Registry struct {
	registry          *prometheus.Registry
	admissions        *prometheus.CounterVec
	admissionDuration prometheus.Histogram
	blocked           *prometheus.CounterVec
	cleaned           *prometheus.CounterVec
	runs              *prometheus.CounterVec
	runDuration       prometheus.Histogram
	expiryLag         prometheus.Histogram
	deliveries        *prometheus.CounterVec
	messages          *prometheus.CounterVec
	requests          *prometheus.CounterVec
	requestDuration   *prometheus.HistogramVec
	limited           *prometheus.CounterVec
	build             *prometheus.GaugeVec
	worstLag          atomic.Int64 // since swapWorstLag
}

var _ lifecycle.Observer = (*Registry)(nil)

// New returns Curfew's metrics, with Go's and the process's, in a registry of their own.
func New() *Registry {
	m := &Registry{
		registry:          prometheus.NewRegistry(),
		admissions:        counter("curfew_admissions_total", "Admissions by what became of them.", "outcome"),
		admissionDuration: histogram("curfew_admission_duration_seconds", "How long an admission took.", prometheus.DefBuckets),
		blocked:           counter("curfew_blocked_total", "Customers truly blocked, by the status of the session in the way.", "status"),
		cleaned:           counter("curfew_cleaned_total", "Rows that cleanups and admissions ended.", "rule", "trigger"),
		runs:              counter("curfew_cleanup_runs_total", "Cleanup runs.", "trigger", "outcome"),
		runDuration:       histogram("curfew_cleanup_duration_seconds", "How long a cleanup run took.", prometheus.DefBuckets),
		expiryLag:         histogram("curfew_expiry_lag_seconds", "How long after its deadline a session was ended, or an appointment began.", lagBuckets),
		deliveries:        counter("curfew_deliveries_total", "Attempts to tell somebody of an event, by what became of them.", "channel", "outcome"),
		messages:          counter("curfew_provider_messages_total", "Messages that came in a payment provider's name, by what became of them.", "provider", "outcome"),
		requests:          counter("curfew_http_requests_total", "Requests that were answered, by the route's pattern and the status.", "route", "status"),
		requestDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "curfew_http_request_duration_seconds", Help: "How long answers took, but for live streams.", Buckets: requestBuckets,
		}, []string{"route"}),
		limited: counter("curfew_limited_total", "Calls that were refused because there were too many, by the limit.", "class"),
		build:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "curfew_build_info", Help: "1, with the version that runs."}, []string{"version", "goversion"}),
	}
	m.begin()
	m.registry.MustRegister(
		m.requests, m.requestDuration, m.limited, m.build,
		m.admissions, m.admissionDuration, m.blocked, m.cleaned, m.runs, m.runDuration, m.expiryLag, m.deliveries, m.messages,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// begin creates every series of the counters, at 0. One that was created by its first event would have grown from
// nothing to 1 unseen: rate and increase see a step only between two samples.
func (m *Registry) begin() {
	for _, outcome := range append(curfew.Outcomes(), "replayed", "refused", "rejected", "failed") {
		m.admissions.WithLabelValues(string(outcome))
	}
	for _, status := range curfew.SessionStatuses() {
		if status.Open() {
			m.blocked.WithLabelValues(string(status))
		}
	}
	for _, trigger := range curfew.Triggers() {
		for _, rule := range curfew.RuleNames() {
			m.cleaned.WithLabelValues(string(rule), string(trigger))
		}
		for _, outcome := range []curfew.RunOutcome{curfew.RunSucceeded, curfew.RunFailed} {
			m.runs.WithLabelValues(string(trigger), string(outcome))
		}
	}
	for _, outcome := range []string{"recorded", "kept", "ignored", "refused"} {
		m.messages.WithLabelValues("stripe", outcome)
	}
	m.messages.WithLabelValues("events", "refused")
	for _, class := range limit.Classes() {
		m.limited.WithLabelValues(class.String())
	}
	for _, channel := range []string{record.MailChannel, record.WebhookChannel} {
		for _, outcome := range []string{"delivered", "retried", "dead"} {
			m.deliveries.WithLabelValues(channel, outcome)
		}
	}
}

// Describe records which version runs.
func (m *Registry) Describe(version string) {
	m.build.WithLabelValues(version, runtime.Version()).Set(1)
}

// AddRoute creates the series of a route, at 0, for the statuses it usually answers with.
func (m *Registry) AddRoute(route string, statuses ...int) {
	for _, status := range statuses {
		m.requests.WithLabelValues(route, strconv.Itoa(status))
	}
}

// noRoute stands for every path without a route: callers must not be able to create series.
const noRoute = "none"

// Answered counts a request that was answered with a status. The empty route stands for a path without one.
func (m *Registry) Answered(route string, status int) {
	m.requests.WithLabelValues(cmp.Or(route, noRoute), strconv.Itoa(status)).Inc()
}

// AnsweredIn records how long an answer took. Live streams are left out: how long they stay open says nothing about us.
func (m *Registry) AnsweredIn(route string, took time.Duration) {
	m.requestDuration.WithLabelValues(cmp.Or(route, noRoute)).Observe(took.Seconds())
}

// Handler serves the metrics to Prometheus.
func (m *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// HealthReader reports health: the Health of a lifecycle.Keeper.
type HealthReader interface {
	Report(ctx context.Context) lifecycle.Report
}

// Watch adds gauges of what health reports, read at scrape time. Call it once.
func (m *Registry) Watch(health HealthReader) { m.registry.MustRegister(gauges{health}) }

// Admitted implements lifecycle.Observer.
func (m *Registry) Admitted(outcome string, took time.Duration) {
	m.admissions.WithLabelValues(outcome).Inc()
	m.admissionDuration.Observe(took.Seconds())
}

// Blocked implements lifecycle.Observer.
func (m *Registry) Blocked(status curfew.SessionStatus) {
	m.blocked.WithLabelValues(string(status)).Inc()
}

// Cleaned implements lifecycle.Observer.
func (m *Registry) Cleaned(figure curfew.RuleName, trigger curfew.Trigger, rows int) {
	m.cleaned.WithLabelValues(string(figure), string(trigger)).Add(float64(rows))
}

// RunFinished implements lifecycle.Observer.
func (m *Registry) RunFinished(trigger curfew.Trigger, outcome curfew.RunOutcome, took time.Duration) {
	m.runs.WithLabelValues(string(trigger), string(outcome)).Inc()
	m.runDuration.Observe(took.Seconds())
}

// Expired implements lifecycle.Observer.
func (m *Registry) Expired(lag time.Duration) {
	m.expiryLag.Observe(lag.Seconds())
	for {
		worst := m.worstLag.Load()
		if int64(lag) <= worst || m.worstLag.CompareAndSwap(worst, int64(lag)) {
			return
		}
	}
}

// swapWorstLag returns the worst lag since it was last called.
func (m *Registry) swapWorstLag() time.Duration { return time.Duration(m.worstLag.Swap(0)) }

// Delivered counts an attempt to deliver a message. The outcome is delivered, retried or dead.
func (m *Registry) Delivered(channel, outcome string) {
	m.deliveries.WithLabelValues(channel, outcome).Inc()
}

// Limited counts a call that was refused because there were too many of its class.
func (m *Registry) Limited(class limit.Class) { m.limited.WithLabelValues(class.String()).Inc() }

// Received implements lifecycle.Observer.
func (m *Registry) Received(provider, outcome string) {
	m.messages.WithLabelValues(provider, outcome).Inc()
}

// gauges reads health at every scrape. A gauge that could not be read is absent, never 0.
type gauges struct{ health HealthReader }

var (
	sessionsGauge  = gauge("curfew_sessions", "Sessions.", "status")
	staleGauge     = gauge("curfew_sessions_stale", "Waiting sessions past their deadline and not ended.")
	veryStaleGauge = gauge("curfew_sessions_very_stale", "Stale sessions older than very_stale_after.")
	orphanedGauge  = gauge("curfew_sessions_orphaned", "Waiting sessions offered to no mechanic.")
	requestsGauge  = gauge("curfew_requests", "Requests.", "status")
	checkoutsGauge = gauge("curfew_checkouts", "Payments by their present outcome.", "outcome")
	owedGauge      = gauge("curfew_checkouts_owed", "What payments that wait for something amount to, in minor units.", "currency")
	amountGauge    = gauge("curfew_checkouts_amount", "What payments that wait for something or are credited amount to, in minor units.", "outcome", "currency")
	pendingGauge   = gauge("curfew_deliveries", "Deliveries that are not delivered.", "state")
	problemsGauge  = gauge("curfew_health_problems", "What health finds wrong.", "code", "severity")
	sweptGauge     = gauge("curfew_sweeper_last_success_timestamp_seconds", "When a sweep last succeeded.")
	repeatedGauge  = gauge("curfew_customers_blocked_repeatedly", "Customers refused again and again.")
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		sessionsGauge, staleGauge, veryStaleGauge, orphanedGauge, requestsGauge, checkoutsGauge, owedGauge, amountGauge, pendingGauge,
		problemsGauge, sweptGauge, repeatedGauge,
	} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	r := g.health.Report(ctx)
	emit := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if s := r.Sessions; s != nil {
		emitAll(emit, sessionsGauge, curfew.SessionStatuses(), s.ByStatus)
		emit(staleGauge, float64(s.Stale))
		emit(veryStaleGauge, float64(s.VeryStale))
		emit(orphanedGauge, float64(s.Orphaned))
	}
	if r.Requests != nil {
		emitAll(emit, requestsGauge, curfew.RequestStatuses(), r.Requests.ByStatus)
	}
	if r.Checkouts != nil {
		emitAll(emit, checkoutsGauge, curfew.Outcomes(), r.Checkouts.ByOutcome)
		for currency, amount := range r.Checkouts.Owed() {
			emit(owedGauge, float64(amount), currency)
		}
		for _, t := range r.Checkouts.Totals {
			if t.Currency != "" { // an unknown amount is not 0
				emit(amountGauge, float64(t.Amount), string(t.Outcome), t.Currency)
			}
		}
	}
	if r.Deliveries != nil {
		emit(pendingGauge, float64(r.Deliveries.Pending), string(record.DeliveryPending))
		emit(pendingGauge, float64(r.Deliveries.Dead), string(record.DeliveryDead))
	}
	if r.Repeated != nil {
		emit(repeatedGauge, float64(len(r.Repeated)))
	}
	if r.Heartbeats != nil && !r.Heartbeats.Sweep.IsZero() {
		emit(sweptGauge, float64(r.Heartbeats.Sweep.UnixMicro())/1e6)
	}
	for _, f := range r.Findings {
		if f.Open() {
			emit(problemsGauge, float64(f.Count), string(f.Code), string(f.Severity))
		}
	}
}

// emitAll emits a figure for every status, also for those that the vocabulary does not have.
func emitAll[S ~string](emit func(*prometheus.Desc, float64, ...string), d *prometheus.Desc, vocabulary []S, found map[S]int) {
	for _, status := range vocabulary {
		emit(d, float64(found[status]), string(status))
	}
	for status, n := range found {
		if !slices.Contains(vocabulary, status) {
			emit(d, float64(n), string(status))
		}
	}
}
