package storetest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/curfewhq/curfew"
)

var streams = contract{
	"the history is read in the order of time, page by page": readsNewsInPages,
	"news says which session it is about":                    newsNamesSessions,
	"a new store has no news":                                hasNoNews,
	"what is committed late is behind a place before it":     findsWhatCameLate,
	"sessions are read by their ids":                         readsStandings,
	"mechanics of all processes are connected":               countsConnected,
	"a process that is silent counts no more":                forgetsSilentProcesses,
}

// newsReader is what live streams need of a store.
type newsReader interface {
	EventsSince(ctx context.Context, after curfew.Cursor, limit int) ([]curfew.News, time.Time, error)
	Standings(ctx context.Context, ids []string) ([]curfew.Standing, error)
}

func (s *scene) newsReader() newsReader {
	s.Helper()
	store, ok := s.Store.(newsReader)
	if !ok {
		s.Fatal("the store has no news")
	}
	return store
}

func (s *scene) news(after curfew.Cursor, limit int) []curfew.News {
	s.Helper()
	news, now, err := s.newsReader().EventsSince(s.Context(), after, limit)
	s.must(err)
	s.around("now", now, time.Now())
	return news
}

func readsNewsInPages(s *scene) {
	s.live("ada", "max")
	s.credited("bob")
	all := s.news(curfew.Cursor{}, 100)
	for limit := 1; limit <= 3; limit++ { // a page may end between events of one moment
		var paged []curfew.News
		for place := (curfew.Cursor{}); ; {
			page := s.news(place, limit)
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			place = curfew.Cursor{At: page[len(page)-1].At, ID: page[len(page)-1].ID}
		}
		s.same(fmt.Sprintf("in pages of %d", limit), paged, all)
	}
	s.same("how many", len(all), 2*2+2+2) // two admissions; accepted and live; ended and credited
	if !slices.IsSortedFunc(all, func(a, b curfew.News) int { return a.At.Compare(b.At) }) {
		s.Errorf("not in the order of time: %+v", all)
	}
	s.same("behind the last", s.news(curfew.Cursor{At: all[len(all)-1].At, ID: all[len(all)-1].ID}, 100), []curfew.News(nil))
}

func newsNamesSessions(s *scene) {
	st := s.admit("ada")
	waits := s.deferred("ada", time.Hour)
	for _, n := range s.news(curfew.Cursor{}, 100) {
		want := map[string]string{st.ID: st.ID, st.CheckoutID: st.ID, waits.ID: ""}[n.Subject]
		s.same("the session of "+n.Subject, n.SessionID, want)
		s.same("whether it is a session's", n.OfSession(), n.Subject == st.ID)
		events, err := s.Store.Events(s.Context(), "ada", n.Subject)
		s.must(err)
		s.same("the event", n.Event, events[0])
	}
}

func hasNoNews(s *scene) {
	s.same("news", s.news(curfew.Cursor{}, 100), []curfew.News(nil))
	s.admit("ada")
	s.same("no limit", s.news(curfew.Cursor{}, 0), []curfew.News(nil))
}

// A transaction that began first and commits last: who remembers only the last
// event would skip it.
func findsWhatCameLate(s *scene) {
	st := s.admit("ada")
	held := s.cancelled(st)
	commit := s.Hold(s.T, held...)
	before := s.news(curfew.Cursor{}, 100)
	commit()
	after := s.news(curfew.Cursor{}, 100)
	s.same("news before and after the commit", [2]int{len(before), len(after)}, [2]int{2, 4})
	s.same("how far back is enough", after[3].At.Add(curfew.ResumeSlack).After(time.Now()), true)
}

// cancelled is a cancellation by hand, for Hold.
func (s *scene) cancelled(st curfew.Standing) []string {
	s.Helper()
	if s.Hold == nil {
		s.Skip("this store's database cannot be held")
	}
	held := cancelSQL(st)
	for i := range held {
		held[i] = tablesOf(s.Schema, held[i])
	}
	return held
}

func readsStandings(s *scene) {
	waiting, live := s.admit("ada"), s.live("bob", "max")
	got, err := s.newsReader().Standings(s.Context(), []string{live.ID, newID(), waiting.ID})
	s.must(err)
	s.same("how many", len(got), 2)
	for _, st := range got {
		s.sameStanding("a session by its id", st, s.read(st.ID))
	}
	none, err := s.newsReader().Standings(s.Context(), nil)
	s.must(err)
	s.same("no ids", none, []curfew.Standing(nil))
}

func countsConnected(s *scene) {
	s.same("nobody", s.pulse().Connected, 0)
	s.must(s.Store.BeatStreams(s.Context(), "one", 3, time.Minute))
	s.must(s.Store.BeatStreams(s.Context(), "other", 2, time.Minute))
	s.same("two processes", s.pulse().Connected, 5)
	s.must(s.Store.BeatStreams(s.Context(), "one", 0, time.Minute))
	s.same("all of one have left", s.pulse().Connected, 2)
}

func forgetsSilentProcesses(s *scene) {
	s.must(s.Store.BeatStreams(s.Context(), "gone", 3, time.Minute))
	s.must(s.Store.BeatStreams(s.Context(), "here", 1, time.Minute))
	s.exec("UPDATE {signals} SET until = " + s.past(time.Minute) + " WHERE name = 'streams:gone'")
	s.same("connected", s.pulse().Connected, 1)
	s.must(s.Store.Tidy(s.Context(), time.Hour))
	s.same("signals", s.rows("SELECT name FROM {signals}"), []string{"streams:here"})
}
