package adopt

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

// shadowed is a service that reads the table help of a market, in mode shadow.
func (m *market) shadowed(change ...func(*Options, *mapping.Table)) *poller {
	m.Helper()
	o, t := Options{Pool: m.pool, Policy: curfew.DefaultPolicy()}, help()
	for _, c := range change {
		c(&o, &t)
	}
	o.Tables = []mapping.Table{t}
	m.exec(`INSERT INTO curfew.adoptions (name, relation, mode) VALUES ($1, $2, 'shadow') ON CONFLICT DO NOTHING`, t.Name, t.Relation)
	return m.poller(o)
}

func (m *market) poller(o Options) *poller {
	m.Helper()
	p, err := New(o).poller(o.Tables[0])
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() { p.theirs.close(context.WithoutCancel(m.Context())) })
	return p
}

// polled reads the table once, and returns its mirrors.
func (m *market) polled(p *poller) string {
	m.Helper()
	if err := p.Poll(m.Context()); err != nil {
		m.Fatal(err)
	}
	return m.mirroredFor()
}

// refuses reads the table once, which must fail, and returns why.
func (m *market) refuses(p *poller) string {
	m.Helper()
	err := p.Poll(m.Context())
	if !errors.Is(err, curfew.Unavailable) {
		m.Fatalf("the table was read: %v", err)
	}
	unread := m.text(`SELECT unread FROM curfew.adoptions WHERE name = 'help'`)
	if !strings.Contains(err.Error(), unread) || unread == "" {
		m.Fatalf("the error %v is recorded as %q", err, unread)
	}
	return unread
}

// mirroredFor are the mirrors with their customers.
func (m *market) mirroredFor() string {
	m.Helper()
	return m.text(`SELECT string_agg(concat_ws(' ', s.adopted_id, s.customer_id, s.status), ', ' ORDER BY s.adopted_id, s.adopted_generation)
		FROM curfew.sessions s WHERE s.adopted_from <> ''`)
}

func TestWhatChangedIsMirrored(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	p := m.shadowed()
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('ada', 'asked'), ('bob', 'running'), ('cyd', 'done'), (NULL, 'asked')`)
	for _, step := range []struct{ sql, want string }{
		{`SELECT`, "1 ada waiting, 2 bob live"},
		{`SELECT`, "1 ada waiting, 2 bob live"},
		{`UPDATE public.help SET customer = 'eve' WHERE id = 4`, "1 ada waiting, 2 bob live, 4 eve waiting"},
		{`UPDATE public.help SET status = 'done' WHERE id = 2`, "1 ada waiting, 2 bob completed, 4 eve waiting"},
		{`DELETE FROM public.help WHERE id = 4`, "1 ada waiting, 2 bob completed, 4 eve cancelled"},
		{`UPDATE public.help SET status = 'what' WHERE id = 1`, "1 ada waiting, 2 bob completed, 4 eve cancelled"},
		{`UPDATE public.help SET status = 'gone' WHERE id = 1`, "1 ada cancelled, 2 bob completed, 4 eve cancelled"},
	} {
		m.exec(step.sql)
		if got := m.polled(p); got != step.want {
			t.Fatalf("after %s the mirrors are %s, not %s", step.sql, got, step.want)
		}
	}
	if got := m.text(`SELECT count(*)::text FROM curfew.adoption_findings`); got != "0" {
		t.Errorf("there are %s findings", got)
	}
}

func TestAStopIsCaughtUp(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	p := m.shadowed()
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('ada', 'asked'), ('bob', 'asked'), ('cyd', 'asked'), ('dan', 'asked')`)
	m.polled(p)
	m.exec(`UPDATE public.help SET status = 'done' WHERE id = 1`)
	m.exec(`DELETE FROM public.help WHERE id = 2`)
	m.exec(`UPDATE public.help SET mechanic = 'max' WHERE id = 3`)
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('eve', 'running')`)
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '1 day', shadowed = now() - interval '2 days'`)
	events := m.text(`SELECT count(*)::text FROM curfew.events e JOIN curfew.sessions s ON s.id = e.subject_id AND s.adopted_id = '4'`)

	if got := m.polled(m.shadowed()); got != "1 ada completed, 2 bob cancelled, 3 cyd waiting, 4 dan waiting, 5 eve live" {
		t.Errorf("the mirrors are %s", got)
	}
	if got := m.text(`SELECT mechanic_id FROM curfew.sessions WHERE adopted_id = '3'`); got != "max" {
		t.Errorf("the mechanic of row 3 is %q", got)
	}
	if got := m.text(`SELECT count(*)::text FROM curfew.events e JOIN curfew.sessions s ON s.id = e.subject_id AND s.adopted_id = '4'`); got != events {
		t.Errorf("row 4, which did not change, has %s events now, not %s", got, events)
	}
	if got := m.text(`SELECT (now() - shadowed < interval '1 minute')::text FROM curfew.adoptions`); got != "true" {
		t.Error("a day without a reading counts as watched")
	}
}

func TestTheSecondOpenRowFollowsTheFirst(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	p := m.shadowed()
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('ada', 'asked'), ('ada', 'asked'), ('ada', 'asked')`)
	if got := m.polled(p); got != "1 ada waiting" {
		t.Fatalf("the mirrors are %s", got)
	}
	before := m.text(`SELECT sum(count)::text FROM curfew.adoption_findings`)
	m.polled(p)
	if got := m.text(`SELECT sum(count)::text FROM curfew.adoption_findings`); got != before {
		t.Errorf("rows that wait for another were handed over again: %s findings, before %s", got, before)
	}
	m.exec(`UPDATE public.help SET status = 'gone' WHERE id IN (1, 2)`)
	m.polled(p)
	if got := m.polled(p); got != "1 ada cancelled, 3 ada waiting" {
		t.Errorf("the mirrors are %s", got)
	}
	if got := m.text(`SELECT count(*)::text FROM curfew.adoption_findings`); got != "0" {
		t.Errorf("%s findings are left", got)
	}
}

func TestARowThatCannotBeMirroredKeepsNoOtherBack(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	p := m.shadowed()
	m.exec(`INSERT INTO public.help (customer, status, minutes) SELECT 'c' || n, 'asked', CASE n WHEN 7 THEN 30000000 ELSE 30 END FROM generate_series(1, 20) n`)
	m.exec(`ALTER TABLE curfew.sessions ADD CHECK (duration_seconds < 86400 * 365)`)
	m.polled(p)
	if got := m.text(`SELECT count(*)::text FROM curfew.sessions`); got != "19" {
		t.Errorf("%s of 19 rows are mirrored", got)
	}
	if got := m.text(`SELECT adopted_id || code FROM curfew.adoption_findings`); got != "7unusable" {
		t.Errorf("the finding is %s", got)
	}
	m.exec(`UPDATE public.help SET minutes = 20 WHERE id = 7`)
	m.polled(p)
	if got := m.text(`SELECT count(*) || ' ' || (SELECT count(*) FROM curfew.adoption_findings) FROM curfew.sessions`); got != "20 0" {
		t.Errorf("rows and findings are %s", got)
	}
}

// Nothing is taken for gone because it cannot be read.
func TestWhatCannotBeReadIsNotGone(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ change, why, mend string }{
		"the table is gone":            {`ALTER TABLE public.help RENAME TO aid`, "there is no table public.help", `ALTER TABLE public.aid RENAME TO help`},
		"a column is gone":             {`ALTER TABLE public.help RENAME customer TO client`, `no column "customer"`, `ALTER TABLE public.help RENAME client TO customer`},
		"a column is retyped":          {`ALTER TABLE public.help ALTER minutes TYPE text`, "42883", `ALTER TABLE public.help ALTER minutes TYPE integer USING minutes::integer`},
		"a time lost its zone":         {`ALTER TABLE public.help ALTER made_at TYPE timestamp`, "in which zone", `ALTER TABLE public.help ALTER made_at TYPE timestamptz`},
		"the rights are gone":          {`REVOKE SELECT ON public.help FROM PUBLIC`, "permission denied", `GRANT SELECT ON public.help TO PUBLIC`},
		"a policy would hide rows":     {`ALTER TABLE public.help ENABLE ROW LEVEL SECURITY`, "row-level security", `ALTER TABLE public.help DISABLE ROW LEVEL SECURITY`},
		"somebody changes its columns": {``, "lock timeout", ``},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada'); GRANT SELECT ON public.help TO PUBLIC;`)
			role := m.role()
			p := m.shadowed(func(o *Options, _ *mapping.Table) { o.TheirURL = m.as(role) })
			m.polled(p)
			release := func() {}
			if test.change == "" {
				release = m.hold(`LOCK TABLE public.help`)
			} else {
				m.exec(test.change)
			}
			if why := m.refuses(p); !strings.Contains(why, test.why) {
				t.Errorf("why it cannot be read: %s", why)
			}
			if got := m.mirroredFor(); got != "1 ada waiting" {
				t.Errorf("the mirrors are %s", got)
			}
			if got := m.text(`SELECT code FROM curfew.adoption_findings`); got != "unread" {
				t.Errorf("the finding is %s", got)
			}
			release()
			if test.mend != "" {
				m.exec(test.mend)
			}
			m.exec(`UPDATE public.help SET status = 'gone'`)
			if got := m.polled(p); got != "1 ada cancelled" {
				t.Errorf("then the mirrors are %s", got)
			}
			if got := m.text(`SELECT unread || (SELECT count(*) FROM curfew.adoption_findings) FROM curfew.adoptions`); got != "0" {
				t.Errorf("what was unread is %s", got)
			}
		})
	}
}

func TestADatabaseThatDoesNotAnswerTellsNoSecret(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada')`)
	m.polled(m.shadowed())
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '1 hour'`)
	p := m.shadowed(func(o *Options, _ *mapping.Table) {
		o.TheirURL = "postgres://reader:s3cret@127.0.0.1:1/shop?connect_timeout=2"
	})
	if why := m.refuses(p); strings.Contains(why, "s3cret") || strings.Contains(why, "reader") {
		t.Errorf("why it cannot be read: %s", why)
	}
	if got := m.mirroredFor(); got != "1 ada waiting" {
		t.Errorf("the mirrors are %s", got)
	}
}

func TestReadingLocksNothing(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada')`)
	p := m.shadowed()
	err := p.theirs.within(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := (reading{p.Table, p.policy, m.reading(p.Table).columns}).read(ctx, tx, question{known: map[string]string{"7": ""}, odd: true}); err != nil {
			return err
		}
		if got := m.text(`SELECT string_agg(DISTINCT l.relation::regclass || ' ' || l.mode, ', ') FROM pg_locks l
			WHERE l.pid = $1 AND l.relation IS NOT NULL`, tx.Conn().PgConn().PID()); got != "help AccessShareLock, help_pkey AccessShareLock" {
			t.Errorf("a reading locks %s", got)
		}
		if got := m.text(`SELECT count(*)::text FROM pg_locks l WHERE l.pid = $1 AND l.locktype = 'transactionid'`, tx.Conn().PgConn().PID()); got != "0" {
			t.Errorf("a reading has %s transaction ids", got)
		}
		_, err := tx.Exec(ctx, `DELETE FROM public.help`)
		if code(err) != "25006" {
			t.Errorf("a reading can write: %v", err)
		}
		return err
	})
	if code(err) != "25006" {
		t.Fatal(err)
	}
}

func TestOneProcessReadsATable(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada')`)
	a, b := m.shadowed(), m.shadowed()
	m.polled(a)
	if err := b.Poll(t.Context()); !errors.Is(err, errOvertaken) {
		t.Fatalf("another process reads it at the same time: %v", err)
	}
	m.polled(a)
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '9 seconds'`) // a stopped
	m.exec(`UPDATE public.help SET mechanic = 'max'`)
	m.polled(b)
	m.exec(`UPDATE public.help SET mechanic = NULL`)
	if err := a.Poll(t.Context()); !errors.Is(err, errOvertaken) {
		t.Fatalf("a process goes on with what another one took over: %v", err)
	}
	m.polled(b)
	m.exec(`UPDATE public.help SET mechanic = 'max'`)
	m.polled(b)
	m.exec(`UPDATE public.help SET mechanic = NULL`)
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '9 seconds'`) // b stopped
	m.polled(a)                                                                  // it has read this row as it is now before, but its mirror is another
	if got := m.text(`SELECT coalesce(mechanic_id, 'nobody') FROM curfew.sessions`); got != "nobody" {
		t.Errorf("the mechanic is %s", got)
	}
}

// A process that read a table and then slept must not mirror what it read.
func TestAnOldReadingIsNotMirrored(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada')`)
	a, b := m.shadowed(), m.shadowed()
	m.polled(a)
	m.exec(`UPDATE public.help SET mechanic = 'max'`)
	if _, err := a.begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	old, err := a.read(t.Context(), question{known: a.known})
	if err != nil {
		t.Fatal(err)
	}
	m.exec(`UPDATE public.help SET status = 'done'`)
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '9 seconds'`)
	m.polled(b)
	if err := a.hand(t.Context(), old, false); !errors.Is(err, errOvertaken) {
		t.Errorf("an old reading was mirrored: %v", err)
	}
	m.exec(`UPDATE curfew.adoptions SET mode = 'enforce'`)
	if err := b.mirror(t.Context(), old.rows); !errors.Is(err, errOvertaken) {
		t.Errorf("a reading was mirrored in another mode: %v", err)
	}
	if got := m.mirroredFor(); got != "1 ada completed" {
		t.Errorf("the mirrors are %s", got)
	}
}

func TestADeadlineWithoutAColumnRunsFromWhenItWasSeen(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, made_at) VALUES ('ada', now() - interval '3 days')`)
	p := m.shadowed(func(_ *Options, t *mapping.Table) { t.Times.Seen, t.Deadline = true, "" })
	m.polled(p)
	const left = `SELECT extract(epoch FROM expires_at - now())::integer::text FROM curfew.sessions`
	if got := m.text(left); got != "900" && got != "899" {
		t.Errorf("it may wait for another %s seconds", got)
	}
	m.exec(`SET curfew.adopting = 'on'; UPDATE curfew.sessions SET expires_at = expires_at - interval '14 minutes'`)
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '9 seconds'`)
	m.polled(m.shadowed(func(_ *Options, t *mapping.Table) { t.Times.Seen, t.Deadline = true, "" }))
	if got := m.text(left); got != "60" && got != "59" {
		t.Errorf("after another reading, it may wait for another %s seconds", got)
	}
}

func withoutNoShow(_ *Options, t *mapping.Table) { delete(t.End, curfew.NoShow) }

func TestTheTableMayStandInAnotherDatabase(t *testing.T) {
	t.Parallel()
	m := newMarket(t, ``)
	shop := newShop(t, helpTable+`INSERT INTO public.help (customer, note) VALUES ('ada', 'x')`)
	before := shop.dump()
	p := m.shadowed(func(o *Options, _ *mapping.Table) { o.TheirURL = shop.url })
	if got := m.polled(p); got != "1 ada waiting" {
		t.Errorf("the mirrors are %s", got)
	}
	shop.exec(`UPDATE public.help SET mechanic = 'Ann "the (wrench)", \ O''Hara'`)
	m.polled(p)
	if got := m.text(`SELECT mechanic_id FROM curfew.sessions`); got != `Ann "the (wrench)", \ O'Hara` {
		t.Errorf("the mechanic is %s", got)
	}
	shop.exec(`UPDATE public.help SET mechanic = NULL`)
	if after := shop.dump(); after != before {
		t.Errorf("their database was\n%s\nand is\n%s", before, after)
	}
}

func TestManyRowsTakeATenthOfTheTime(t *testing.T) {
	if testing.Short() {
		t.Skip("100,000 rows take a while")
	}
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) SELECT 'c' || n FROM generate_series(1, 100000) n; ANALYZE public.help`)
	p := m.shadowed()
	begun := time.Now()
	m.must(p.Poll(t.Context()))
	t.Logf("the first reading took %s, of theirs %s", time.Since(begun), p.took)
	m.exec(`UPDATE public.help SET mechanic = 'm' || id WHERE id % 1000 = 0`)
	begun = time.Now()
	m.must(p.Poll(t.Context()))
	t.Logf("the second reading took %s, of theirs %s", time.Since(begun), p.took)
	if pauseAfter(p.took, nil) < share*p.took {
		t.Errorf("a reading of %s is followed by one %s later", p.took, pauseAfter(p.took, nil))
	}
	if got := m.text(`SELECT count(*) || ' ' || count(mechanic_id) FROM curfew.sessions`); got != "100000 100" {
		t.Errorf("the mirrors are %s", got)
	}
	begun = time.Now()
	q := m.shadowed()
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '1 hour'`)
	m.must(q.Poll(t.Context()))
	t.Logf("the first reading after a restart took %s, of theirs %s", time.Since(begun), q.took)
	if got := pauseAfter(30*time.Second, nil); got != 5*time.Minute {
		t.Errorf("a reading of 30s is followed by one %s later", got)
	}
}
