package httpapi_test

import (
	"fmt"
	"testing"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/forecast"
)

func TestForecasts(t *testing.T) {
	onBothStores(t, func(env *environment) {
		type said struct {
			waiting    bool
			ahead      int
			known      bool
			mechs, has int
		}
		says := func(what, customer string, want said) {
			env.Helper()
			f, err := env.as(curfew.Customer, customer).Forecast(env.Context(), customer)
			must(env.T, err)
			if got := (said{f.Waiting, f.Ahead, f.Half != nil && f.NineOfTen != nil, f.Mechanics, f.Busy}); got != want {
				env.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		if f, _, err := forecast.New(env.Store.(forecast.Store)).Of(env.Context(), nil); err != nil || f.Known() || f.Ahead+f.Mechanics+f.Busy > 0 { //nolint:errcheck,forcetypeassert // both are
			env.Errorf("before anything happened: %+v, %v", f, err)
		}
		for n := range 14 {
			f := env.fulfilled(fmt.Sprintf("c%d", n), fmt.Sprintf("p%d", n))
			mechanic := env.as(curfew.Mechanic, fmt.Sprintf("m%d", n))
			_, err := mechanic.Accept(env.Context(), f.RequestID)
			must(env.T, err)
		}
		last := ""
		for n := range 3 {
			last = fmt.Sprintf("w%d", n)
			env.fulfilled(last, "p"+last)
		}
		says("who came last", last, said{true, 2, true, 14, 14})
		says("who came first", "w0", said{true, 0, true, 14, 14})
		says("who would come now", "nobody", said{false, 3, true, 14, 14})
		says("who has a mechanic", "c1", said{false, 3, true, 14, 14})
	})
}
