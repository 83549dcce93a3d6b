package adopt

import (
	"testing"
)

// verdicts are the rows that would have been ended, and what became of them.
func (m *market) verdicts() string {
	m.Helper()
	return m.text(`SELECT string_agg(concat_ws(' ', adopted_id, reason, nullif(became, '')), ', ' ORDER BY adopted_id) FROM curfew.adoption_verdicts`)
}

func TestWhatWouldHaveBeenEndedIsJudgedOnce(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	p := m.shadowed()
	m.exec(`INSERT INTO public.help (customer, mechanic, status, made_at, deadline, accepted_at, started_at, starts_at, minutes) VALUES
		('ada', NULL, 'asked', now(), now() - interval '1 minute', NULL, NULL, NULL, 30),
		('bob', 'max', 'asked', now(), NULL, now() - interval '1 day', NULL, NULL, 30),
		('cyd', 'kim', 'running', now(), NULL, now(), now() - interval '1 day', NULL, 30),
		('dan', NULL, 'planned', now(), NULL, NULL, NULL, now() - interval '1 day', 30),
		('eve', NULL, 'asked', now(), now() + interval '1 minute', NULL, NULL, NULL, 30)`)
	for range 2 {
		m.polled(p)
		if got := m.verdicts(); got != "1 expired, 2 no_show, 3 overran, 4 missed" {
			t.Fatalf("the verdicts are %s", got)
		}
	}
	m.exec(`UPDATE public.help SET deadline = now() - interval '1 second' WHERE id = 5`)
	m.polled(p)
	if got := m.verdicts(); got != "1 expired, 2 no_show, 3 overran, 4 missed, 5 expired" {
		t.Fatalf("the verdicts are %s", got)
	}
}

func TestADeadlineThatPassesBetweenTwoReadingsIsJudged(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, deadline) VALUES ('ada', now() + interval '1 day')`)
	p := m.shadowed()
	m.polled(p)
	m.exec(`SET curfew.adopting = 'on'; UPDATE curfew.sessions SET expires_at = now() - interval '1 second'`)
	if m.polled(p); m.verdicts() != "1 expired" {
		t.Errorf("the verdicts are %s", m.verdicts())
	}
}

func TestWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	for sentence, test := range map[string]struct{ row, then, want string }{
		"a mechanic came after all":           {`'asked', NULL`, `mechanic = 'max', accepted_at = now()`, "1 expired lived"},
		"it went live after all":              {`'asked', NULL`, `mechanic = 'max', status = 'running', started_at = now()`, "1 expired lived"},
		"it was live between two readings":    {`'asked', NULL`, `mechanic = 'max', status = 'done'`, "1 expired lived"},
		"their own program ended it":          {`'asked', NULL`, `status = 'gone'`, "1 expired ended"},
		"its deadline moved":                  {`'asked', NULL`, `deadline = now() + interval '1 hour'`, "1 expired moved"},
		"something else changed":              {`'asked', NULL`, `minutes = 45`, "1 expired"},
		"an accepted one went live after all": {`'asked', 'max'`, `status = 'running', started_at = now()`, "1 no_show lived"},
		"an accepted one was cancelled":       {`'asked', 'max'`, `status = 'gone'`, "1 no_show ended"},
		"a live one was ended":                {`'running', 'max'`, `status = 'done'`, "1 overran ended"},
		"an appointment began late":           {`'planned', NULL`, `status = 'running', started_at = now()`, "1 missed lived"},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			m := newMarket(t, helpTable+`INSERT INTO public.help (customer, made_at, deadline, accepted_at, started_at, starts_at, status, mechanic)
				SELECT 'ada', t, t, t, t, t, `+test.row+` FROM (SELECT now() - interval '1 day' AS t) age`)
			p := m.shadowed()
			m.polled(p)
			m.exec(`UPDATE public.help SET ` + test.then)
			m.polled(p)
			if got := m.verdicts(); got != test.want {
				t.Errorf("the verdict is %s, not %s", got, test.want)
			}
		})
	}
}

func TestWhatMovedAndLivedIsARegret(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, deadline) VALUES ('ada', now() - interval '1 day')`)
	p := m.shadowed()
	for _, step := range []struct{ then, want string }{
		{`note = ''`, "1 expired"},
		{`deadline = now() + interval '1 hour'`, "1 expired moved"},
		{`mechanic = 'max'`, "1 expired lived"},
		{`status = 'done'`, "1 expired lived"},
	} {
		m.exec(`UPDATE public.help SET ` + step.then)
		if m.polled(p); m.verdicts() != step.want {
			t.Fatalf("after %s the verdict is %s, not %s", step.then, m.verdicts(), step.want)
		}
	}
}

func TestWhatTheMappingDoesNotEndIsNotJudged(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer, mechanic, accepted_at) VALUES ('ada', 'max', now() - interval '1 day')`)
	m.polled(m.shadowed(withoutNoShow))
	if got := m.verdicts(); got != "" {
		t.Errorf("the verdicts are %s", got)
	}
}
