package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
)

var stories = contract{
	"a customer's sessions are newest first, ended or not":     sessionsOf,
	"a customer's history is newest first, page by page":       historyPages,
	"events of one moment are paged by their ids":              historyTies,
	"a customer's refusals are newest first, page by page":     refusalPages,
	"what was told of a customer is newest first, by pages":    noticePages,
	"who paid with an address is found by it":                  customersByEmail,
	"of a customer whom nobody knows there is nothing to tell": tellsNothing,
}

func sessionsOf(s *scene) {
	s.admit("bob")
	first := s.change(ending(s.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	second := s.change(ending(s.live("ada", "max"), curfew.Completed, curfew.Finished))
	third := s.accepted("ada", "max")
	for limit, want := range map[int][]curfew.Standing{9: {third, second, first}, 2: {third, second}} {
		got, err := s.Store.SessionsOf(s.Context(), "ada", limit)
		s.must(err)
		s.same("their ids", ids(got), ids(want))
		for i := range got {
			s.sameStanding("each as it is", got[i], s.read(want[i].ID))
		}
	}
}

// toldAll is everything that a list has, read page by page.
func toldAll[T any](s *scene, limit int, place func(T) curfew.Cursor, read func(curfew.Cursor, int) ([]T, error)) []T {
	s.Helper()
	var all []T
	for before := (curfew.Cursor{}); ; before = place(all[len(all)-1]) {
		page, err := read(before, limit)
		s.must(err)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		if len(all) > 1000 {
			s.Fatalf("%d entries, and no end", len(all))
		}
	}
}

func (s *scene) toldHistory(customer string, limit int) []curfew.Event {
	s.Helper()
	return toldAll(s, limit, func(e curfew.Event) curfew.Cursor { return curfew.Cursor{At: e.At, ID: e.ID} },
		func(before curfew.Cursor, limit int) ([]curfew.Event, error) {
			return s.Store.History(s.Context(), customer, before, limit)
		})
}

// everyEvent is the events of subjects, newest first.
func (s *scene) everyEvent(customer string, subjects ...string) []curfew.Event {
	s.Helper()
	var all []curfew.Event
	for _, subject := range subjects {
		events, err := s.Store.Events(s.Context(), customer, subject)
		s.must(err)
		all = append(all, events...)
	}
	slices.SortFunc(all, func(a, b curfew.Event) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return all
}

func historyPages(s *scene) {
	s.live("bob", "eve")
	first := s.change(ending(s.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	second := s.live("ada", "max")
	want := s.everyEvent("ada", first.ID, first.CheckoutID, second.ID, second.CheckoutID)
	s.same("how many", len(want), 8)
	for _, limit := range []int{1, 3, 8, 100} {
		s.same(fmt.Sprintf("the history in pages of %d", limit), s.toldHistory("ada", limit), want)
	}
}

func historyTies(s *scene) {
	if s.Freeze == nil {
		s.Skip("this store's clock cannot be stopped")
	}
	s.Freeze(s.T)
	st := s.accepted("ada", "max")
	s.same("the history", s.toldHistory("ada", 1), s.everyEvent("ada", st.ID, st.CheckoutID))
}

func refusalPages(s *scene) {
	st := s.admit("ada")
	s.must(s.Store.Refuse(s.Context(), "bob", st.ID))
	for range 5 {
		s.must(s.Store.Refuse(s.Context(), "ada", st.ID))
	}
	for _, limit := range []int{1, 2, 5, 100} {
		all := toldAll(s, limit, func(r curfew.Refused) curfew.Cursor { return curfew.Cursor{At: r.At, ID: r.ID} },
			func(before curfew.Cursor, limit int) ([]curfew.Refused, error) {
				return s.Store.Refusals(s.Context(), "ada", before, limit)
			})
		s.same("how many", len(all), 5)
		for i, r := range all {
			s.same("each", []any{r.CustomerID, r.SessionID, len(r.ID)}, []any{"ada", st.ID, 36})
			if i > 0 && r.At.After(all[i-1].At) {
				s.Errorf("refusal %d is newer than the one before", i)
			}
		}
		s.around("the newest", all[0].At, time.Now())
	}
}

func customersByEmail(s *scene) {
	for _, customer := range []string{"cyd", "ada", "ada", "bob"} {
		a := admission(customer)
		a.Checkout.Email = "home@example.org"
		st, err := s.Store.Admit(s.Context(), a)
		s.must(err)
		s.change(ending(st, curfew.Cancelled, curfew.ByRequest))
	}
	none := admission("dan")
	none.Checkout.Email = ""
	_, err := s.Store.Admit(s.Context(), none)
	s.must(err)
	for email, want := range map[string][]string{
		"home@example.org": {"ada", "bob", "cyd"}, "HOME@example.org": {"ada", "bob", "cyd"}, "home@example.org ": nil, "home@example.or_": nil, "%": nil, "": nil,
	} {
		got, err := s.Store.CustomersByEmail(s.Context(), email, 9)
		s.must(err)
		s.same(email, got, want)
	}
	few, err := s.Store.CustomersByEmail(s.Context(), "home@example.org", 2)
	s.must(err)
	s.same("the first two", few, []string{"ada", "bob"})
}

func tellsNothing(s *scene) {
	s.admit("ada")
	sessions, err := s.Store.SessionsOf(s.Context(), "bob", 9)
	s.must(err)
	refusals, err := s.Store.Refusals(s.Context(), "bob", curfew.Cursor{}, 9)
	s.must(err)
	s.same("what is known of bob", []int{len(sessions), len(s.toldHistory("bob", 9)), len(refusals)}, []int{0, 0, 0})
}
