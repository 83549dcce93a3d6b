package adopt

import (
	"context"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
)

func TestATableOfTheSettingsStartsInModeOff(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable+`INSERT INTO public.help (customer) VALUES ('ada')`)
	s := m.service(help())
	p := m.poller(s.Options)
	for range 2 {
		m.must(s.step(t.Context(), p))
	}
	if got := m.text(`SELECT mode || count(s.id) FROM curfew.adoptions LEFT JOIN curfew.sessions s ON true GROUP BY mode`); got != "off0" {
		t.Errorf("its mode and sessions are %s", got)
	}
	m.must(s.Shadow(t.Context(), "help"))
	m.exec(`UPDATE public.help SET mechanic = 'max'`)
	m.exec(`UPDATE curfew.adoptions SET read_at = now() - interval '9 seconds'`)
	m.must(s.step(t.Context(), p))
	if got := m.text(`SELECT mechanic_id FROM curfew.sessions`); got != "max" {
		t.Errorf("the mechanic is %s", got)
	}
}

func TestTriggersFollowTheSettings(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	m.must(m.service(help()).Enforce(t.Context(), "help", Enforcement{Rules: []curfew.EndReason{curfew.Expired}, Yes: true}))
	other := help()
	other.Status.Words[curfew.Waiting] = append(other.Status.Words[curfew.Waiting], "parked")
	s := m.service(other)
	if got := codes(m.health(s)); got != "adopted_unprotected" {
		t.Fatalf("the findings are %s", got)
	}
	p := m.poller(s.Options)
	m.must(s.step(t.Context(), p))
	if got := codes(m.health(s)); got != "" {
		t.Errorf("the findings are %s", got)
	}
	m.exec(`INSERT INTO public.help (customer, status) VALUES ('ada', 'parked')`)
	if got := m.text(`SELECT status FROM curfew.sessions`); got != "waiting" {
		t.Errorf("its mirror is %s", got)
	}
	if got := m.text(`SELECT mode || rules::text FROM curfew.adoptions`); got != "enforce{expired}" {
		t.Errorf("it is in mode %s", got)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	m := newMarket(t, helpTable)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	m.must(m.service(help()).Run(ctx))
	bad := Options{Pool: m.pool, TheirURL: "postgres://u:s3cret@[/x", Tables: []mapping.Table{help()}}
	if err := New(bad).Run(t.Context()); err == nil || err.Error() != "adopt_database_url is no URL of a PostgreSQL database" {
		t.Errorf("an address that is none: %v", err)
	}
}
