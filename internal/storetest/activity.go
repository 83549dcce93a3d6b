package storetest

import (
	"time"

	"github.com/curfewhq/curfew"
)

func countsActivity(f *fixture) {
	f.admit("ada")
	f.change(endChange(f.admit("bob"), curfew.Cancelled, curfew.ByRequest))
	f.live("cyd", "max")
	f.change(endChange(f.live("dan", "eve"), curfew.Completed, curfew.Finished))
	series, err := f.Store.Activity(f.Context(), time.Hour, time.Minute)
	f.must(err)
	f.same("what stands", series.Now, map[curfew.SessionStatus]int{curfew.Scheduled: 0, curfew.Waiting: 1, curfew.Live: 1})
	moved := map[curfew.Transition]int{}
	for i, m := range series.Changes {
		moved[curfew.Transition{From: m.From, To: m.To}] += m.Count
		if m.Step > series.Step || m.Step < series.Step-2 || i > 0 && m.Step > series.Changes[i-1].Step {
			f.Errorf("move %d is of step %d; now is step %d", i, m.Step, series.Step)
		}
	}
	f.same("the moves", moved, map[curfew.Transition]int{
		{From: "", To: curfew.Waiting}: 4, {From: curfew.Waiting, To: curfew.Cancelled}: 1,
		{From: curfew.Waiting, To: curfew.Live}: 2, {From: curfew.Live, To: curfew.Completed}: 1,
	})
	minute := time.Now().Unix() / 60
	if series.Step < minute-1 || series.Step > minute+1 {
		f.Errorf("now is step %d, not about %d", series.Step, minute)
	}
}
