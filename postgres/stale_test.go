package postgres

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// wave is how many sessions are open where the planner believes that none is.
const wave = 2000

// calm makes so many sessions with all that hangs on them and settles everything:
// the indexes of what is open have pages then, and no entries.
var calm = []string{
	`INSERT INTO curfew.sessions (customer_id, id, checkout_id, plan, status, version, created_at, starts_at, expires_at, mechanic_id)
		SELECT 'p' || n, md5('ps' || n)::uuid, md5('pc' || n)::uuid, 'chat10', (ARRAY['waiting', 'waiting', 'live', 'scheduled'])[1 + n % 4], 1,
			now() - interval '1 day', now() - interval '1 day', now() - interval '1 day', CASE WHEN n % 4 IN (1, 2) THEN 'm' || n END
		FROM generate_series(1, $1::int) n`,
	`INSERT INTO curfew.session_requests (customer_id, id, session_id, status, mechanic_id, created_at)
		SELECT customer_id, gen_random_uuid(), id, CASE WHEN mechanic_id IS NULL THEN 'pending' ELSE 'accepted' END, mechanic_id, created_at
		FROM curfew.sessions`,
	`INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version, session_id, retry_until, money_due, payment_id, email, capture, created_at)
		SELECT s.customer_id, s.checkout_id, s.plan, o.outcome, 1, s.id, now(), true, 'p', 'e', 'due', s.created_at
		FROM (SELECT *, row_number() OVER () % 5 AS k FROM curfew.sessions) s
			JOIN unnest('{deferred,held,refund_due,refunding,credited}'::text[]) WITH ORDINALITY o (outcome, k) ON o.k = s.k + 1`,
	`INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, to_status, actor, at)
		SELECT customer_id, id, 1, 'session', gen_random_uuid(), 'waiting', 'service:shop', created_at FROM curfew.sessions`,
	`INSERT INTO curfew.deliveries (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, updated_at)
		SELECT customer_id, gen_random_uuid(), id, subject_id, number, 'mail', 'mail', 'a', 'k', '{}', at FROM curfew.events`,
	`UPDATE curfew.deliveries SET state = 'dead'`,
	`UPDATE curfew.sessions SET status = 'cancelled', ended_at = now(), expires_at = NULL, end_reason = 'expired'`,
	`UPDATE curfew.session_requests SET status = 'expired', ended_at = now()`,
	`UPDATE curfew.checkouts SET outcome = 'refunded', money_due = false, payment_id = '', email = '', capture = ''`,
	`UPDATE curfew.events SET told = true`,
	`UPDATE curfew.deliveries SET state = 'delivered'`,
}

// storm opens as many, all of them overdue: of ten, six wait, two of them for a
// mechanic who accepted, two are live and two are appointments.
var storm = []string{
	`INSERT INTO curfew.sessions (customer_id, id, checkout_id, plan, status, version, created_at, starts_at, expires_at, started_at, mechanic_id)
		SELECT 'c' || n, md5('s' || n)::uuid, md5('c' || n)::uuid, 'chat10',
			CASE WHEN n % 10 < 6 THEN 'waiting' WHEN n % 10 < 8 THEN 'live' ELSE 'scheduled' END, 1, now() - interval '1 hour',
			CASE WHEN n % 10 >= 8 THEN now() - interval '30 minutes' - (n % 2) * interval '1 minute' END, now() - interval '30 minutes',
			CASE WHEN n % 10 IN (6, 7) THEN now() - interval '50 minutes' END, CASE WHEN n % 10 IN (4, 5, 6, 7) THEN 'm' || n END
		FROM generate_series(1, $1::int) n`,
	`INSERT INTO curfew.session_requests (customer_id, id, session_id, status, mechanic_id, created_at)
		SELECT customer_id, gen_random_uuid(), id, CASE WHEN mechanic_id IS NULL THEN 'pending' ELSE 'accepted' END, mechanic_id, created_at
		FROM curfew.sessions WHERE status IN ('waiting', 'live')`,
	`INSERT INTO curfew.mechanic_slots (mechanic_id, customer_id, session_id)
		SELECT mechanic_id, customer_id, id FROM curfew.sessions WHERE status IN ('waiting', 'live') AND mechanic_id IS NOT NULL`,
	`INSERT INTO curfew.checkouts (customer_id, id, ref, plan, outcome, version, session_id, capture, created_at)
		SELECT customer_id, checkout_id, 'ref-' || customer_id, plan, 'fulfilled', 1, id, 'capturing', created_at FROM curfew.sessions WHERE ended_at IS NULL`,
	`INSERT INTO curfew.payment_refs (ref, customer_id, checkout_id, plan, version)
		SELECT ref, customer_id, id, plan, 1 FROM curfew.checkouts WHERE outcome = 'fulfilled'`,
	`INSERT INTO curfew.payment_facts (payment, provider, account, kind, object, state)
		SELECT checkout_id, 'stripe', '', 'attempt', ref, 'captured' FROM curfew.payment_refs`,
	`INSERT INTO curfew.payment_repayments (payment_id, amount) SELECT 'pay-' || n, 1 FROM generate_series(1, $1::int) n`,
	// Another payment each, which waits for something.
	`INSERT INTO curfew.checkouts (customer_id, id, plan, outcome, version, retry_until, money_due, payment_id, email, created_at)
		SELECT 'c' || n, md5('w' || n)::uuid, 'chat10', (ARRAY['deferred', 'held', 'refund_due', 'refunding', 'credited'])[1 + n / 10 % 5], 1,
			now() - interval '1 minute', n % 3 = 0, 'pay-' || n, 'c' || n || '@example.org', now() - interval '1 hour'
		FROM generate_series(1, $1::int) n`,
	`INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, to_status, actor, at)
		SELECT customer_id, id, 1, 'session', gen_random_uuid(), status, 'service:shop', created_at FROM curfew.sessions WHERE ended_at IS NULL`,
	`INSERT INTO curfew.events (customer_id, subject_id, number, subject, id, to_status, actor, at)
		SELECT customer_id, id, 1, 'checkout', gen_random_uuid(), outcome, 'service:shop', created_at FROM curfew.checkouts WHERE customer_id LIKE 'c%'`,
	`INSERT INTO curfew.deliveries (customer_id, id, event_id, subject_id, number, channel, lane, destination, kind, body, state)
		SELECT customer_id, gen_random_uuid(), id, subject_id, number, 'mail', 'mail', customer_id || '@example.org', 'k', '{}',
			CASE WHEN subject = 'session' THEN 'pending' ELSE 'dead' END FROM curfew.events WHERE NOT told`,
	`INSERT INTO curfew.refusals (customer_id, id, session_id) SELECT customer_id, gen_random_uuid(), id FROM curfew.sessions WHERE ended_at IS NULL`,
	`INSERT INTO curfew.idempotency_keys (customer_id, key, checkout_id, session_id)
		SELECT customer_id, 'key', checkout_id, id FROM curfew.sessions WHERE ended_at IS NULL`,
}

// staleFixture is a database whose statistics are of a moment at which nothing was
// open, and in which so much is now.
func staleFixture(t *testing.T, look string) *fixture {
	t.Helper()
	f := newFixture(t)
	for _, table := range f.rows(`SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace = 'curfew'::regnamespace AND relkind = 'r'`) {
		f.exec(`ALTER TABLE ` + table + ` SET (autovacuum_enabled = off)`)
	}
	f.behindTriggers(calm, wave)
	f.exec(look)
	f.behindTriggers(storm, wave)
	return f
}

// behindTriggers writes what neither guards nor tallies see, so that it is quick.
func (f *fixture) behindTriggers(statements []string, n int) {
	f.Helper()
	f.must(pgx.BeginFunc(f.Context(), f.store.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(f.Context(), `SELECT set_config('session_replication_role', 'replica', true), set_config('statement_timeout', '0', true)`)
		for _, sql := range statements {
			var args []any
			if strings.Contains(sql, "$1") {
				args = append(args, n)
			}
			if err == nil {
				_, err = tx.Exec(f.Context(), sql, args...)
			}
		}
		return err
	}))
}

// plan is what the server did for one statement, as auto_explain tells it.
type plan struct {
	Query string `json:"Query Text"`
	Root  node   `json:"Plan"`
}

type node struct {
	Type      string `json:"Node Type"`
	Relation  string `json:"Relation Name"`
	Index     string `json:"Index Name"`
	IndexCond string `json:"Index Cond"`
	Plans     []node
	Rows      float64 `json:"Actual Rows"`
	Loops     float64 `json:"Actual Loops"`
	Filtered  float64 `json:"Rows Removed by Filter"`
	Joined    float64 `json:"Rows Removed by Join Filter"`
	Hit       float64 `json:"Shared Hit Blocks"`
	Read      float64 `json:"Shared Read Blocks"`
	Log       float64 `json:"WAL Bytes"`
	Images    float64 `json:"WAL FPI"`
}

func (n node) each(do func(node)) {
	do(n)
	for _, p := range n.Plans {
		p.each(do)
	}
}

// plans is a log of every statement that a store's connections executed, those
// of triggers too.
type plans struct {
	mu  sync.Mutex
	all []plan
	bad []string
}

func (p *plans) note(_ *pgconn.PgConn, n *pgconn.Notice) {
	_, text, ok := strings.Cut(n.Message, "plan:\n")
	if !ok {
		return
	}
	var one plan
	err := json.Unmarshal([]byte(text), &one)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.bad = append(p.bad, err.Error()+": "+text)
	}
	p.all = append(p.all, one)
}

func (p *plans) take() []plan {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.all
	p.all = nil
	return all
}

// explaining is a store on one connection whose statements are explained as they
// are executed.
func (f *fixture) explaining(mode string) (*Store, *plans) {
	f.Helper()
	var seen plans
	return f.configured(func(c *pgxpool.Config) { explain(c, mode, &seen) }), &seen
}

func explain(c *pgxpool.Config, mode string, seen *plans) {
	c.MaxConns = 1
	c.ConnConfig.OnNotice = seen.note
	for name, value := range map[string]string{
		"plan_cache_mode": mode, "session_preload_libraries": "auto_explain", "auto_explain.log_min_duration": "0", "auto_explain.log_analyze": "on",
		"auto_explain.log_timing": "off", "auto_explain.log_nested_statements": "on", "auto_explain.log_format": "json",
		"auto_explain.log_level": "notice", "auto_explain.log_buffers": "on", "auto_explain.log_wal": "on", "statement_timeout": "10s",
	} {
		c.ConnConfig.RuntimeParams[name] = value
	}
}

// TestKeyedStatementsDoNotBelieveTheStatistics: who brings keys reads by them,
// however few rows the planner believes to be open. Once it took every key for a
// reason to read all that was open: a sweep of thousands came to a stop.
func TestKeyedStatementsDoNotBelieveTheStatistics(t *testing.T) {
	t.Parallel()
	for _, looked := range []string{
		"VACUUM ANALYZE",
		// As after an ANALYZE of tables with nothing but dead rows in them.
		"UPDATE pg_class SET reltuples = 0 WHERE relnamespace = 'curfew'::regnamespace",
	} {
		if testing.Short() && looked == "VACUUM ANALYZE" {
			continue // much like ANALYZE
		}
		t.Run(looked, func(t *testing.T) {
			t.Parallel()
			f := staleFixture(t, looked)
			for _, mode := range planModes {
				f.walkKeys(mode)
			}
		})
	}
}

// TestEveryStatementIsAskedUnderStaleStatistics: no statement of the package is
// left out that names a table with a partial index.
func TestEveryStatementIsAskedUnderStaleStatistics(t *testing.T) {
	t.Parallel()
	f := staleFixture(t, "ANALYZE")
	var asked []string
	for _, mode := range planModes {
		asked = slices.Concat(asked, f.walkFigures(mode), f.walkQuestions(mode), f.walkKeys(mode))
	}
	f.uncovered(asked)
}

// planModes are the two ways in which the server plans a prepared statement.
var planModes = []string{"force_custom_plan", "force_generic_plan"}

// walkKeys executes what brings keys. It returns the statements, as the others do.
func (f *fixture) walkKeys(mode string) (asked []string) {
	s, seen := f.explaining(mode)
	k := &keys{fixture: f, store: s}
	for _, step := range k.steps() {
		seen.take()
		if err := step.do(); err != nil && !errors.Is(err, curfew.NotFound) {
			f.Errorf("%s, %s: %v", step.name, mode, err)
		}
		for _, p := range seen.take() {
			f.wants(step.name+", "+mode, p, unkeyed(p, 5*some, nil))
			asked = append(asked, p.Query)
		}
	}
	return asked
}

// walkQuestions executes what has no keys, and finds what is open by the index that
// is made for it: the words that no index matches are none of theirs.
func (f *fixture) walkQuestions(mode string) (asked []string) {
	s, seen := f.explaining(mode)
	all := questions(f, s)
	maps.Copy(all, walked(f, s))
	for name, q := range all {
		seen.take()
		f.must(q.ask())
		used := map[string]bool{}
		for _, p := range seen.take() {
			p.Root.each(func(n node) { used[n.Index] = true })
			f.wants(name+", "+mode, p, unkeyed(p, 5*some, q.indexes))
			asked = append(asked, p.Query)
		}
		for _, index := range q.indexes {
			if !used[index] {
				f.Errorf("%s, %s: does not use %s but %v", name, mode, index, slices.Collect(maps.Keys(used)))
			}
		}
	}
	return asked
}

// walkFigures executes what counts: what is counted is read, but once, and never
// what has ended.
func (f *fixture) walkFigures(mode string) (asked []string) {
	s, seen := f.explaining(mode)
	for name, ask := range figures(f, s) {
		seen.take()
		f.must(ask())
		for _, p := range seen.take() {
			wrong := unkeyed(p, float64(2*wave), nil)
			f.wants(name+", "+mode, p, slices.DeleteFunc(wrong, func(what string) bool { return strings.HasPrefix(what, "reads all of the index") }))
			asked = append(asked, p.Query)
		}
	}
	return asked
}

// A sweep of everything, and the telling of it, read a number of rows that grows
// with what they end and publish, and not with its square.
func TestASweepOfAWaveReadsWhatItEnds(t *testing.T) {
	t.Parallel()
	f := staleFixture(t, "ANALYZE")
	s, seen := f.explaining("auto")
	var read, handled float64
	counted := func(do func() int) bool {
		n := do()
		for _, p := range seen.take() {
			p.Root.each(func(n node) { read += (n.Rows + n.Filtered + n.Joined) * max(n.Loops, 1) })
		}
		handled += float64(n)
		return n > 0
	}
	place := curfew.Cursor{}
	for counted(func() int { return f.sweepPage(s, &place) }) {
	}
	for counted(func() int { return f.publishPage(s) }) {
	}
	if each := read / handled; each > 40 || handled < wave {
		t.Errorf("%.0f sessions and events were handled, each of which took the reading of %.0f rows", handled, each)
	}
}

// sweepPage ends what is due behind a place, a page of it, and returns how many
// were looked at. Appointments that are due are for the engine to begin.
func (f *fixture) sweepPage(s *Store, place *curfew.Cursor) int {
	f.Helper()
	page, err := s.Find(f.Context(), record.Search{Limit: 200, After: *place})
	f.must(err)
	if len(page) > 0 {
		last := page[len(page)-1]
		*place = curfew.Cursor{At: last.ExpiresAt, ID: last.ID}
	}
	by := map[curfew.RuleName][]curfew.Snapshot{}
	for _, st := range page {
		if rule, ok := record.RuleFor(st, record.Terms{}); ok && rule.To.Ended() {
			by[rule.Name] = append(by[rule.Name], st)
		}
	}
	for _, all := range by {
		done, err := s.End(f.Context(), batch(all...))
		f.must(err)
		f.same("ended", len(done), len(all))
	}
	return len(page)
}

// publishPage tells of events, and returns how many those were.
func (f *fixture) publishPage(s *Store) int {
	f.Helper()
	events, err := s.Unpublished(f.Context(), 200)
	f.must(err)
	_, err = s.EnrichedEvents(f.Context(), events)
	f.must(err)
	n, err := s.Publish(f.Context(), events, nil)
	f.must(err)
	return n
}

// wants fails for everything that is wrong with a plan.
func (f *fixture) wants(who string, p plan, wrong []string) {
	f.Helper()
	for _, what := range wrong {
		f.Errorf("%s: %s\n\t%s", who, what, strings.Join(strings.Fields(p.Query), " "))
	}
}

// small is tables that are read whole because they stay small, or are empty here.
var small = []string{
	"session_transitions", "outcome_steps", "webhook_endpoints", "signals", "tallies", "runs", "mechanic_slots", "quarantine", "adoptions",
	"jobs", "previews", "approvals", "erasures", "revocations", "sign_ins", "audit_subjects",
}

// unmirrored is the indexes of adopted tables, which are empty here.
var unmirrored = []string{"sessions_adopted", "sessions_adopted_deadline"}

// unkeyed says which nodes of a plan read what nobody asked for, but for those
// that walk one of the given indexes.
func unkeyed(p plan, most float64, walked []string) []string {
	wrong := map[string]bool{}
	p.Root.each(func(n node) {
		switch {
		case n.Relation == "" && n.Index == "" || slices.Contains(small, n.Relation) || slices.Contains(unmirrored, n.Index) || slices.Contains(walked, n.Index):
		case n.Type == "Seq Scan":
			wrong["reads all of "+n.Relation] = true
		case n.Index != "" && n.IndexCond == "":
			wrong["reads all of the index "+n.Index] = true
		case (n.Rows+n.Filtered)*max(n.Loops, 1) > most:
			wrong[fmt.Sprintf("reads %.0f rows of %s by %s", (n.Rows+n.Filtered)*max(n.Loops, 1), n.Relation, n.Index)] = true
		}
		if n.Joined > most {
			wrong[fmt.Sprintf("joins %.0f rows for nothing", n.Joined)] = true
		}
	})
	return slices.Sorted(maps.Keys(wrong))
}

// some is how many keys a step brings.
const some = 100

// keys is a store, and what of the wave a step takes next.
type keys struct {
	*fixture
	store         *Store
	taken, erased int
}

type step struct {
	name string
	do   func() error
}

// steps is every method that knows the keys of what it reads or writes.
func (k *keys) steps() []step {
	return slices.Concat(k.batches(), k.singles(), k.lookups(), k.operators(), k.claims(), k.foreign())
}

// batches are of many keys.
func (k *keys) batches() []step {
	return []step{
		{"end what waits", func() error { return k.end("s.status = 'waiting' AND s.mechanic_id IS NULL") }},
		{"end no-shows", func() error { return k.end("s.status = 'waiting' AND s.mechanic_id IS NOT NULL") }},
		{"end overruns", func() error { return k.end("s.status = 'live'") }},
		{"end missed appointments", func() error { return k.end("s.status = 'scheduled' AND s.expires_at > s.starts_at") }},
		{"read sessions by id", func() error {
			_, err := k.store.Snapshots(k.Context(), k.rows(`SELECT id::text FROM curfew.sessions WHERE ended_at IS NULL LIMIT 5`))
			return err
		}},
		{"publish", k.publish},
		{"claim and settle deliveries", k.deliver},
		{"replay what is dead", func() error { return k.replay() }},
	}
}

func (k *keys) end(which string) error {
	all := k.open(which, some)
	ended, err := k.store.End(k.Context(), batch(all...))
	if err == nil && len(ended) != len(all) {
		err = fmt.Errorf("%d of %d were ended", len(ended), len(all))
	}
	return err
}

// open is so many sessions that have not ended.
func (k *keys) open(which string, n int) []curfew.Snapshot {
	k.Helper()
	all, err := many(k.Context(), k.fixture.store.db, scanSnapshot, selectSnapshot+` WHERE s.ended_at IS NULL AND s.expires_at < now() AND s.customer_id LIKE 'c%' AND `+which+
		` ORDER BY s.id LIMIT $1`, n)
	k.must(err)
	if len(all) < n {
		k.Fatalf("only %d are left where %s", len(all), which)
	}
	return all
}

func (k *keys) publish() error {
	events, err := k.fixture.store.Unpublished(k.Context(), some)
	if err != nil {
		return err
	}
	var deliveries []record.Delivery
	for _, e := range events {
		deliveries = append(deliveries, record.Delivery{
			ID: newID(), CustomerID: e.CustomerID, EventID: e.ID, Subject: e.Subject, Number: e.Number, Channel: "webhook",
			Queue: "webhook", Destination: "d", Kind: "k", Body: "{}",
		})
	}
	if _, err := k.store.EnrichedEvents(k.Context(), events); err != nil {
		return err
	}
	n, err := k.store.Publish(k.Context(), events, deliveries)
	if err == nil && n != len(events) {
		err = fmt.Errorf("%d of %d were published", n, len(events))
	}
	return err
}

func (k *keys) deliver() error {
	claimed, _, err := k.store.Claim(k.Context(), "webhook", some, time.Minute)
	var attempts []record.Attempt
	for _, d := range claimed {
		attempts = append(attempts, record.Attempt{Delivery: d, Verdict: record.Verdict{State: record.DeliveryDone}})
	}
	if err == nil && len(claimed) == 0 {
		err = errors.New("nothing was claimed")
	}
	if err != nil {
		return err
	}
	_, err = k.store.Settle(k.Context(), attempts)
	return err
}

func (k *keys) replay() error {
	dead := k.only(`SELECT destination || ' ' || id FROM curfew.deliveries WHERE state = 'dead' ORDER BY id LIMIT 1`)
	destination, id, _ := strings.Cut(dead, " ")
	_, err := k.store.ReplayDead(k.Context(), destination, some)
	d, err2 := k.store.Delivery(k.Context(), id)
	if err = errors.Join(err, err2); err != nil {
		return err
	}
	_, err = k.store.Settle(k.Context(), []record.Attempt{{Delivery: d, Verdict: record.Verdict{State: record.DeliveryDead}}})
	d.State = record.DeliveryDead
	_, err2 = k.store.Replay(k.Context(), d)
	return errors.Join(err, err2)
}

// singles write by one key.
func (k *keys) singles() []step {
	ctx := k.Context()
	admit := func(outcome curfew.Outcome) func() error {
		return func() error {
			c := k.payment(outcome)
			if _, err := k.store.End(ctx, batch(k.open("s.customer_id = '"+c.CustomerID+"'", 1)...)); err != nil {
				return err
			}
			a := admission(c.CustomerID)
			a.Checkout, a.From, a.Session.CheckoutID = c, outcome, c.ID
			_, err := k.store.Admit(ctx, a)
			return err
		}
	}
	move := func(from, to curfew.Outcome) func() error {
		return func() error {
			_, err := k.store.ChangeCheckout(ctx, record.CheckoutChange{From: k.payment(from), To: to, Actor: shop})
			return err
		}
	}
	return []step{
		{"admit", func() error { _, err := k.store.Admit(ctx, admission(newID())); return err }},
		{"admit what was told of", func() error {
			l, err := k.store.Report(ctx, record.PaymentReport{References: []string{newID(), newID()}})
			if err != nil {
				return err
			}
			a := admission(newID())
			a.Checkout.ID, a.Checkout.Version, a.Session.CheckoutID = l.ID, l.Version, l.ID
			_, err = k.store.Admit(ctx, a)
			return err
		}},
		{"admit on a credit", admit(curfew.Credited)},
		{"admit what was deferred", admit(curfew.Deferred)},
		{"defer", func() error {
			_, err := k.store.Defer(ctx, admission(newID()).Checkout, shop, time.Hour)
			return err
		}},
		{"accept, release and cancel", k.acceptReleaseCancel},
		{"begin an appointment", func() error {
			st := k.open("s.status = 'scheduled'", 1)[0]
			_, err := k.store.Change(ctx, record.Change{
				From: st.Session, To: curfew.Waiting, Reason: "begins", Actor: shop, Offer: newID(), Deadline: curfew.Deadline{After: time.Minute},
			})
			return err
		}},
		{"extend, join and finish", k.extendAndFinish},
		{"end an orphan by its guard", func() error {
			st := k.open("s.status = 'waiting' AND s.mechanic_id IS NULL", 1)[0]
			c := endChange(st, curfew.Cancelled, curfew.Orphaned)
			c.Guard.Unoffered = true
			if _, err := k.store.Change(ctx, c); !errors.Is(err, curfew.Conflict) {
				return fmt.Errorf("it is offered, but: %w", err)
			}
			return nil
		}},
		{"settle a deferred payment", move(curfew.Deferred, curfew.RefundDue)},
		{"refund", move(curfew.RefundDue, curfew.Refunding)},
		{"refunded", move(curfew.Refunding, curfew.Refunded)},
		{"annotate", func() error {
			_, err := k.store.Annotate(ctx, record.Annotation{From: k.payment(curfew.Held), Note: "n", Actor: shop})
			return err
		}},
		{"reassign", func() error {
			c := k.payment(curfew.Held)
			_, err := k.store.Reassign(ctx, record.Reassignment{From: c, CustomerID: c.CustomerID, Plan: "chat10", Retry: time.Hour, Actor: shop})
			return err
		}},
		{"free a slot that is held", func() error {
			slot, err := k.store.Slot(ctx, k.open("s.mechanic_id IS NOT NULL", 1)[0].MechanicID)
			if err != nil {
				return err
			}
			if err := k.store.FreeSlot(ctx, slot); !errors.Is(err, curfew.Conflict) {
				return fmt.Errorf("it is held, but: %w", err)
			}
			return nil
		}},
	}
}

// learn tells a fact of a payment.
func (k *keys) report(refs ...string) error {
	k.Helper()
	_, err := k.store.Report(k.Context(), record.PaymentReport{Provider: "stripe", References: refs, Actor: curfew.Provider, Facts: []curfew.Fact{
		{Kind: "attempt", Object: newID(), State: "captured", Amount: 990, Currency: "eur"},
	}})
	return err
}

// payment is one that waits for something, another at each call.
func (k *keys) payment(outcome curfew.Outcome) curfew.Checkout {
	k.Helper()
	k.taken++
	c, err := one(k.Context(), k.fixture.store.db, scanCheckout, selectCheckout+` WHERE c.outcome = $1 AND EXISTS (
		SELECT FROM curfew.sessions s WHERE s.customer_id = c.customer_id AND s.status IN ('waiting', 'live')) ORDER BY c.id OFFSET $2 LIMIT 1`, outcome, k.taken)
	k.must(err)
	return c
}

func (k *keys) acceptReleaseCancel() error {
	st := k.open("s.status = 'waiting' AND s.mechanic_id IS NULL", 1)[0]
	st, err := k.store.Change(k.Context(), accepting(st, newID()))
	if err != nil {
		return err
	}
	st, err = k.store.Change(k.Context(), record.Change{
		From: st.Session, To: curfew.Waiting, Reason: "released", Actor: shop, Release: true, RequestTo: curfew.Pending,
		Deadline: curfew.Deadline{After: time.Minute},
	})
	if err != nil {
		return err
	}
	_, err = k.store.Change(k.Context(), endChange(st, curfew.Cancelled, curfew.ByRequest))
	return err
}

func (k *keys) extendAndFinish() error {
	st := k.open("s.status = 'live'", 1)[0]
	st, err := k.store.Change(k.Context(), record.Change{
		From: st.Session, To: curfew.Live, Reason: "more", Actor: shop, Deadline: curfew.Deadline{After: time.Hour},
	})
	if err != nil {
		return err
	}
	st, err = k.store.Extend(k.Context(), record.Extension{
		From: st.Session, Checkout: admission(st.CustomerID).Checkout, By: time.Minute, Actor: shop,
	})
	if err != nil {
		return err
	}
	_, err = k.store.Change(k.Context(), endChange(st, curfew.Cancelled, curfew.ByRequest))
	return err
}

// lookups read by one key.
func (k *keys) lookups() []step {
	ctx := k.Context()
	var st curfew.Snapshot
	look := func(name string, do func() error) step {
		return step{name, func() error {
			st = k.open("s.status = 'waiting' AND s.mechanic_id IS NULL", 1)[0]
			return do()
		}}
	}
	return []step{
		look("session", func() error { _, err := k.store.Session(ctx, st.ID); return err }),
		look("session of a request", func() error { _, err := k.store.SessionOf(ctx, st.Request.ID); return err }),
		look("open", func() error { _, err := k.store.Open(ctx, st.CustomerID); return err }),
		look("unended", func() error { _, err := k.store.Unended(ctx, st.CustomerID); return err }),
		look("sessions of", func() error { _, err := k.store.SessionsOf(ctx, st.CustomerID, 9); return err }),
		look("revival", func() error { _, err := k.store.Revival(ctx, st.CustomerID, st.ID); return err }),
		look("due of a customer", func() error {
			_, err := k.store.Find(ctx, record.Search{CustomerID: st.CustomerID, OrphanTTL: time.Minute, Limit: 9})
			return err
		}),
		look("events", func() error { _, err := k.store.Events(ctx, st.CustomerID, st.ID); return err }),
		look("history", func() error { _, err := k.store.History(ctx, st.CustomerID, curfew.Cursor{}, 9); return err }),
		look("notices", func() error { _, err := k.store.Notices(ctx, st.CustomerID, curfew.Cursor{}, 9); return err }),
		look("refusals", func() error { _, err := k.store.Refusals(ctx, st.CustomerID, curfew.Cursor{}, 9); return err }),
		look("reference", func() error { _, err := k.store.Reference(ctx, "ref-"+st.CustomerID); return err }),
		look("key", func() error { _, err := k.store.Key(ctx, st.CustomerID, "key"); return err }),
		look("checkout", func() error { _, err := k.store.Checkout(ctx, st.CheckoutID); return err }),
		look("checkouts", func() error { _, err := k.store.Checkouts(ctx, st.CustomerID); return err }),
		look("credit", func() error { _, err := k.store.Credit(ctx, st.CustomerID, "chat10"); return err }),
		look("deferred", func() error { _, err := k.store.Deferred(ctx, st.CustomerID); return err }),
		look("unsettled of a customer", func() error { _, err := k.store.Unsettled(ctx, st.CustomerID, 9); return err }),
		look("ledger", func() error { _, err := k.store.Ledger(ctx, st.CheckoutID); return err }),
		look("ledger of a name", func() error { _, err := k.store.LedgerOf(ctx, "ref-"+st.CustomerID); return err }),
		look("ledger of a provider's name", func() error { _, err := k.store.LedgerOf(ctx, "pay-7"); return err }),
		look("payments", func() error { _, err := k.store.Payments(ctx, []string{st.CheckoutID, newID()}); return err }),
		look("learn", func() error { return k.report("ref-" + st.CustomerID) }),
		look("learn a name of the provider's", func() error { return k.report("ref-"+st.CustomerID, newID()) }),
		look("learn of an older program's payment", func() error { return k.report("pay-" + strings.TrimPrefix(st.CustomerID, "c")) }),
		look("learn that two are one", func() error {
			return k.report("ref-"+st.CustomerID, "ref-"+k.open("s.status = 'live'", 1)[0].CustomerID)
		}),
		look("payments of a customer", func() error {
			_, err := k.store.ListCheckouts(ctx, curfew.CheckoutSearch{CustomerID: st.CustomerID, Limit: 9})
			return err
		}),
		look("payments of an address", func() error {
			_, err := k.store.ListCheckouts(ctx, curfew.CheckoutSearch{Email: st.CustomerID + "@example.org", Limit: 9})
			return err
		}),
		look("customers by e-mail", func() error { _, err := k.store.CustomersByEmail(ctx, st.CustomerID+"@example.org", 9); return err }),
		look("who is ahead", func() error { _, err := k.store.Ahead(ctx, curfew.Cursor{}, 9); return err }),
		look("a slot that is abandoned", func() error {
			held := k.open("s.status = 'live'", 1)[0]
			slot := record.Slot{MechanicID: held.MechanicID, CustomerID: held.CustomerID, SessionID: held.ID}
			return k.store.AbandonSlot(ctx, slot)
		}),
		look("a claim without its checkout", func() error { _, err := k.store.LostCheckout(ctx, "ref-"+st.CustomerID); return err }),
		look("sessions of a customer, listed", func() error {
			_, err := k.store.ListSessions(ctx, record.SessionSearch{CustomerID: st.CustomerID, Limit: 9})
			return err
		}),
		look("events since", func() error { _, _, err := k.store.EventsSince(ctx, curfew.Cursor{}, 9); return err }),
		look("run's events", func() error { _, err := k.store.RunEvents(ctx, newID(), "", 9); return err }),
	}
}

// foreign is another program's writes, in which the guards know the keys.
func (k *keys) foreign() []step {
	insert := func(st curfew.Snapshot) error {
		_, err := k.store.exec(k.Context(), `INSERT INTO curfew.sessions (customer_id, id, status, expires_at)
			VALUES ($1, $2, 'waiting', now() + interval '1 hour')`, st.CustomerID, newID())
		return err
	}
	cancel := func(st curfew.Snapshot) error {
		_, err := k.store.exec(k.Context(), `UPDATE curfew.sessions SET status = 'cancelled' WHERE customer_id = $1 AND id = $2`, st.CustomerID, st.ID)
		return err
	}
	return []step{
		{"another program's insert", func() error { return insert(k.open("s.status = 'waiting' AND s.mechanic_id IS NULL", 1)[0]) }},
		{"another program's cancellation", func() error { return cancel(k.open("s.status = 'waiting' AND s.mechanic_id IS NOT NULL", 1)[0]) }},
	}
}

// question is a method without keys, and the indexes that it walks.
type question struct {
	ask     func() error
	indexes []string
}

func questions(f *fixture, s *Store) map[string]question {
	ctx := f.Context()
	orphans := record.Search{Limit: 9, OrphanTTL: time.Minute}
	return map[string]question{
		"find":              {func() error { _, err := s.Find(ctx, record.Search{Limit: 9}); return err }, []string{"sessions_deadline"}},
		"find with orphans": {func() error { _, err := s.Find(ctx, orphans); return err }, []string{"sessions_deadline"}},
		"next deadline": {func() error { _, _, err := s.NextDeadline(ctx, time.Time{}, nil); return err }, []string{
			"sessions_deadline", "checkouts_retry",
		}},
		"queue":          {func() error { _, err := s.Pending(ctx, curfew.Cursor{}, 9); return err }, []string{"sessions_queue"}},
		"unpublished":    {func() error { _, err := s.Unpublished(ctx, 9); return err }, []string{"events_untold"}},
		"refundable":     {func() error { _, err := s.Refundable(ctx, 9); return err }, []string{"checkouts_refunds"}},
		"capturable":     {func() error { _, err := s.Capturable(ctx, 9); return err }, []string{"checkouts_captures"}},
		"unjudged":       {func() error { _, err := s.Unjudged(ctx, 9); return err }, []string{"payment_refs_unjudged"}},
		"due deliveries": {func() error { _, err := s.Due(ctx, []string{"mail", "webhook"}); return err }, []string{"deliveries_due"}},
		"claim":          {func() error { _, _, err := s.Claim(ctx, "mail", 9, time.Minute); return err }, []string{"deliveries_due"}},
	}
}

// figures is the methods that count.
func figures(f *fixture, s *Store) map[string]func() error {
	ctx, p := f.Context(), curfew.DefaultPolicy()
	return map[string]func() error{
		"sessions":    func() error { _, err := s.SessionFigures(ctx, p); return err },
		"requests":    func() error { _, err := s.RequestFigures(ctx); return err },
		"checkouts":   func() error { _, err := s.CheckoutFigures(ctx); return err },
		"mechanics":   func() error { _, err := s.MechanicFigures(ctx); return err },
		"deliveries":  func() error { _, err := s.DeliveryFigures(ctx); return err },
		"details":     func() error { _, err := s.HealthDetails(ctx, p, 100); return err },
		"unsettled":   func() error { _, err := s.Unsettled(ctx, "", 9); return err },
		"servable":    func() error { _, err := s.Servable(ctx, 9); return err },
		"leaked":      func() error { _, err := s.FreeLeaked(ctx); return err },
		"silent":      func() error { _, err := s.Silent(ctx, time.Minute, 9); return err },
		"repeated":    func() error { _, err := s.Repeated(ctx, 1, 2*time.Hour); return err },
		"activity":    func() error { _, err := s.Activity(ctx, time.Hour, time.Minute); return err },
		"unconfirmed": func() error { _, err := s.Unconfirmed(ctx, time.Minute, "", 9); return err },
		"unaccepted":  func() error { _, err := s.Unaccepted(ctx, time.Minute, 9); return err },
	}
}
