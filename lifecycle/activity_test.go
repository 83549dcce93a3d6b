package lifecycle

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

func TestThePastIsReckonedBackFromNow(t *testing.T) {
	t.Parallel()
	move := func(step int64, from, to curfew.SessionStatus, n int) record.StatusChange {
		return record.StatusChange{Step: step, From: from, To: to, Count: n}
	}
	now := map[curfew.SessionStatus]int{curfew.Waiting: 2, curfew.Live: 1}
	for sentence, test := range map[string]struct {
		moves []record.StatusChange
		want  [][3]int // scheduled, waiting and live at each step, the oldest first
	}{
		"nothing happened":                       {nil, [][3]int{{0, 2, 1}, {0, 2, 1}, {0, 2, 1}, {0, 2, 1}}},
		"one came in the last step":              {[]record.StatusChange{move(10, "", curfew.Waiting, 1)}, [][3]int{{0, 1, 1}, {0, 1, 1}, {0, 1, 1}, {0, 1, 1}}},
		"one went live, one ended before":        {[]record.StatusChange{move(9, curfew.Waiting, curfew.Live, 1), move(8, curfew.Live, curfew.Completed, 1)}, [][3]int{{0, 3, 1}, {0, 3, 1}, {0, 3, 0}, {0, 2, 1}}},
		"it begins with the first one":           {[]record.StatusChange{move(9, "", curfew.Waiting, 2), move(8, "", curfew.Live, 1)}, [][3]int{{0, 0, 1}, {0, 2, 1}}},
		"what left no event is not beneath zero": {[]record.StatusChange{move(9, "", curfew.Waiting, 5)}, [][3]int{{0, 0, 1}, {0, 0, 1}, {0, 0, 1}, {0, 2, 1}}},
		"what is older than the window is left":  {[]record.StatusChange{move(6, "", curfew.Waiting, 2)}, [][3]int{{0, 2, 1}, {0, 2, 1}, {0, 2, 1}, {0, 2, 1}}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			var got [][3]int
			all := countBackwards(record.ActivitySeries{Step: 10, Now: now, Changes: test.moves}, 4, time.Minute)
			for _, c := range all {
				got = append(got, [3]int{c.ByStatus[curfew.Scheduled], c.ByStatus[curfew.Waiting], c.ByStatus[curfew.Live]})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if last := all[len(all)-1].At; !last.Equal(time.Unix(600, 0)) {
				t.Errorf("the last step begins at %s", last)
			}
		})
	}
}
