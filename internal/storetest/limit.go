package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

var limits = contract{
	"spent allowance is restored as time passes":                forgetsWhatWasSpent,
	"each name has its own allowance":                           spendsByName,
	"a hundred concurrent callers spend no more than one could": spendsAtOnce,
	"tidying deletes names with a full allowance":               tidiesLimits,
}

// spender is the interface of package limit's store, which lifecycle.Store does not include.
type spender interface {
	Spend(ctx context.Context, name string, cost, allowance time.Duration) (wait time.Duration, err error)
}

func (f *operationFixture) spender() spender {
	return f.Store.(spender) //nolint:errcheck,forcetypeassert // both are
}

func (f *operationFixture) spends(name string, cost, allowance time.Duration) (wait time.Duration) {
	f.Helper()
	wait, err := f.spender().Spend(f.Context(), name, cost, allowance)
	f.must(err)
	return wait
}

// spentUntil sets the time at which a name's allowance is full again.
func (f *operationFixture) spentUntil(name, when string) {
	f.Helper()
	f.exec("UPDATE {signals} SET until = "+when+" WHERE name = $1", name)
}

func forgetsWhatWasSpent(f *fixture) {
	if f.Freeze == nil {
		f.Skip("this store's clock cannot be stopped")
	}
	f.Freeze(f.T)
	spend := func() time.Duration { return f.spends("limit:1", time.Hour, 3*time.Hour) }
	for range 2 {
		for range 3 {
			f.same("the wait, within the allowance", spend(), time.Duration(0))
		}
		for range 2 { // what is refused costs nothing
			f.same("the wait, when it is spent", spend(), time.Hour)
		}
		f.spentUntil("limit:1", f.past(0))
	}
	f.spentUntil("limit:1", f.past(-2*time.Hour-time.Microsecond))
	f.same("the wait, a microsecond too early", spend(), time.Microsecond)
	f.spentUntil("limit:1", f.past(-2*time.Hour))
	f.same("the wait, when there is enough for one", spend(), time.Duration(0))
	f.same("the wait, for a second", spend(), time.Hour)
	f.spentUntil("limit:1", f.past(9*time.Hour))
	for range 3 {
		f.same("the wait, after a long time", spend(), time.Duration(0))
	}
	f.same("the wait, after more than the allowance", spend(), time.Hour)
}

func spendsByName(f *fixture) {
	for _, name := range []string{"limit:1", "limit:2", awkward} {
		f.same("the wait of "+name, f.spends(name, time.Hour, time.Hour), time.Duration(0))
		if wait := f.spends(name, time.Hour, time.Hour); wait <= 59*time.Minute || wait > time.Hour {
			f.Errorf("the wait of %s is %s, want an hour", name, wait)
		}
	}
}

func spendsAtOnce(f *fixture) {
	var fine atomic.Int64
	for i, err := range together(100, func(int) error {
		wait, err := f.spender().Spend(f.Context(), "limit:1", time.Hour, 10*time.Hour)
		if err == nil && wait == 0 {
			fine.Add(1)
		}
		return err
	}) {
		if err != nil {
			f.Errorf("number %d: %v", i, err)
		}
	}
	f.same("how many were let in", fmt.Sprint(fine.Load()), "10")
}

func tidiesLimits(f *fixture) {
	f.spends("limit:holds", time.Hour, time.Hour)
	f.spends("limit:over", time.Hour, time.Hour)
	f.spentUntil("limit:over", f.past(time.Minute))
	f.must(f.Store.Tidy(f.Context(), time.Hour))
	f.same("rows", f.rows("SELECT name FROM {signals}"), []string{"limit:holds"})
}
