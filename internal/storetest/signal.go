package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

var signals = contract{
	"a new store has no pulse":                          noPulse,
	"a sweep leaves its time and its lag":               beatsSweep,
	"a look at the queue leaves its time":               beatsQueue,
	"the pulse knows the newest run that finished":      knowsLastRun,
	"a migrated store misses no guard":                  hasGuards,
	"a name is claimed once":                            claimsOnce,
	"a hundred claims of a name are one":                claimsAtOnce,
	"tidying forgets what is old and keeps what is not": tidies,
	"tidying keeps claims that still hold":              tidiesClaims,
	"a process leaves one row, however often it writes": beatsProcess,
	"a process cannot write where a table is missing":   beatsOnWholeSchema,
	"tidying begins a microsecond after the end":        tidiesAtTheEnd,
	"tidying forgets each by its own age":               tidiesEachByItsAge,
}

func (s *scene) pulse() curfew.Pulse {
	s.Helper()
	p, err := s.Store.Pulse(s.Context())
	s.must(err)
	s.around("now", p.Now, time.Now())
	return p
}

func noPulse(s *scene) {
	p := s.pulse()
	s.same("the pulse of a new store", p, curfew.Pulse{Now: p.Now})
}

func beatsSweep(s *scene) {
	for _, lag := range []time.Duration{0, 1500 * time.Microsecond, 26*time.Hour + time.Microsecond} {
		s.must(s.Store.BeatSweep(s.Context(), lag))
		p := s.pulse()
		s.same("the pulse", p, curfew.Pulse{Sweep: p.Sweep, Lag: lag, Now: p.Now})
		s.around("the sweep", p.Sweep, p.Now)
	}
	s.exec("UPDATE {signals} SET at = " + s.past(time.Hour))
	before := s.pulse().Sweep
	s.must(s.Store.BeatSweep(s.Context(), 0))
	if after := s.pulse().Sweep; after.Sub(before) < 59*time.Minute {
		s.Errorf("a sweep at %s left the time at %s", before, after)
	}
}

func beatsQueue(s *scene) {
	for range 2 {
		s.must(s.Store.BeatQueue(s.Context()))
		p := s.pulse()
		s.same("the pulse", p, curfew.Pulse{QueueRead: p.QueueRead, Now: p.Now})
		s.around("the look", p.QueueRead, p.Now)
	}
}

func beatsProcess(s *scene) {
	for range 2 {
		s.must(s.Store.BeatProcess(s.Context(), "one", time.Minute))
		s.must(s.Store.BeatProcess(s.Context(), "other", time.Minute))
	}
	s.same("rows", s.rows("SELECT name FROM {signals} ORDER BY name"), []string{"process:one", "process:other"})
	p := s.pulse()
	s.same("the pulse", p, curfew.Pulse{Now: p.Now})
	s.must(s.Store.BeatProcess(s.Context(), "one", -time.Minute))
	s.must(s.Store.Tidy(s.Context(), time.Hour))
	s.same("rows that count", s.rows("SELECT name FROM {signals}"), []string{"process:other"})
	for range 2 {
		s.must(s.Store.ForgetProcess(s.Context(), "other"))
	}
	s.same("rows of processes that ended", s.rows("SELECT name FROM {signals}"), []string(nil))
}

func beatsOnWholeSchema(s *scene) {
	for _, table := range curfew.Tables() {
		s.exec("ALTER TABLE {" + table.Name + "} RENAME TO gone")
		if s.Store.BeatProcess(s.Context(), "one", time.Minute) == nil {
			s.Errorf("it writes without the table %s", table.Name)
		}
		s.exec("ALTER TABLE {gone} RENAME TO " + table.Name)
	}
	s.must(s.Store.BeatProcess(s.Context(), "one", time.Minute))
}

func knowsLastRun(s *scene) {
	s.finish(s.begin(aRun("first")), curfew.RunSucceeded)
	second := s.finish(s.begin(aRun("second")), curfew.RunFailed)
	s.begin(aRun("running"))
	got := s.pulse().LastRun
	if got == nil {
		s.Fatal("no run has finished")
	}
	s.same("the newest finished run", *got, second)
}

func hasGuards(s *scene) {
	missing, err := s.Store.GuardsMissing(s.Context())
	s.must(err)
	s.same("missing guards", missing, []string(nil))
}

func claimsOnce(s *scene) {
	for _, name := range []string{"login:1", awkward} {
		s.claimed(name, false)
		s.must(s.Store.ClaimOnce(s.Context(), name, time.Minute))
		s.claimed(name, true)
		s.refused(curfew.Conflict, func() error { return s.Store.ClaimOnce(s.Context(), name, time.Minute) })
	}
}

func (s *scene) claimed(name string, want bool) {
	s.Helper()
	got, err := s.Store.Claimed(s.Context(), name)
	s.must(err)
	s.same("claimed", got, want)
}

func claimsAtOnce(s *scene) {
	won := s.race(100, curfew.Conflict, func(int) error { return s.Store.ClaimOnce(s.Context(), "login", time.Minute) })
	s.same("claims that held", len(won), 1)
}

func tidies(s *scene) {
	st := s.admit("ada")
	s.must(s.Store.Refuse(s.Context(), "old", st.ID))
	s.exec("UPDATE {refusals} SET at = " + s.past(25*time.Hour))
	s.must(s.Store.Refuse(s.Context(), "new", st.ID))
	old := s.save(curfew.Preview{ID: newID(), Actor: shop})
	s.exec("UPDATE {previews} SET created_at = " + s.past(25*time.Hour))
	kept := s.save(curfew.Preview{ID: newID(), Actor: shop})

	s.must(s.Store.Tidy(s.Context(), 24*time.Hour))
	s.same("refusals", s.rows("SELECT customer_id FROM {refusals}"), []string{"new"})
	s.same("previews", s.rows("SELECT id FROM {previews}"), []string{kept.ID})
	_, err := s.Store.Preview(s.Context(), old.ID)
	s.kind(err, curfew.NotFound)
	s.must(s.Store.Tidy(s.Context(), 24*time.Hour))
}

func tidiesClaims(s *scene) {
	s.must(s.Store.BeatSweep(s.Context(), 0))
	s.must(s.Store.BeatQueue(s.Context()))
	s.must(s.Store.ClaimOnce(s.Context(), "holds", time.Minute))
	s.must(s.Store.ClaimOnce(s.Context(), "passed", time.Minute))
	s.exec("UPDATE {signals} SET until = " + s.past(time.Minute) + " WHERE name = 'passed'")
	s.must(s.Store.Tidy(s.Context(), time.Hour))
	s.kind(s.Store.ClaimOnce(s.Context(), "holds", time.Minute), curfew.Conflict)
	p := s.pulse()
	if p.Sweep.IsZero() || p.QueueRead.IsZero() {
		s.Errorf("tidying forgot the pulse: %+v", p)
	}
}

// tidiesAtTheEnd: what is exactly as old as it may become is kept.
func tidiesAtTheEnd(s *scene) {
	if s.Freeze == nil {
		s.Skip("this store's clock cannot be stopped")
	}
	s.Freeze(s.T)
	st := s.admit("ada")
	const window, day = 3 * time.Hour, 24 * time.Hour
	previews := map[string]string{}
	for name, over := range map[string]time.Duration{"exact": 0, "older": time.Microsecond} {
		s.must(s.Store.Refuse(s.Context(), name, st.ID))
		s.exec("UPDATE {refusals} SET at = "+s.past(window+over)+" WHERE customer_id = $1", name)
		previews[name] = s.save(curfew.Preview{ID: newID(), Actor: shop}).ID
		s.exec("UPDATE {previews} SET created_at = "+s.past(day+over)+" WHERE id = $1", previews[name])
		s.must(s.Store.ClaimOnce(s.Context(), name, time.Minute))
		s.exec("UPDATE {signals} SET until = "+s.past(over)+" WHERE name = $1", name)
	}
	_, err := s.Store.Preview(s.Context(), previews["exact"])
	s.must(err) // it can be executed still, so it must not go
	_, err = s.Store.Preview(s.Context(), previews["older"])
	s.kind(err, curfew.NotFound)

	s.must(s.Store.Tidy(s.Context(), window))
	s.same("refusals", s.rows("SELECT customer_id FROM {refusals}"), []string{"exact"})
	s.same("previews", s.rows("SELECT id FROM {previews}"), []string{previews["exact"]})
	s.same("claims", s.rows("SELECT name FROM {signals}"), []string{"exact"})
}

// tidiesEachByItsAge: the window is that of refusals alone.
func tidiesEachByItsAge(s *scene) {
	st := s.admit("ada")
	s.must(s.Store.Refuse(s.Context(), "kim", st.ID))
	preview := s.save(curfew.Preview{ID: newID(), Actor: shop})
	s.must(s.Store.ClaimOnce(s.Context(), "name", time.Minute))
	s.exec("UPDATE {refusals} SET at = " + s.past(23*time.Hour))
	s.exec("UPDATE {previews} SET created_at = " + s.past(23*time.Hour))
	for _, step := range []struct {
		window, preview time.Duration
		want            []int // refusals, previews, claims
	}{
		{24 * time.Hour, 23 * time.Hour, []int{1, 1, 1}},
		{time.Hour, 23 * time.Hour, []int{0, 1, 1}},
		{72 * time.Hour, 25 * time.Hour, []int{0, 0, 1}},
	} {
		s.exec("UPDATE {previews} SET created_at = "+s.past(step.preview)+" WHERE id = $1", preview.ID)
		s.must(s.Store.Tidy(s.Context(), step.window))
		s.same("what is left", []int{
			len(s.rows("SELECT id FROM {refusals}")), len(s.rows("SELECT id FROM {previews}")), len(s.rows("SELECT name FROM {signals}")),
		}, step.want)
	}
}
