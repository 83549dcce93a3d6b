package storetest

import (
	"context"
	"time"

	"github.com/curfewhq/curfew"
)

var forecasts = contract{
	"everybody ahead in the queue is counted":             countsAhead,
	"a session that waits for nobody is not in the queue": countsWaitingAlone,
	"no more are counted than the limit":                  countsAtMost,
}

// aheadStore is the part of a store that counts the queue.
type aheadStore interface {
	Ahead(ctx context.Context, before curfew.Cursor, most int) (int, error)
}

func aheadOf(f *fixture, before curfew.Cursor, most int) int {
	f.Helper()
	n, err := f.Store.(aheadStore).Ahead(f.Context(), before, most) //nolint:errcheck,forcetypeassert // both are
	f.must(err)
	return n
}

// placesOf returns the positions in the queue of new sessions, in order.
func placesOf(f *fixture, customers ...string) (all []curfew.Cursor) {
	f.Helper()
	for _, c := range customers {
		s := f.read(f.admit(c).ID)
		all = append(all, curfew.Cursor{At: s.QueuedAt(), ID: s.ID})
	}
	return all
}

func countsAhead(f *fixture) {
	for place, c := range placesOf(f, "ada", "bob", "cyd") {
		f.same("ahead", aheadOf(f, c, 10), place)
	}
	f.same("ahead of a newcomer", aheadOf(f, curfew.Cursor{}, 10), 3)
}

func countsWaitingAlone(f *fixture) {
	all := placesOf(f, "ada", "bob", "cyd", "dan")
	f.change(accepting(f.read(all[0].ID), "max"))
	f.Age(f.T, all[1].ID, time.Hour)
	f.same("ahead of the last", aheadOf(f, all[3], 10), 1)
}

func countsAtMost(f *fixture) {
	all := placesOf(f, "ada", "bob", "cyd")
	f.same("ahead of the last", aheadOf(f, all[2], 1), 1)
	f.same("ahead of a newcomer", aheadOf(f, curfew.Cursor{}, 2), 2)
}
