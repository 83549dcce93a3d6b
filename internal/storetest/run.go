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
	"a run begins as running, with the store's time": beginsRun,
	"a run without an id is given one":               beginsRunWithoutID,
	"a run ends with its outcome, error and figures": finishesRun,
	"runs are newest first, page by page to the end": runPages,
	"runs of one moment are paged by their ids":      runTies,
	"a preview is read as it was saved":              savesPreview,
	"an empty preview is read as it was saved":       savesEmptyPreview,
	"a preview older than a day is not found":        forgetsPreview,
	"what is no preview's id is not found":           previewNotFound,
	"a run is read by its id":                        readsRun,
	"a run knows what it undoes and who undid it":    knowsUndo,
	"a run's events are paged by their ids":          runEventPages,
	"a run that was stopped is read as interrupted":  interruptsRun,
	"a run without a sign of life was interrupted":   missesRun,
	"what a batch ends is counted in its run":        countsBatch,
	"what an undo revives is counted in its run":     countsRevival,
}

func aRun(reason string) curfew.Run {
	return curfew.Run{
		ID: newID(), Trigger: curfew.ByAPI, Actor: curfew.Actor{Role: curfew.Admin, ID: "root"}, Reason: reason,
	}
}

func (s *scene) begin(r curfew.Run) curfew.Run {
	s.Helper()
	got, err := s.Store.BeginRun(s.Context(), r)
	s.must(err)
	return got
}

func (s *scene) finish(r curfew.Run, o curfew.RunOutcome) curfew.Run {
	s.Helper()
	r.Outcome = o
	got, err := s.Store.FinishRun(s.Context(), r)
	s.must(err)
	return got
}

// runs is all runs, read page by page.
func (s *scene) runs(limit int) []curfew.Run {
	s.Helper()
	var all []curfew.Run
	var after curfew.Cursor
	for {
		page, err := s.Store.Runs(s.Context(), after, limit)
		s.must(err)
		if len(page) == 0 {
			return all
		}
		if len(page) > limit || len(all) > 1000 {
			s.Fatalf("a page of %d after %d runs, with a limit of %d", len(page), len(all), limit)
		}
		all = append(all, page...)
		last := page[len(page)-1]
		after = curfew.Cursor{At: last.StartedAt, ID: last.ID}
	}
}

func beginsRun(s *scene) {
	r := aRun("by hand")
	got := s.begin(r)
	r.Outcome, r.StartedAt = curfew.RunRunning, got.StartedAt
	s.same("the begun run", got, r)
	s.around("its start", got.StartedAt, time.Now())
	s.same("what is stored", s.runs(9), []curfew.Run{r})
}

func beginsRunWithoutID(s *scene) {
	r := aRun("")
	r.ID = ""
	got := s.begin(r)
	s.same("the length of its id", len(got.ID), 36)
	s.same("what is stored", s.runs(9), []curfew.Run{got})
}

func finishesRun(s *scene) {
	for _, o := range []curfew.RunOutcome{curfew.RunSucceeded, curfew.RunFailed} {
		r := s.begin(aRun(awkward))
		r.Stats.Count(curfew.OldWaiting, true)
		r.Stats.Count(curfew.NoShows, false)
		if o == curfew.RunFailed {
			r.Error = awkward
		}
		got := s.finish(r, o)
		r.Outcome, r.FinishedAt = o, got.FinishedAt
		s.same("the finished run", got, r)
		if got.FinishedAt.Before(got.StartedAt) {
			s.Errorf("started %s, finished %s", got.StartedAt, got.FinishedAt)
		}
		s.same("what is stored", s.runs(9)[0], r)
	}
}

func interruptsRun(s *scene) {
	r := s.begin(aRun(""))
	r.Error = "it was stopped"
	got := s.finish(r, curfew.RunInterrupted)
	r.Outcome, r.FinishedAt = curfew.RunInterrupted, got.FinishedAt
	s.same("the finished run", got, r)
	s.same("what is stored", s.runs(9)[0], r)
}

func missesRun(s *scene) {
	r := s.begin(aRun(""))
	s.must(s.Store.BeatRun(s.Context(), r.ID, time.Minute))
	s.same("while it goes on", s.runs(9)[0], r)
	s.must(s.Store.BeatRun(s.Context(), r.ID, -time.Second))
	got := s.runs(9)[0]
	s.same("once it is silent", []any{got.Outcome, got.Error}, []any{curfew.RunInterrupted, curfew.RunDied})
	one, err := s.Store.Run(s.Context(), r.ID)
	s.must(err)
	s.same("read by its id", one, got)
	s.same("the newest finished run", s.pulse().LastRun, (*curfew.Run)(nil))
	got = s.finish(r, curfew.RunSucceeded) // it was only slow
	s.same("once it has finished", []any{got.Outcome, got.Error}, []any{curfew.RunSucceeded, ""})
}

func runPages(s *scene) {
	s.same("runs in an empty store", s.runs(9), []curfew.Run(nil))
	var want []curfew.Run
	for i := range 5 {
		r := s.begin(aRun(fmt.Sprint("run ", i)))
		if i%2 == 0 {
			r = s.finish(r, curfew.RunSucceeded)
		}
		want = append(want, r)
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 5, 100} {
		s.same(fmt.Sprintf("runs in pages of %d", limit), s.runs(limit), want)
	}
}

func runTies(s *scene) {
	var want []string
	for range 5 {
		want = append(want, s.begin(aRun("")).ID)
	}
	s.exec("UPDATE {runs} SET started_at = " + s.past(time.Minute))
	slices.Sort(want)
	slices.Reverse(want)
	var got []string
	for _, r := range s.runs(2) {
		got = append(got, r.ID)
	}
	s.same("runs of one moment", got, want)
}

func (s *scene) save(p curfew.Preview) curfew.Preview {
	s.Helper()
	got, err := s.Store.SavePreview(s.Context(), p)
	s.must(err)
	return got
}

func savesPreview(s *scene) {
	p := curfew.Preview{
		ID: newID(), Actor: curfew.Actor{Role: curfew.Admin, ID: awkward}, MaxAge: 90 * time.Second, Truncated: true,
		Items: []curfew.Item{
			{SessionID: newID(), RequestID: newID(), CustomerID: awkward, Rule: curfew.OldWaiting, Age: 1234567 * time.Microsecond, Version: 1 << 60, Reason: curfew.Cleared, Owed: curfew.Credited},
			{SessionID: newID(), CustomerID: "bob", Rule: curfew.Orphans, Version: 2},
		},
	}
	saved := s.save(p)
	s.same("the saved preview", saved, p, cmpopts.IgnoreFields(curfew.Preview{}, "CreatedAt"))
	s.around("its creation", saved.CreatedAt, time.Now())
	got, err := s.Store.Preview(s.Context(), p.ID)
	s.must(err)
	s.same("the preview", got, saved)
}

func savesEmptyPreview(s *scene) {
	saved := s.save(curfew.Preview{ID: newID(), Actor: shop})
	got, err := s.Store.Preview(s.Context(), saved.ID)
	s.must(err)
	s.same("the preview", got, saved)
}

func forgetsPreview(s *scene) {
	saved := s.save(curfew.Preview{ID: newID(), Actor: shop})
	s.exec("UPDATE {previews} SET created_at = "+s.past(23*time.Hour)+" WHERE id = $1", saved.ID)
	_, err := s.Store.Preview(s.Context(), saved.ID)
	s.must(err)
	s.exec("UPDATE {previews} SET created_at = "+s.past(25*time.Hour)+" WHERE id = $1", saved.ID)
	_, err = s.Store.Preview(s.Context(), saved.ID)
	s.kind(err, curfew.NotFound)
}

func previewNotFound(s *scene) {
	for _, id := range []string{"", "x", newID(), "' OR ''='"} {
		_, err := s.Store.Preview(s.Context(), id)
		s.kind(err, curfew.NotFound)
	}
}

func readsRun(s *scene) {
	r := s.finish(s.begin(aRun("by hand")), curfew.RunSucceeded)
	got, err := s.Store.Run(s.Context(), r.ID)
	s.must(err)
	s.same("the run", got, r)
	for _, id := range []string{"", "x", newID()} {
		_, err := s.Store.Run(s.Context(), id)
		s.kind(err, curfew.NotFound)
	}
}

func knowsUndo(s *scene) {
	undone := s.finish(s.begin(aRun("cleanup")), curfew.RunSucceeded)
	undo := aRun("undo")
	undo.Undoes = undone.ID
	failed := s.finish(s.begin(undo), curfew.RunFailed)
	undo.ID = newID()
	first := s.begin(undo)
	first.Stats.Revived = 3
	first = s.finish(first, curfew.RunSucceeded)
	undo.ID = newID()
	second := s.begin(undo)
	undone.UndoneBy = first.ID
	s.same("the runs", s.runs(9), []curfew.Run{second, first, failed, undone})
	s.same("the newest cleanup", s.pulse().LastRun, &undone)
}

func runEventPages(s *scene) {
	var late []curfew.Standing
	for i := range 5 {
		late = append(late, s.aged(s.admit(fmt.Sprint("customer-", i)), time.Hour))
	}
	b := batch(curfew.Credited, late...)
	_, err := s.Store.End(s.Context(), b)
	s.must(err)
	var got []curfew.Event
	for after := ""; ; after = got[len(got)-1].ID {
		page, err := s.Store.RunEvents(s.Context(), b.RunID, after, 3)
		s.must(err)
		got = append(got, page...)
		if len(page) < 3 {
			break
		}
	}
	var want []curfew.Event
	for _, st := range late {
		for _, subject := range []string{st.ID, st.CheckoutID} {
			events, err := s.Store.Events(s.Context(), st.CustomerID, subject)
			s.must(err)
			want = append(want, events[len(events)-1])
		}
	}
	slices.SortFunc(want, func(a, b curfew.Event) int { return strings.Compare(a.ID, b.ID) })
	s.same("the run's events", got, want)
	for _, id := range []string{"", "x", newID()} {
		none, err := s.Store.RunEvents(s.Context(), id, "", 9)
		s.must(err)
		s.same("events of no run", none, []curfew.Event(nil))
	}
}

func countsBatch(s *scene) {
	run := s.begin(aRun(""))
	st := s.standings()[curfew.OldWaiting]
	b := batch(curfew.Credited, st)
	b.RunID = run.ID
	b.Stats.Count(curfew.NoShows, false) // of a batch before
	want := b.Counted(s.end(b))
	s.same("what is counted", want, curfew.Stats{OldWaitingSessions: 1, ExpiredRequests: 1, NoShows: 1, TotalCleaned: 3})
	s.same("while the run goes on", s.runs(9)[0].Stats, want)
	b.Endings[0].Version++
	s.same("ended", len(s.end(b)), 0)
	s.same("after a batch that ended nothing", s.runs(9)[0].Stats, want)
}

func countsRevival(s *scene) {
	run := s.begin(aRun(""))
	a := reviving(s.endedOwing("ada", curfew.Credited))
	a.RunID, a.Stats.Revived = run.ID, 7
	_, err := s.Store.Admit(s.Context(), a)
	s.must(err)
	s.same("while the run goes on", s.runs(9)[0].Stats.Revived, 7)
}
