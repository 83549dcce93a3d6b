package adopt

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/record"
)

// planned is the plan of one mapping, under the built-in policy.
func (m *market) planned(t mapping.Table) Plan {
	m.Helper()
	p, err := New(Options{Pool: m.pool, Tables: []mapping.Table{t}, Policy: curfew.DefaultPolicy()}).Plan(m.Context(), t.Name, 0)
	if err != nil {
		m.Fatal(err)
	}
	return p
}

// plain is the mapping of helpTable without what makes deadlines differ from row to row.
func plain() mapping.Table {
	t := help()
	t.Deadline, t.Plan = "", ""
	return t
}

// nested begins transactions inside another.
type nested struct{ pgx.Tx }

func (n nested) BeginTx(ctx context.Context, _ pgx.TxOptions) (pgx.Tx, error) { return n.Begin(ctx) }

// planReader is a role of one test, since roles belong to the server.
func planReader(t *testing.T) string { return strings.ToLower(t.Name()[:20]) + fmt.Sprint(os.Getpid()) }

// threshold finds one of a backtest.
func threshold(t *testing.T, b record.Backtest, minutes int64) record.Threshold {
	t.Helper()
	i := slices.IndexFunc(b.Thresholds, func(h record.Threshold) bool { return h.Seconds == minutes*60 })
	if i < 0 {
		t.Fatalf("no threshold of %d minutes in %+v", minutes, b.Thresholds)
	}
	return b.Thresholds[i]
}

// The history of the shape that a marketplace had: 43 requests, a median wait of 90 seconds and
// one of 29 minutes, and the same customer again within 15 minutes 14 times.
func TestTheBacktestOfARealHistory(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	text, err := os.ReadFile("../../examples/adopt/history.json")
	if err != nil {
		t.Fatal(err)
	}
	m.exec(`INSERT INTO public.help (customer, status, mechanic, made_at, accepted_at, started_at, ended_at)
		SELECT customer, CASE WHEN served IS NULL THEN 'gone' ELSE 'done' END, CASE WHEN served IS NOT NULL THEN 'bob' END, h.made, answered, answered,
			h.made + (wait + coalesce(served, 0)) * interval '1 minute'
		FROM json_to_recordset($1::json) r(at float8, customer text, wait float8, served float8),
			LATERAL (SELECT now() - interval '1 day' + at * interval '1 minute' AS made) h,
			LATERAL (SELECT CASE WHEN served IS NOT NULL THEN h.made + wait * interval '1 minute' END AS answered) a`, string(text))
	b := m.planned(plain()).History[0]
	if b.Sessions != 43 || b.Median != 90 || b.Longest != 29*60 || b.Again != 14 {
		t.Errorf("%d sessions waited %v s and %v s at most, %d of them again", b.Sessions, b.Median, b.Longest, b.Again)
	}
	// Six were never answered: their customers left after 4, 7, 11, 14, 18 and 26 minutes. Of those
	// answered, seven waited more than 5 minutes: 5.5, 6.5, 8, 9.5, 12, 16 and 29.
	want := []record.Threshold{
		{Seconds: 300, Ended: 12, Regrets: 7, Never: 5, Customers: 5, Blocked: record.Spans{Sum: 4560, Median: 840, Longest: 1560}, Spared: record.Spans{Sum: 3060, Median: 540, Longest: 1260}},
		{Seconds: 600, Ended: 7, Regrets: 3, Never: 4, Customers: 4, Blocked: record.Spans{Sum: 4140, Median: 960, Longest: 1560}, Spared: record.Spans{Sum: 1740, Median: 360, Longest: 960}},
		{Seconds: 900, Policy: true, Ended: 4, Regrets: 2, Never: 2, Customers: 2, Blocked: record.Spans{Sum: 2640, Median: 1320, Longest: 1560}, Spared: record.Spans{Sum: 840, Median: 420, Longest: 660}},
		{Seconds: 1200, Ended: 2, Regrets: 1, Never: 1, Customers: 1, Blocked: record.Spans{Sum: 1560, Median: 1560, Longest: 1560}, Spared: record.Spans{Sum: 360, Median: 360, Longest: 360}},
		{Seconds: 1800},
		{Seconds: 2700},
		{Seconds: 3600},
		{Seconds: 7200},
	}
	if diff := cmp.Diff(want, b.Thresholds); diff != "" {
		t.Errorf("the thresholds differ (-want +got):\n%s", diff)
	}
}

func TestTheBacktestTellsApartWhatColumnsSay(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	for _, row := range []string{
		`'ada', 'asked', NULL, now() - interval '50 minutes', NULL, NULL, NULL`,                                                 // waits still
		`'ben', 'gone', NULL, now() - interval '3 hours', NULL, NULL, now() - interval '155 minutes'`,                           // after 25 minutes
		`'cyd', 'gone', NULL, now() - interval '3 hours', NULL, NULL, NULL`,                                                     // nobody knows when
		`'dan', 'done', 'x', now() - interval '3 hours', now() - interval '168 minutes', now() - interval '140 minutes', now()`, // accepted after 12, begun after 40
		`'eve', 'gone', 'x', now() - interval '3 hours', now() - interval '178 minutes', NULL, now() - interval '118 minutes'`,  // accepted after 2, never begun
		`'fay', 'done', 'x', now() - interval '3 hours', NULL, NULL, now() - interval '150 minutes'`,                            // somebody came within 30
		`'gus', 'what', NULL, now() - interval '3 hours', NULL, NULL, NULL`,                                                     // no word that is mapped
		`NULL, 'asked', NULL, now() - interval '3 hours', NULL, NULL, NULL`,                                                     // nobody's
		`'hal', 'planned', NULL, now() - interval '3 hours', NULL, NULL, NULL`,                                                  // never waited
	} {
		m.exec(`INSERT INTO public.help (customer, status, mechanic, made_at, accepted_at, started_at, ended_at) SELECT ` + row)
	}
	p := m.planned(plain())
	expired, absent := p.History[0], p.History[1]
	for _, want := range []struct {
		of                            record.Backtest
		minutes                       int64
		ended, regrets, never, unsure int64
	}{
		{expired, 10, 4, 1, 2, 1}, // dan; ada and ben; fay
		{expired, 15, 3, 0, 2, 1},
		{expired, 30, 1, 0, 1, 0}, // ada alone
		{expired, 60, 0, 0, 0, 0},
		{absent, 20, 2, 1, 1, 0}, // dan begun after 28; eve
		{absent, 30, 1, 0, 1, 0},
		{absent, 60, 0, 0, 0, 0}, // eve was over after 60 minutes
	} {
		h := threshold(t, want.of, want.minutes)
		if h.Ended != want.ended || h.Regrets != want.regrets || h.Never != want.never || h.Unclear != want.unsure {
			t.Errorf("%s after %d minutes: ended %d, regrets %d, never %d, unclear %d; want %+v",
				want.of.Rule, want.minutes, h.Ended, h.Regrets, h.Never, h.Unclear, want)
		}
	}
	if h := threshold(t, absent, 30); !h.Policy || h.Blocked.Sum != 3600 || h.Spared.Sum != 1800 {
		t.Errorf("eve blocked a mechanic for an hour, and half of it would have been spared: %+v", h)
	}
	said := strings.Join(expired.Unknown, " ")
	for _, want := range []string{"a status that is not mapped: 1.", "no customer: 1.", "no column says when: 1."} {
		if !strings.Contains(said, want) {
			t.Errorf("it is not said that rows are left out that have %s, but: %s", want, said)
		}
	}
}

func TestWhatWouldBeEndedNowIsCountedByRule(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	m.exec(`INSERT INTO public.help (customer, status, mechanic, made_at, starts_at, accepted_at, started_at, minutes) VALUES
		('ada', 'asked', NULL, now() - interval '16 minutes', NULL, NULL, NULL, NULL),
		('ben', 'queued', NULL, now() - interval '2 hours', NULL, NULL, NULL, NULL),
		('cyd', 'asked', NULL, now(), NULL, NULL, NULL, NULL),
		('dan', 'asked', 'x', now() - interval '2 hours', NULL, now() - interval '31 minutes', NULL, NULL),
		('eve', 'asked', 'x', now() - interval '2 hours', NULL, NULL, NULL, NULL),
		('fay', 'running', 'x', now() - interval '2 hours', NULL, NULL, now() - interval '36 minutes', 20),
		('gus', 'running', 'x', now() - interval '2 hours', NULL, NULL, now() - interval '36 minutes', 60),
		('hal', 'planned', NULL, now() - interval '2 days', now() - interval '1 hour', NULL, NULL, NULL),
		('ida', 'gone', NULL, now() - interval '2 days', NULL, NULL, NULL, NULL)`)
	var got []string
	for _, d := range m.planned(help()).Due {
		got = append(got, fmt.Sprintf("%s %d %d %d %d %s %s", d.Rule, d.Open, d.Overdue, d.Customers, d.Unseen, d.Oldest, d.Customer))
	}
	want := []string{"expired 3 2 2 0 2 ben", "no_show 2 1 1 1 4 dan", "overran 2 1 1 0 6 fay", "missed 1 1 1 0 8 hal"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
}

func TestEndingsThatTheTableRefusesAreNamed(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`
		CREATE TABLE public.words (word text PRIMARY KEY);
		INSERT INTO public.words VALUES ('asked'), ('gone'), ('done'), ('expired');
		CREATE TYPE public.mood AS ENUM ('good', 'bad');
		ALTER TABLE public.help ADD COLUMN mood public.mood, ADD COLUMN short varchar(4), ADD COLUMN price integer,
			ADD COLUMN twice integer GENERATED ALWAYS AS (minutes * 2) STORED;
		INSERT INTO public.help (customer) VALUES ('ada');`)
	for sentence, test := range map[string]struct{ sql, set, value, wrong string }{
		"nothing refuses it":        {sql: `SELECT 1`},
		"a CHECK lists other words": {sql: `ALTER TABLE public.help ADD CONSTRAINT few CHECK (status IN ('asked', 'done', 'gone'))`, wrong: "CHECK few refuses it"},
		"a CHECK wants a time, too": {sql: `ALTER TABLE public.help ADD CONSTRAINT dated CHECK (status <> 'expired' OR ended_at IS NOT NULL)`, wrong: "CHECK dated refuses it"},
		"a CHECK is content":        {sql: `ALTER TABLE public.help ADD CONSTRAINT dated CHECK (status <> 'expired' OR ended_at IS NOT NULL)`, set: "ended_at", value: "now"},
		"a table lacks the word":    {sql: `DELETE FROM public.words WHERE word = 'expired'; ALTER TABLE public.help ADD FOREIGN KEY (status) REFERENCES public.words`, wrong: "public.words has no row"},
		"a table has the word":      {sql: `ALTER TABLE public.help ADD FOREIGN KEY (status) REFERENCES public.words`},
		"an enum lacks the word":    {sql: `SELECT 1`, set: "mood", value: "ugly", wrong: `invalid input value for enum mood: "ugly"`},
		"a text is too long":        {sql: `SELECT 1`, set: "short", value: "longer", wrong: "too long"},
		"a column is no number":     {sql: `SELECT 1`, set: "price", value: "much", wrong: "invalid input syntax for type integer"},
		"a column must not be null": {sql: `SELECT 1`, set: "made_at", value: "null", wrong: "must not be null"},
		"a column is generated":     {sql: `SELECT 1`, set: "twice", value: "2", wrong: "is generated"},
		"a column is not there":     {sql: `SELECT 1`, set: "nothing", value: "now", wrong: "has no column"},
	} {
		t.Run(sentence, func(t *testing.T) {
			mapped := help()
			ending := mapping.Ending{Status: "expired"}
			if test.set != "" {
				ending.Set = map[string]string{test.set: test.value}
			}
			mapped.End = map[curfew.EndReason]mapping.Ending{curfew.Expired: ending}
			tx, err := m.pool.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(t.Context()) //nolint:errcheck // the end of the test
			if _, err := tx.Exec(t.Context(), test.sql); err != nil {
				t.Fatal(err)
			}
			p, err := readPlan(t.Context(), nested{tx}, mapped, curfew.DefaultPolicy(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if wrong := p.Ends[0].Wrong; (wrong == "") != (test.wrong == "") || !strings.Contains(wrong, test.wrong) {
				t.Errorf("the ending is refused with %q, not %q", wrong, test.wrong)
			}
		})
	}
}

func TestAPlanLeavesTheirTableAlone(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada');
		CREATE FUNCTION public.boom() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''touched''; END';
		CREATE TRIGGER boom BEFORE UPDATE ON public.help EXECUTE FUNCTION public.boom();
		CREATE ROLE `+planReader(t)+`; GRANT USAGE ON SCHEMA public TO `+planReader(t)+`; GRANT SELECT ON public.help TO `+planReader(t))
	t.Cleanup(func() { m.pool.Exec(t.Context(), "DROP OWNED BY "+planReader(t)+"; DROP ROLE "+planReader(t)) }) //nolint:errcheck // the server goes, too
	conn, err := m.pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(t.Context(), "SET ROLE "+planReader(t)); err != nil {
		t.Fatal(err)
	}
	p, err := readPlan(t.Context(), conn, help(), curfew.DefaultPolicy(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"GRANT UPDATE, TRIGGER ON public.help TO " + name(planReader(t)), "GRANT CREATE ON SCHEMA curfew TO " + name(planReader(t)), "GRANT SELECT, UPDATE ON public.offers TO " + name(planReader(t))}; !slices.Equal(p.Grants, want) {
		t.Errorf("enforce needs %q, want %q", p.Grants, want)
	}
	all, err := New(Options{Pool: m.pool, Tables: []mapping.Table{help()}, Policy: curfew.DefaultPolicy()}).table(help()).program(t.Context(), mapping.Reasons())
	if err != nil {
		t.Fatal(err)
	}
	want := all.functions()
	for _, tr := range triggers {
		want = append(want, tr.create(help()))
	}
	for i, statement := range p.Statements {
		if i == len(want) || statement.SQL != want[i] || statement.Lock == "" || statement.Cost == "" {
			t.Errorf("statement %d is not what enforce runs: %+v", i, statement)
		}
	}
	if len(p.Statements) != len(want) {
		t.Errorf("enforce runs %d statements, and %d are planned", len(want), len(p.Statements))
	}
	if p.Ends[0].Unsure == "" || p.Index == nil || !strings.HasPrefix(p.Index.SQL, `CREATE INDEX CONCURRENTLY "help_curfew_open" ON public.help ("id") WHERE "status" IN (`) {
		t.Errorf("their trigger is not named, or no index proposed: %+v, %+v", p.Ends[0], p.Index)
	}
	m.exec(p.Index.SQL)
	if p := m.planned(help()); p.Index != nil {
		t.Errorf("the index that is there is proposed again: %+v", p.Index)
	}
	m.exec(`ALTER TABLE public.help ENABLE ROW LEVEL SECURITY`)
	if _, err := readPlan(t.Context(), conn, help(), curfew.DefaultPolicy(), 0); curfew.KindOf(err) != curfew.Unavailable {
		t.Errorf("a table with hidden rows is judged: %v", err)
	}
}

func TestAPlanSaysWhichPromisesHold(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (status) VALUES ('asked'), ('asked');`)
	held := func(code string) (bool, string) {
		for _, p := range m.planned(help()).Promises {
			if p.Code == code {
				return p.Holds, p.Text
			}
		}
		t.Fatalf("there is no promise %s", code)
		return false, ""
	}
	for code, want := range map[string]bool{"insert": true, "sweep": true, "check_then_insert": false, "one_open": false, "undo": false, "money": false} {
		if holds, text := held(code); holds != want {
			t.Errorf("%s is %t: %s", code, holds, text)
		}
	}
	if _, text := held("no_customer"); !strings.HasSuffix(text, "Open ones now: 2.") {
		t.Errorf("rows without customer: %s", text)
	}
	m.exec(`CREATE UNIQUE INDEX one ON public.help (customer) WHERE status IN ('asked', 'queued', 'running')`)
	if holds, text := held("one_open"); !holds || !strings.Contains(text, "index one ") {
		t.Errorf("with a unique index: %s", text)
	}
}

func TestAPlanIsDataForAPage(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	text, err := json.Marshal(m.planned(help()))
	if err != nil {
		t.Fatal(err)
	}
	var page map[string]any
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"history", "due", "ends", "statements", "grants", "promises"} {
		if _, ok := page[list].([]any); !ok {
			t.Errorf("%s is no list, but %v", list, page[list])
		}
	}
	if p := m.planned(help()); time.Until(p.At).Abs() > time.Minute {
		t.Errorf("it is of %s", p.At)
	}
}

// The reading of open rows uses the index that a plan proposes, whatever the status is.
func TestTheProposedIndexIsUsedByTheReading(t *testing.T) {
	t.Parallel()
	for kind, word := range map[string]string{"text": "asked", "varchar(20)": "asked", "public.mood": "asked", "smallint": "1"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, `CREATE TYPE public.mood AS ENUM ('asked', 'done');
				CREATE TABLE public.help (id integer PRIMARY KEY, customer text, made_at timestamptz, status `+kind+`);
				INSERT INTO public.help SELECT n, 'c', now(), NULL FROM generate_series(1, 20000) n;`)
			mapped := mapping.Table{
				Name: "help", Relation: "public.help", ID: "id", Customer: []string{"customer"}, Times: mapping.Times{Created: "made_at"},
				Status: mapping.Status{Column: "status", Words: map[curfew.SessionStatus][]string{curfew.Waiting: {word, "0"}}},
			}
			m.exec(m.planned(mapped).Index.SQL)
			m.exec(`ANALYZE public.help`)
			r := m.reading(mapped)
			var err error
			if r.columns, err = columnsOf(t.Context(), m.pool, mapped.Relation); err != nil {
				t.Fatal(err)
			}
			plan := m.text("EXPLAIN (FORMAT JSON) " + r.selects() + " AND " + r.open(r.column("t", "status")))
			if !strings.Contains(plan, "help_curfew_open") {
				t.Errorf("the index is not used: %s", plan)
			}
		})
	}
}
