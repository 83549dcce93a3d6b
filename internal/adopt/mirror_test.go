package adopt

import (
	"testing"
)

// mirrored mirrors the whole table, and returns the mirrors of row 1 and their events.
func (m *market) mirrored() string {
	m.Helper()
	m.exec(`SELECT curfew.adopt('help', 'service:help', 'their row', NULL, NULL, array_agg(` + m.reading(help()).row("t") + `)) FROM public.help t`)
	return m.text(`SELECT string_agg(format('%s %s %s v%s%s%s', s.adopted_id, s.status, coalesce(s.mechanic_id, '-'), s.version,
			(SELECT ' ' || r.status FROM curfew.session_requests r WHERE r.session_id = s.id),
			(SELECT ' busy ' || m.mechanic_id FROM curfew.mechanic_slots m WHERE m.session_id = s.id)), '; ' ORDER BY s.adopted_generation, s.adopted_id)
		FROM curfew.sessions s`)
}

func TestAMirrorFollowsItsRow(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	m.exec(`INSERT INTO public.help (customer, minutes) VALUES ('ada', 20)`)
	for _, step := range []struct{ sql, want string }{
		{``, "1 waiting - v1 pending"},
		{`UPDATE public.help SET note = 'hello'`, "1 waiting - v1 pending"},
		{`UPDATE public.help SET mechanic = 'bob', accepted_at = now()`, "1 waiting bob v2 accepted busy bob"},
		{`UPDATE public.help SET mechanic = 'cyd'`, "1 waiting cyd v3 accepted busy cyd"},
		{`UPDATE public.help SET mechanic = NULL`, "1 waiting - v4 pending"},
		{`UPDATE public.help SET mechanic = 'bob', status = 'running', started_at = now()`, "1 live bob v5 accepted busy bob"},
		{`UPDATE public.help SET status = 'done', ended_at = now()`, "1 completed bob v6 completed"},
		{`UPDATE public.help SET status = 'asked', mechanic = NULL`, "1 completed bob v6 completed; 1 waiting - v1 pending"},
		{`UPDATE public.help SET status = 'what'`, "1 completed bob v6 completed; 1 waiting - v1 pending"},
		{`UPDATE public.help SET status = 'gone'`, "1 completed bob v6 completed; 1 cancelled - v2 cancelled"},
	} {
		if step.sql != "" {
			m.exec(step.sql)
		}
		if got := m.mirrored(); got != step.want {
			t.Fatalf("after %q the mirrors are\n%s, not\n%s", step.sql, got, step.want)
		}
	}
	if got := m.text(`SELECT string_agg(DISTINCT number || from_status || '>' || to_status, ' ') FROM curfew.events`); got != "1>waiting 2waiting>cancelled 2waiting>waiting 3waiting>waiting 4waiting>waiting 5waiting>live 6live>completed" {
		t.Errorf("the events are %s", got)
	}
	if got := m.text(`SELECT string_agg(code, ' ') FROM curfew.adoption_findings`); got != "" {
		t.Errorf("findings are left: %s", got)
	}
}

func TestAMirrorTakesEveryStepThatIsMissing(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ from, to, want string }{
		"an appointment that was missed by no poll": {"planned", "asked", "1 waiting - v2 pending"},
		"an appointment that began between":         {"planned", "running", "1 live - v3 completed"},
		"an appointment that took place between":    {"planned", "done", "1 completed - v4 completed"},
		"an appointment that was cancelled":         {"planned", "gone", "1 cancelled - v2"},
		"a session that took place between":         {"asked", "done", "1 completed - v3 completed"},
		"a session that went back":                  {"running", "asked", "1 cancelled - v2; 1 waiting - v1 pending"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable)
			m.exec(`INSERT INTO public.help (customer, status, starts_at) VALUES ('ada', $1, now() + interval '1 day')`, test.from)
			m.mirrored()
			m.exec(`UPDATE public.help SET status = $1`, test.to)
			if got := m.mirrored(); got != test.want {
				t.Errorf("%s > %s is mirrored as %s, not %s", test.from, test.to, got, test.want)
			}
		})
	}
}

func TestARowThatIsRightAgainIsNoFinding(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('ada', 'hm')`)
	m.mirrored()
	if got := m.text(`SELECT count(*) FROM curfew.adoption_findings`); got != "1" {
		t.Fatalf("%s findings", got)
	}
	m.exec(`UPDATE public.help SET status = 'asked'`)
	if got := m.mirrored(); got != "1 waiting - v1 pending" {
		t.Errorf("the mirror is %s", got)
	}
	if got := m.text(`SELECT count(*) FROM curfew.adoption_findings`); got != "0" {
		t.Errorf("%s findings are left", got)
	}
}

func TestWhatCannotBeMirroredIsAFinding(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('ada', 'asked'), ('ada', 'asked'), (repeat('x', 129), 'asked'), (NULL, 'asked'), ('bob', 'hm'),
		('cyd', 'gone')`)
	if got := m.mirrored(); got != "1 waiting - v1 pending" {
		t.Errorf("the mirrors are %s", got)
	}
	const findings = `SELECT string_agg(adopted_id || ' ' || code, ', ' ORDER BY adopted_id) FROM curfew.adoption_findings`
	if got := m.text(findings); got != "2 second_open, 3 customer_unusable, 5 unknown_status" {
		t.Errorf("the findings are %s", got)
	}
	m.exec(`UPDATE public.help SET status = 'gone' WHERE id = 1`)
	m.exec(`UPDATE public.help SET customer = 'dan' WHERE id IN (3, 4)`)
	m.exec(`UPDATE public.help SET status = 'running' WHERE id = 5`)
	m.mirrored() // the first of two that are open ends, and then the second can begin
	if got := m.mirrored(); got != "1 cancelled - v2 cancelled; 2 waiting - v1 pending; 3 waiting - v1 pending; 5 live - v1" {
		t.Errorf("the mirrors are %s", got)
	}
	if got := m.text(findings); got != "4 second_open" {
		t.Errorf("the findings are %s", got)
	}
}
