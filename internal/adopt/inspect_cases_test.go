package adopt

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

func TestTheLikeliestTableIsFirst(t *testing.T) {
	t.Parallel()
	for fixture, relation := range fixtures {
		t.Run(fixture, func(t *testing.T) {
			t.Parallel()
			url, conn := marketplace(t, fixture)
			run(t, conn, `CREATE TABLE public.support_messages (id integer PRIMARY KEY, user_id integer, status text);
				CREATE TABLE public.user_sessions (id text PRIMARY KEY, user_id integer, ip text, created_at timestamptz);
				CREATE VIEW public.current_consultations AS SELECT 1 AS id, 'waiting'::text AS status, 1 AS customer_id, 2 AS doctor_id`)
			found, err := Rank(t.Context(), url)
			if err != nil || len(found) == 0 {
				t.Fatalf("found %v, %v", found, err)
			}
			if found[0].Relation != relation || len(found[0].Why) < 2 {
				t.Errorf("the likeliest are %+v", found)
			}
		})
	}
}

// made is a table of sessions in few words, with an own status.
const made = `CREATE TABLE public.calls (id integer PRIMARY KEY, customer_id integer NOT NULL, agent_id integer, status text,
	created_at %s NOT NULL, started_at %[1]s, ended_at %[1]s);`

// What rows show beats what words mean elsewhere.
func TestRowsBeatNames(t *testing.T) {
	t.Parallel()
	url, conn := marketplace(t, "numbers")
	run(t, conn, fmt.Sprintf(made, "timestamptz")+`
		INSERT INTO public.calls SELECT i, i, NULL, 'open', now(), NULL, NULL FROM generate_series(1, 5) i;
		INSERT INTO public.calls SELECT i, i, NULL, 'connected', now(), NULL, NULL FROM generate_series(11, 15) i;
		INSERT INTO public.calls SELECT i, i, 1, 'ready', now(), now(), NULL FROM generate_series(21, 25) i;
		INSERT INTO public.calls SELECT i, i, 1, 'green', now(), now(), now() FROM generate_series(31, 35) i;
		INSERT INTO public.calls SELECT i, i, NULL, 'red', now(), NULL, now() FROM generate_series(41, 45) i;
		INSERT INTO public.calls SELECT i, i, NULL, 'pink', now(), NULL, NULL FROM generate_series(51, 55) i;`)
	found := inspected(t, url, "public.calls")
	want := map[curfew.SessionStatus][]string{
		curfew.Waiting: {"connected", "open"}, curfew.Live: {"ready"}, curfew.Completed: {"green"}, curfew.Cancelled: {"red"},
	}
	if diff := cmp.Diff(want, found.Mapping.Status.Words); diff != "" {
		t.Error(diff)
	}
	for _, r := range []Notice{
		{"status.waiting", "connected counts as waiting, because started_at is NULL in 5 of 5 rows"},
		{"status.live", "ready counts as live, because started_at is set in 5 of 5 rows"},
		{"status.completed", "green counts as completed, because ended_at is set in 5 of 5 rows"},
		{"status.cancelled", "red counts as cancelled, because ended_at is set in 5 of 5 rows"},
		{"status.other", "nothing says what pink means: 5 rows"},
	} {
		if !noticed(found.Decide, r.Part, r.Text) {
			t.Errorf("%s: %q is not among %v", r.Part, r.Text, found.Decide)
		}
	}
}

func TestTheZoneIsFoundByTheNewestRow(t *testing.T) {
	t.Parallel()
	for sentence, c := range map[string]struct{ created, database, zone, said string }{
		"UTC":                        {"now() AT TIME ZONE 'UTC'", "UTC", "UTC", ""},
		"Kolkata":                    {"now() AT TIME ZONE 'Asia/Kolkata' - interval '4 minutes'", "UTC", "Asia/Kolkata", "+05:30 ahead of UTC"},
		"Kathmandu":                  {"now() AT TIME ZONE 'Asia/Kathmandu' - interval '13 minutes'", "UTC", "Asia/Kathmandu", "+05:45 ahead of UTC"},
		"two hours ahead":            {"now() AT TIME ZONE 'UTC' + interval '119 minutes'", "UTC", "Etc/GMT-2", "+02:00 ahead of UTC"},
		"the database's zone":        {"now() AT TIME ZONE 'America/Lima' - interval '2 minutes'", "America/Lima", "America/Lima", "the database's own zone America/Lima"},
		"UTC in a zone":              {"now() AT TIME ZONE 'UTC' - interval '2 minutes'", "America/Lima", "UTC", ""},
		"old rows":                   {"now() AT TIME ZONE 'UTC' - interval '5 days'", "UTC", "UTC", "5 days before now, which is too far to tell the zone by"},
		"five hours behind, perhaps": {"now() AT TIME ZONE 'UTC' - interval '5 hours'", "UTC", "UTC", "too far to tell the zone by"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			url, conn := marketplace(t, "numbers")
			run(t, conn, fmt.Sprintf(made, "timestamp")+"INSERT INTO public.calls (id, customer_id, status, created_at) VALUES (1, 1, 'waiting', "+c.created+")")
			found := inspected(t, strings.Replace(url, "timezone=UTC", "timezone="+c.database, 1), "public.calls")
			asked := slices.IndexFunc(found.Decide, func(r Notice) bool { return r.Part == "times.zone" })
			if found.Mapping.Times.Zone != c.zone || (asked >= 0) != (c.said != "") {
				t.Errorf("the zone is %s, want %s; %v", found.Mapping.Times.Zone, c.zone, found.Decide)
			}
			if c.said != "" && !noticed(found.Decide, "times.zone", c.said) {
				t.Errorf("%q is not among %v", c.said, found.Decide)
			}
		})
	}
}

// The forms in which PostgreSQL keeps a CHECK are its own, so these go through a server.
func TestWordsOfAConstraintAreRead(t *testing.T) {
	t.Parallel()
	_, conn := marketplace(t, "numbers")
	for check, want := range map[string][]string{
		`status IN ('a', 'b c')`:                 {"a", "b c"},
		`status = 'only'`:                        {"only"},
		`status = 'a' OR status = 'it''s'`:       {"a", "it's"},
		`status IS NULL OR status IN ('a', 'b')`: {"a", "b"},
		`status = ANY (ARRAY['x', 'y'])`:         {"x", "y"},
		`code IN (1, 2, 30)`:                     {"1", "2", "30"},
		`code = 1 OR code = 2`:                   {"1", "2"},
		`short IN ('a', 'b')`:                    {"a", "b"},
		`code >= 0`:                              nil,
		`status <> 'a'`:                          nil,
		`status NOT IN ('a', 'b')`:               nil,
		`length(status) < 5`:                     nil,
		`status ~ '^[a-z]+$'`:                    nil,
		`status LIKE 'a%'`:                       nil,
		`status IN ('a', 'b') AND (code > 0 OR status = 'gone')`: nil,
	} {
		run(t, conn, `DROP TABLE IF EXISTS public.checked; CREATE TABLE public.checked (id integer, status text, code smallint, short varchar(8), CONSTRAINT it CHECK (`+check+`))`)
		r, err := ReadRelation(t.Context(), conn, "public.checked")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Checks[0].Words; !slices.Equal(got, want) {
			t.Errorf("CHECK (%s) allows %q, want %q: %s", check, got, want, r.Checks[0].Expr)
		}
	}
}

func TestTriggersThatSetTimesAreFound(t *testing.T) {
	t.Parallel()
	_, conn := marketplace(t, "telehealth")
	r, err := ReadRelation(t.Context(), conn, "public.telehealth_consultations")
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string]string{
		"cancelled_at": "keep_times", "completed_at": "keep_times", "accepted_at": "keep_times", "status": "", "created_at": "", "cancelled": "",
	} {
		if got := r.setBy(column); got != want {
			t.Errorf("%s is set by %q, want %q", column, got, want)
		}
	}
}

// misfit is a change that makes a mapping of live_help not fit its table.
type misfit struct {
	change func(*mapping.Table)
	want   string
}

func TestWhatDoesNotFitIsNamed(t *testing.T) {
	t.Parallel()
	url, conn := marketplace(t, "live_help")
	run(t, conn, `ALTER TABLE public.sessions ADD at_noon timestamp, ADD day date, ADD twice integer GENERATED ALWAYS AS (duration_minutes * 2) STORED, ADD short varchar(3)`)
	for sentence, c := range map[string]misfit{
		"a column that is not there": {func(m *mapping.Table) { m.Mechanic.Column = "mechanicid" }, "adopt.sessions.mechanic.column: public.sessions has no column mechanicid: did you mean mechanic_id?"},
		"an id that is not unique":   {func(m *mapping.Table) { m.ID = "mechanic_id" }, "adopt.sessions.id: mechanic_id does not identify a row"},
		"a word that is not allowed": {func(m *mapping.Table) { m.Status.Words[curfew.Live] = []string{"lively"} }, "adopt.sessions.status.live: CHECK sessions_status_check does not allow lively in status: did you mean live?"},
		"a text for a time":          {func(m *mapping.Table) { m.Times.Created = "plan" }, "adopt.sessions.times.created: plan is text, not a time"},
		"a date for a time":          {func(m *mapping.Table) { m.Times.Starts = []string{"day"} }, "adopt.sessions.times.starts: day is a date, which has no time of day"},
		"a time without zone":        {func(m *mapping.Table) { m.Times.Started = "at_noon" }, "adopt.sessions.times.zone: is needed, because at_noon has no time zone"},
		"a text for a duration":      {func(m *mapping.Table) { m.Duration.Column, m.Duration.Unit = "plan", "minutes" }, "adopt.sessions.duration.column: plan is text, not a number"},
		"a mark that is never NULL":  {func(m *mapping.Table) { m.Deleted = "id" }, "adopt.sessions.deleted: id is never NULL, so that every row would count as deleted"},
		"a set of a generated one":   {set("twice", "4"), "adopt.sessions.end.expired.set.twice: the column is generated, and cannot be set"},
		"a NULL in NOT NULL":         {set("plan", mapping.Null), "adopt.sessions.end.expired.set.plan: the column is NOT NULL"},
		"a time in a text":           {set("cancelled_by", mapping.Now), "adopt.sessions.end.expired.set.cancelled_by: the column is text, which cannot hold a time"},
		"a text in a number":         {set("duration_minutes", "ten"), `adopt.sessions.end.expired.set.duration_minutes: duration_minutes is integer, and "ten" is no number`},
		"a text that is too long":    {set("short", "curfew"), "adopt.sessions.end.expired.set.short: short is character varying(3), which is too short for \"curfew\""},
		"a request's column":         {func(m *mapping.Table) { m.Request.Session = "sesion_id" }, "adopt.sessions.request.session: public.session_requests has no column sesion_id: did you mean session_id?"},
	} {
		table := inspected(t, url, "public.sessions").Mapping
		c.change(&table)
		problems, err := Fit(t.Context(), conn, table)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(problems, func(p mapping.Problem) bool { return strings.HasPrefix(p.Error(), c.want) }) {
			t.Errorf("%s: got %v, want %s", sentence, problems, c.want)
		}
	}
}

func set(column, value string) func(*mapping.Table) {
	return func(m *mapping.Table) { m.End[curfew.Expired].Set[column] = value }
}

// A table that takes too long to count is looked at in part.
func TestASampleIsAPart(t *testing.T) {
	t.Parallel()
	url, conn := marketplace(t, "numbers")
	run(t, conn, fmt.Sprintf(made, "timestamptz")+`
		INSERT INTO public.calls SELECT i, i, NULL, 'waiting', now() FROM generate_series(1, 20000) i`)
	if err := looking(t.Context(), url, func(l *look) error {
		r, err := ReadRelation(t.Context(), l, "public.calls")
		if err != nil {
			return err
		}
		r.Estimate = 20 * sampled // a twentieth is looked at
		part, err := l.tallies(t.Context(), r, r.sample(), "status", "created_at", "")
		if err == nil && (len(part) != 1 || part[0].rows == 0 || part[0].rows > 10000 || part[0].filled["customer_id"] != part[0].rows) {
			t.Errorf("counted %+v", part)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestEndingsThatAConstraintLacksAreAskedFor(t *testing.T) {
	t.Parallel()
	url, conn := marketplace(t, "numbers")
	run(t, conn, `CREATE TYPE public.phase AS ENUM ('waiting', 'live', 'done');
		CREATE TABLE public.visits (id integer PRIMARY KEY, customer_id integer NOT NULL, agent_id integer, status public.phase NOT NULL DEFAULT 'waiting',
			created_at timestamptz NOT NULL, started_at timestamptz, minutes integer NOT NULL DEFAULT 20);
		CREATE TABLE public.calls (id integer PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL CHECK (status IN ('waiting', 'live', 'cancelled')),
			created_at timestamptz NOT NULL, plan text NOT NULL);
		CREATE TABLE public.chats (id integer PRIMARY KEY, customer_id integer NOT NULL, status text NOT NULL CHECK (status IN ('waiting', 'live', 'done', 'archived', 'cancelled')),
			created_at timestamptz NOT NULL, minutes integer NOT NULL, cancellation_reason text CHECK (cancellation_reason IN ('bored', 'expired')));`)
	visits := inspected(t, url, "public.visits")
	if !noticed(visits.Decide, "end", "type public.phase allows no word that looks like cancelled: add one to it") || len(visits.Mapping.End) != 1 {
		t.Errorf("%v, %v", visits.Mapping.End, visits.Decide)
	}
	calls := inspected(t, url, "public.calls")
	if !noticed(calls.Decide, "end.overran", "CHECK calls_status_check allows no word that looks like completed") || len(calls.Mapping.End) != 1 {
		t.Errorf("%v, %v", calls.Mapping.End, calls.Decide)
	}
	chats := inspected(t, url, "public.chats")
	if got := chats.Mapping.End[curfew.Expired].Set["cancellation_reason"]; got != "expired" || !noticed(chats.Decide, "status.other", "nothing says what archived means: no row has it") {
		t.Errorf("the reason is %q; %v", got, chats.Decide)
	}
	for _, found := range []*Inspection{visits, calls, chats} {
		checkMapping(t, conn, found)
	}
}

func TestOtherKindsOfTablesAreNamed(t *testing.T) {
	t.Parallel()
	url, conn := marketplace(t, "lookup")
	run(t, conn, `CREATE VIEW public.current AS SELECT ticket_id AS id, client_id, agent_id, CASE state_id WHEN 10 THEN 'new' ELSE 'done' END AS status, opened_at FROM public.tickets;
		CREATE TABLE public.parts (id integer, customer_id integer NOT NULL, status text DEFAULT 'waiting', created_at timestamptz NOT NULL, PRIMARY KEY (id)) PARTITION BY HASH (id);
		CREATE TABLE public.parts_0 PARTITION OF public.parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
		INSERT INTO public.parts VALUES (1, 1, 'waiting', now())`)
	view := inspected(t, url, "public.current")
	if view.Kind != "view" || !noticed(view.Decide, "table", "this is a view: Curfew can read it, but it can end sessions only in a table") || view.Index != "" || view.Rows != 100 {
		t.Errorf("%+v", view)
	}
	checkFits(t, conn, view)
	parts := inspected(t, url, "public.parts")
	if parts.Kind != "partitioned table" || !noticed(parts.Notices, "table", "the table is partitioned") || parts.Rows != 1 {
		t.Errorf("%+v", parts)
	}
}
