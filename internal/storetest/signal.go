package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var signals = contract{
	"a new store has no heartbeat":                    noHeartbeats,
	"a sweep records its time and its lag":            recordsSweep,
	"reading the queue records its time":              recordsQueueRead,
	"the heartbeats name the newest finished run":     knowsLastRun,
	"a migrated store has every guard":                hasGuards,
	"a name is claimed once":                          claimsOnce,
	"one of a hundred claims of a name wins":          claimsAtOnce,
	"tidying deletes what is old and keeps the rest":  tidies,
	"tidying keeps claims that still hold":            tidiesClaims,
	"a process has one row, however often it writes":  recordsHeartbeat,
	"a process cannot write where a table is missing": recordsHeartbeatOnWholeSchema,
	"tidying begins a microsecond after the limit":    tidiesAtTheEnd,
	"tidying deletes each kind by its own age":        tidiesEachByItsAge,
}

func (f *operationFixture) heartbeats() curfew.Heartbeats {
	f.Helper()
	p, err := f.Store.Heartbeats(f.Context())
	f.must(err)
	f.around("now", p.Now, time.Now())
	return p
}

func noHeartbeats(f *fixture) {
	p := f.heartbeats()
	f.same("the heartbeats of a new store", p, curfew.Heartbeats{Now: p.Now})
}

func recordsSweep(f *fixture) {
	for _, lag := range []time.Duration{0, 1500 * time.Microsecond, 26*time.Hour + time.Microsecond} {
		f.must(f.Store.RecordSweep(f.Context(), lag))
		p := f.heartbeats()
		f.same("the heartbeats", p, curfew.Heartbeats{Sweep: p.Sweep, Lag: lag, Now: p.Now})
		f.around("the sweep", p.Sweep, p.Now)
	}
	f.exec("UPDATE {signals} SET at = " + f.past(time.Hour))
	before := f.heartbeats().Sweep
	f.must(f.Store.RecordSweep(f.Context(), 0))
	if after := f.heartbeats().Sweep; after.Sub(before) < 59*time.Minute {
		f.Errorf("a sweep at %s left the time at %s", before, after)
	}
}

func recordsQueueRead(f *fixture) {
	for range 2 {
		f.must(f.Store.RecordQueueRead(f.Context()))
		p := f.heartbeats()
		f.same("the heartbeats", p, curfew.Heartbeats{QueueRead: p.QueueRead, Now: p.Now})
		f.around("the look", p.QueueRead, p.Now)
	}
}

func recordsHeartbeat(f *fixture) {
	for range 2 {
		f.must(f.Store.RecordHeartbeat(f.Context(), "one", time.Minute))
		f.must(f.Store.RecordHeartbeat(f.Context(), "other", time.Minute))
	}
	f.same("rows", f.rows("SELECT name FROM {signals} ORDER BY name"), []string{"process:one", "process:other"})
	p := f.heartbeats()
	f.same("the heartbeats", p, curfew.Heartbeats{Now: p.Now})
	f.must(f.Store.RecordHeartbeat(f.Context(), "one", -time.Minute))
	f.must(f.Store.Tidy(f.Context(), time.Hour))
	f.same("rows that count", f.rows("SELECT name FROM {signals}"), []string{"process:other"})
	for range 2 {
		f.must(f.Store.ForgetProcess(f.Context(), "other"))
	}
	f.same("rows of processes that ended", f.rows("SELECT name FROM {signals}"), []string(nil))
}

func recordsHeartbeatOnWholeSchema(f *fixture) {
	lacks := func(what, away, back string) {
		f.exec(away)
		if err := f.Store.RecordHeartbeat(f.Context(), "one", time.Minute); curfew.KindOf(err) != curfew.Unavailable {
			f.Errorf("without %s it answers: %v", what, err)
		}
		f.exec(back)
	}
	for _, table := range record.Tables() {
		lacks("the table "+table.Name, "ALTER TABLE {"+table.Name+"} RENAME TO gone", "ALTER TABLE {gone} RENAME TO "+table.Name)
		column, in := table.Columns[len(table.Columns)-1].Name, "ALTER TABLE {"+table.Name+"} RENAME COLUMN "
		lacks("the column "+table.Name+"."+column, in+column+" TO gone", in+"gone TO "+column)
	}
	f.must(f.Store.RecordHeartbeat(f.Context(), "one", time.Minute))
}

func knowsLastRun(f *fixture) {
	f.finish(f.begin(aRun("first")), curfew.RunSucceeded)
	second := f.finish(f.begin(aRun("second")), curfew.RunFailed)
	f.begin(aRun("running"))
	got := f.heartbeats().LastRun
	if got == nil {
		f.Fatal("no run has finished")
	}
	f.same("the newest finished run", *got, second)
}

func hasGuards(f *fixture) {
	missing, err := f.Store.GuardsMissing(f.Context())
	f.must(err)
	f.same("missing guards", missing, []string(nil))
}

func claimsOnce(f *fixture) {
	for _, name := range []string{"login:1", awkward} {
		f.claimed(name, false)
		f.must(f.Store.ClaimOnce(f.Context(), name, time.Minute))
		f.claimed(name, true)
		f.refused(curfew.Conflict, func() error { return f.Store.ClaimOnce(f.Context(), name, time.Minute) })
	}
}

func (f *operationFixture) claimed(name string, want bool) {
	f.Helper()
	got, err := f.Store.Claimed(f.Context(), name)
	f.must(err)
	f.same("claimed", got, want)
}

func claimsAtOnce(f *fixture) {
	won := f.race(100, curfew.Conflict, func(int) error { return f.Store.ClaimOnce(f.Context(), "login", time.Minute) })
	f.same("claims that held", len(won), 1)
}

func tidies(f *fixture) {
	st := f.admit("ada")
	f.must(f.Store.Refuse(f.Context(), "old", st.ID))
	f.exec("UPDATE {refusals} SET at = " + f.past(25*time.Hour))
	f.must(f.Store.Refuse(f.Context(), "new", st.ID))
	old := f.save(curfew.Preview{ID: newID(), Actor: shop})
	f.exec("UPDATE {previews} SET created_at = " + f.past(25*time.Hour))
	kept := f.save(curfew.Preview{ID: newID(), Actor: shop})

	f.must(f.Store.Tidy(f.Context(), 24*time.Hour))
	f.same("refusals", f.rows("SELECT customer_id FROM {refusals}"), []string{"new"})
	f.same("previews", f.rows("SELECT id FROM {previews}"), []string{kept.ID})
	_, err := f.Store.Preview(f.Context(), old.ID)
	f.kind(err, curfew.NotFound)
	f.must(f.Store.Tidy(f.Context(), 24*time.Hour))
}

func tidiesClaims(f *fixture) {
	f.must(f.Store.RecordSweep(f.Context(), 0))
	f.must(f.Store.RecordQueueRead(f.Context()))
	f.must(f.Store.ClaimOnce(f.Context(), "holds", time.Minute))
	f.must(f.Store.ClaimOnce(f.Context(), "passed", time.Minute))
	f.exec("UPDATE {signals} SET until = " + f.past(time.Minute) + " WHERE name = 'passed'")
	f.must(f.Store.Tidy(f.Context(), time.Hour))
	f.kind(f.Store.ClaimOnce(f.Context(), "holds", time.Minute), curfew.Conflict)
	p := f.heartbeats()
	if p.Sweep.IsZero() || p.QueueRead.IsZero() {
		f.Errorf("tidying forgot the heartbeats: %+v", p)
	}
}

// tidiesAtTheEnd tests that a row exactly at its age limit is kept.
func tidiesAtTheEnd(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	st := f.admit("ada")
	const window, day = 3 * time.Hour, 24 * time.Hour
	previews := map[string]string{}
	for name, over := range map[string]time.Duration{"exact": 0, "older": time.Microsecond} {
		f.must(f.Store.Refuse(f.Context(), name, st.ID))
		f.exec("UPDATE {refusals} SET at = "+f.past(window+over)+" WHERE customer_id = $1", name)
		previews[name] = f.save(curfew.Preview{ID: newID(), Actor: shop}).ID
		f.exec("UPDATE {previews} SET created_at = "+f.past(day+over)+" WHERE id = $1", previews[name])
		f.must(f.Store.ClaimOnce(f.Context(), name, time.Minute))
		f.exec("UPDATE {signals} SET until = "+f.past(over)+" WHERE name = $1", name)
	}
	_, err := f.Store.Preview(f.Context(), previews["exact"])
	f.must(err) // it can still be executed, so it must not be deleted
	_, err = f.Store.Preview(f.Context(), previews["older"])
	f.kind(err, curfew.NotFound)

	f.must(f.Store.Tidy(f.Context(), window))
	f.same("refusals", f.rows("SELECT customer_id FROM {refusals}"), []string{"exact"})
	f.same("previews", f.rows("SELECT id FROM {previews}"), []string{previews["exact"]})
	f.same("claims", f.rows("SELECT name FROM {signals}"), []string{"exact"})
}

// tidiesEachByItsAge tests that the window applies to refusals only.
func tidiesEachByItsAge(f *fixture) {
	st := f.admit("ada")
	f.must(f.Store.Refuse(f.Context(), "kim", st.ID))
	preview := f.save(curfew.Preview{ID: newID(), Actor: shop})
	f.must(f.Store.ClaimOnce(f.Context(), "name", time.Minute))
	f.exec("UPDATE {refusals} SET at = " + f.past(23*time.Hour))
	f.exec("UPDATE {previews} SET created_at = " + f.past(23*time.Hour))
	for _, step := range []struct {
		window, preview time.Duration
		want            []int // refusals, previews, claims
	}{
		{24 * time.Hour, 23 * time.Hour, []int{1, 1, 1}},
		{time.Hour, 23 * time.Hour, []int{0, 1, 1}},
		{72 * time.Hour, 25 * time.Hour, []int{0, 0, 1}},
	} {
		f.exec("UPDATE {previews} SET created_at = "+f.past(step.preview)+" WHERE id = $1", preview.ID)
		f.must(f.Store.Tidy(f.Context(), step.window))
		f.same("what is left", []int{
			len(f.rows("SELECT id FROM {refusals}")), len(f.rows("SELECT id FROM {previews}")), len(f.rows("SELECT name FROM {signals}")),
		}, step.want)
	}
}
