package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/curfewhq/curfew"
)

var runs = contract{
	"a run begins as running, with the store's time":       beginsRun,
	"a run without an id gets one":                         beginsRunWithoutID,
	"a run ends with its outcome, error and figures":       finishesRun,
	"runs are newest first, page by page to the end":       runPages,
	"runs of one moment are paged by their ids":            runTies,
	"a preview is read as it was saved":                    savesPreview,
	"an empty preview is read as it was saved":             savesEmptyPreview,
	"a preview older than a day is not found":              forgetsPreview,
	"an id that no preview has is not found":               previewNotFound,
	"a run is read by its id":                              readsRun,
	"a run knows what it undoes and who undid it":          knowsUndo,
	"a run's events are paged by their ids":                runEventPages,
	"a run that was stopped is read as interrupted":        interruptsRun,
	"a run without a heartbeat is read as interrupted":     missesRun,
	"sessions that a batch ends are counted in its run":    countsBatch,
	"sessions that an undo revives are counted in its run": countsRevival,
}

func aRun(reason string) curfew.Run {
	return curfew.Run{
		ID: newID(), Trigger: curfew.ByAPI, Actor: curfew.Actor{Role: curfew.Admin, ID: "root"}, Reason: reason,
	}
}

func (f *operationFixture) begin(r curfew.Run) curfew.Run {
	f.Helper()
	got, err := f.Store.BeginRun(f.Context(), r)
	f.must(err)
	return got
}

func (f *operationFixture) finish(r curfew.Run, o curfew.RunOutcome) curfew.Run {
	f.Helper()
	r.Outcome = o
	got, err := f.Store.FinishRun(f.Context(), r)
	f.must(err)
	return got
}

// runs returns all runs, read page by page.
func (f *operationFixture) runs(limit int) []curfew.Run {
	f.Helper()
	var all []curfew.Run
	var after curfew.Cursor
	for {
		page, err := f.Store.Runs(f.Context(), after, limit)
		f.must(err)
		if len(page) == 0 {
			return all
		}
		if len(page) > limit || len(all) > 1000 {
			f.Fatalf("a page of %d after %d runs, with a limit of %d", len(page), len(all), limit)
		}
		all = append(all, page...)
		last := page[len(page)-1]
		after = curfew.Cursor{At: last.StartedAt, ID: last.ID}
	}
}

func beginsRun(f *fixture) {
	r := aRun("by hand")
	got := f.begin(r)
	r.Outcome, r.StartedAt = curfew.RunRunning, got.StartedAt
	f.same("the begun run", got, r)
	f.around("its start", got.StartedAt, time.Now())
	f.same("what is stored", f.runs(9), []curfew.Run{r})
}

func beginsRunWithoutID(f *fixture) {
	r := aRun("")
	r.ID = ""
	got := f.begin(r)
	f.same("the length of its id", len(got.ID), 36)
	f.same("what is stored", f.runs(9), []curfew.Run{got})
}

func finishesRun(f *fixture) {
	for _, o := range []curfew.RunOutcome{curfew.RunSucceeded, curfew.RunFailed} {
		r := f.begin(aRun(awkward))
		r.Stats.Count(curfew.OldWaiting, true)
		r.Stats.Count(curfew.NoShows, false)
		if o == curfew.RunFailed {
			r.Error = awkward
		}
		got := f.finish(r, o)
		r.Outcome, r.FinishedAt = o, got.FinishedAt
		f.same("the finished run", got, r)
		if got.FinishedAt.Before(got.StartedAt) {
			f.Errorf("started %s, finished %s", got.StartedAt, got.FinishedAt)
		}
		f.same("what is stored", f.runs(9)[0], r)
	}
}

func interruptsRun(f *fixture) {
	r := f.begin(aRun(""))
	r.Error = "it was stopped"
	got := f.finish(r, curfew.RunInterrupted)
	r.Outcome, r.FinishedAt = curfew.RunInterrupted, got.FinishedAt
	f.same("the finished run", got, r)
	f.same("what is stored", f.runs(9)[0], r)
}

func missesRun(f *fixture) {
	r := f.begin(aRun(""))
	f.must(f.Store.RenewRun(f.Context(), r.ID, time.Minute))
	f.same("while it goes on", f.runs(9)[0], r)
	f.must(f.Store.RenewRun(f.Context(), r.ID, -time.Second))
	got := f.runs(9)[0]
	f.same("once it is silent", []any{got.Outcome, got.Error}, []any{curfew.RunInterrupted, curfew.RunDied})
	one, err := f.Store.Run(f.Context(), r.ID)
	f.must(err)
	f.same("read by its id", one, got)
	f.same("the newest finished run", f.heartbeats().LastRun, (*curfew.Run)(nil))
	got = f.finish(r, curfew.RunSucceeded) // it was only slow
	f.same("once it has finished", []any{got.Outcome, got.Error}, []any{curfew.RunSucceeded, ""})
}

func runPages(f *fixture) {
	f.same("runs in an empty store", f.runs(9), []curfew.Run(nil))
	var want []curfew.Run
	for i := range 5 {
		r := f.begin(aRun(fmt.Sprint("run ", i)))
		if i%2 == 0 {
			r = f.finish(r, curfew.RunSucceeded)
		}
		want = append(want, r)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 5, 100} {
		f.same(fmt.Sprintf("runs in pages of %d", limit), f.runs(limit), want)
	}
}

func runTies(f *fixture) {
	var want []string
	for range 5 {
		want = append(want, f.begin(aRun("")).ID)
	}
	f.exec("UPDATE {runs} SET started_at = " + f.past(time.Minute))
	slices.Sort(want)
	slices.Reverse(want)
	var got []string
	for _, r := range f.runs(2) {
		got = append(got, r.ID)
	}
	f.same("runs of one moment", got, want)
}

func (f *operationFixture) save(p curfew.Preview) curfew.Preview {
	f.Helper()
	got, err := f.Store.SavePreview(f.Context(), p)
	f.must(err)
	return got
}

func savesPreview(f *fixture) {
	p := curfew.Preview{
		ID: newID(), Actor: curfew.Actor{Role: curfew.Admin, ID: awkward}, MaxAge: 90 * time.Second, Truncated: true,
		Items: []curfew.PlannedChange{
			{SessionID: newID(), RequestID: newID(), CustomerID: awkward, Rule: curfew.OldWaiting, Age: 1234567 * time.Microsecond, Version: 1 << 60, Reason: curfew.Cleared, Owed: curfew.Credited},
			{SessionID: newID(), CustomerID: "bob", Rule: curfew.Orphans, Version: 2},
		},
	}
	saved := f.save(p)
	f.same("the saved preview", saved, p, cmpopts.IgnoreFields(curfew.Preview{}, "CreatedAt"))
	f.around("its creation", saved.CreatedAt, time.Now())
	got, err := f.Store.Preview(f.Context(), p.ID)
	f.must(err)
	f.same("the preview", got, saved)
}

func savesEmptyPreview(f *fixture) {
	saved := f.save(curfew.Preview{ID: newID(), Actor: shop})
	got, err := f.Store.Preview(f.Context(), saved.ID)
	f.must(err)
	f.same("the preview", got, saved)
}

func forgetsPreview(f *fixture) {
	saved := f.save(curfew.Preview{ID: newID(), Actor: shop})
	f.exec("UPDATE {previews} SET created_at = "+f.past(23*time.Hour)+" WHERE id = $1", saved.ID)
	_, err := f.Store.Preview(f.Context(), saved.ID)
	f.must(err)
	f.exec("UPDATE {previews} SET created_at = "+f.past(25*time.Hour)+" WHERE id = $1", saved.ID)
	_, err = f.Store.Preview(f.Context(), saved.ID)
	f.kind(err, curfew.NotFound)
}

func previewNotFound(f *fixture) {
	for _, id := range []string{"", "x", newID(), "' OR ''='"} {
		_, err := f.Store.Preview(f.Context(), id)
		f.kind(err, curfew.NotFound)
	}
}

func readsRun(f *fixture) {
	r := f.finish(f.begin(aRun("by hand")), curfew.RunSucceeded)
	got, err := f.Store.Run(f.Context(), r.ID)
	f.must(err)
	f.same("the run", got, r)
	for _, id := range []string{"", "x", newID()} {
		_, err := f.Store.Run(f.Context(), id)
		f.kind(err, curfew.NotFound)
	}
}

func knowsUndo(f *fixture) {
	undone := f.finish(f.begin(aRun("cleanup")), curfew.RunSucceeded)
	undo := aRun("undo")
	undo.Undoes = undone.ID
	failed := f.finish(f.begin(undo), curfew.RunFailed)
	undo.ID = newID()
	first := f.begin(undo)
	first.Stats.Revived = 3
	first = f.finish(first, curfew.RunSucceeded)
	undo.ID = newID()
	second := f.begin(undo)
	undone.UndoneBy = first.ID
	f.same("the runs", f.runs(9), []curfew.Run{second, first, failed, undone})
	f.same("the newest cleanup", f.heartbeats().LastRun, &undone)
}

func runEventPages(f *fixture) {
	var late []curfew.Snapshot
	for i := range 5 {
		late = append(late, f.aged(f.admit(fmt.Sprint("customer-", i)), time.Hour))
	}
	b := batch(curfew.Credited, late...)
	_, err := f.Store.End(f.Context(), b)
	f.must(err)
	var got []curfew.Event
	for after := ""; ; after = got[len(got)-1].ID {
		page, err := f.Store.RunEvents(f.Context(), b.RunID, after, 3)
		f.must(err)
		got = append(got, page...)
		if len(page) < 3 {
			break
		}
	}
	var want []curfew.Event
	for _, st := range late {
		for _, subject := range []string{st.ID, st.CheckoutID} {
			events, err := f.Store.Events(f.Context(), st.CustomerID, subject)
			f.must(err)
			want = append(want, events[len(events)-1])
		}
	}
	slices.SortFunc(want, func(a, b curfew.Event) int { return strings.Compare(a.ID, b.ID) })
	f.same("the run's events", got, want)
	for _, id := range []string{"", "x", newID()} {
		none, err := f.Store.RunEvents(f.Context(), id, "", 9)
		f.must(err)
		f.same("events of no run", none, []curfew.Event(nil))
	}
}

func countsBatch(f *fixture) {
	run := f.begin(aRun(""))
	st := f.snapshots()[curfew.OldWaiting]
	b := batch(curfew.Credited, st)
	b.RunID = run.ID
	b.Stats.Count(curfew.NoShows, false) // of an earlier batch
	want := b.StatsAfter(f.end(b))
	f.same("what is counted", want, curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, NoShows: 1, TotalCleaned: 3})
	f.same("while the run goes on", f.runs(9)[0].Stats, want)
	b.Ends[0].Version++
	f.same("ended", len(f.end(b)), 0)
	f.same("after a batch that ended nothing", f.runs(9)[0].Stats, want)
}

func countsRevival(f *fixture) {
	run := f.begin(aRun(""))
	a := reviving(f.endedOwing("ada", curfew.Credited))
	a.RunID, a.Stats.Revived = run.ID, 7
	_, err := f.Store.Admit(f.Context(), a)
	f.must(err)
	f.same("while the run goes on", f.runs(9)[0].Stats.Revived, 7)
}
