package storetest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

var histories = contract{
	"a customer's sessions are newest first, ended or not":         sessionsOf,
	"a customer's history is newest first, page by page":           historyPages,
	"events of one moment are paged by their ids":                  historyTies,
	"a customer's refusals are newest first, page by page":         refusalPages,
	"a customer's notices are newest first, page by page":          noticePages,
	"a delivery is settled although its payment changed customers": settlesAfterReassignment,
	"customers are found by the address they paid with":            customersByEmail,
	"an unknown customer has no history":                           hasNoHistory,
}

func sessionsOf(f *fixture) {
	f.admit("bob")
	first := f.change(endChange(f.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	second := f.change(endChange(f.live("ada", "max"), curfew.Completed, curfew.Finished))
	third := f.accepted("ada", "max")
	for limit, want := range map[int][]curfew.Snapshot{9: {third, second, first}, 2: {third, second}} {
		got, err := f.Store.SessionsOf(f.Context(), "ada", limit)
		f.must(err)
		f.same("their ids", ids(got), ids(want))
		for i := range got {
			f.sameSnapshot("each as it is", got[i], f.read(want[i].ID))
		}
	}
}

// listAll returns all entries of a list, read page by page.
func listAll[T any](f *base, limit int, place func(T) curfew.Cursor, read func(curfew.Cursor, int) ([]T, error)) []T {
	f.Helper()
	var all []T
	for before := (curfew.Cursor{}); ; before = place(all[len(all)-1]) {
		page, err := read(before, limit)
		f.must(err)
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
		if len(all) > 1000 {
			f.Fatalf("%d entries, and no end", len(all))
		}
	}
}

func (f *operationFixture) listHistory(customer string, limit int) []curfew.Event {
	f.Helper()
	return listAll(f.base, limit, func(e curfew.Event) curfew.Cursor { return curfew.Cursor{At: e.At, ID: e.ID} },
		func(before curfew.Cursor, limit int) ([]curfew.Event, error) {
			return f.Store.History(f.Context(), customer, before, limit)
		})
}

// everyEvent returns the events of subjects, newest first.
func (f *operationFixture) everyEvent(customer string, subjects ...string) []curfew.Event {
	f.Helper()
	var all []curfew.Event
	for _, subject := range subjects {
		events, err := f.Store.Events(f.Context(), customer, subject)
		f.must(err)
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

func historyPages(f *fixture) {
	f.live("bob", "eve")
	first := f.change(endChange(f.admit("ada"), curfew.Cancelled, curfew.ByRequest))
	second := f.live("ada", "max")
	want := f.everyEvent("ada", first.ID, first.CheckoutID, second.ID, second.CheckoutID)
	f.same("how many", len(want), 8)
	for _, limit := range []int{1, 3, 8, 100} {
		f.same(fmt.Sprintf("the history in pages of %d", limit), f.listHistory("ada", limit), want)
	}
}

func historyTies(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	st := f.accepted("ada", "max")
	f.same("the history", f.listHistory("ada", 1), f.everyEvent("ada", st.ID, st.CheckoutID))
}

func refusalPages(f *fixture) {
	st := f.admit("ada")
	f.must(f.Store.Refuse(f.Context(), "bob", st.ID))
	for range 5 {
		f.must(f.Store.Refuse(f.Context(), "ada", st.ID))
	}
	for _, limit := range []int{1, 2, 5, 100} {
		all := listAll(f.base, limit, func(r record.Refusal) curfew.Cursor { return curfew.Cursor{At: r.At, ID: r.ID} },
			func(before curfew.Cursor, limit int) ([]record.Refusal, error) {
				return f.Store.Refusals(f.Context(), "ada", before, limit)
			})
		f.same("how many", len(all), 5)
		for i, r := range all {
			f.same("each", []any{r.CustomerID, r.SessionID, len(r.ID)}, []any{"ada", st.ID, 36})
			if i > 0 && r.At.After(all[i-1].At) {
				f.Errorf("refusal %d is newer than the one before", i)
			}
		}
		f.around("the newest", all[0].At, time.Now())
	}
}

func customersByEmail(f *fixture) {
	for _, customer := range []string{"cyd", "ada", "ada", "bob"} {
		a := admission(customer)
		a.Checkout.Email = "home@example.org"
		st, err := f.Store.Admit(f.Context(), a)
		f.must(err)
		f.change(endChange(st, curfew.Cancelled, curfew.ByRequest))
	}
	none := admission("dan")
	none.Checkout.Email = ""
	_, err := f.Store.Admit(f.Context(), none)
	f.must(err)
	for email, want := range map[string][]string{
		"home@example.org": {"ada", "bob", "cyd"}, "HOME@example.org": {"ada", "bob", "cyd"}, "home@example.org ": nil, "home@example.or_": nil, "%": nil, "": nil,
	} {
		got, err := f.Store.CustomersByEmail(f.Context(), email, 9)
		f.must(err)
		f.same(email, got, want)
	}
	few, err := f.Store.CustomersByEmail(f.Context(), "home@example.org", 2)
	f.must(err)
	f.same("the first two", few, []string{"ada", "bob"})
}

func hasNoHistory(f *fixture) {
	f.admit("ada")
	sessions, err := f.Store.SessionsOf(f.Context(), "bob", 9)
	f.must(err)
	refusals, err := f.Store.Refusals(f.Context(), "bob", curfew.Cursor{}, 9)
	f.must(err)
	f.same("what is known of bob", []int{len(sessions), len(f.listHistory("bob", 9)), len(refusals)}, []int{0, 0, 0})
}
