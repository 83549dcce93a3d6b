package curfew_test

import (
	"testing"
	"time"

	"github.com/curfewhq/curfew"
)

// The store's clock decides what is overdue, however far off the process's is.
func TestOverdueIsJudgedByTheStoresClock(t *testing.T) {
	t.Parallel()
	for _, off := range []time.Duration{-24 * time.Hour, 0, 24 * time.Hour} {
		now := time.Now().Add(off)
		for _, c := range []struct {
			deadline time.Duration
			want     bool
		}{{-time.Microsecond, true}, {0, false}, {time.Microsecond, false}} {
			st := curfew.Snapshot{Session: curfew.Session{Status: curfew.Waiting, ExpiresAt: now.Add(c.deadline)}, Now: now}
			if got := st.Overdue(); got != c.want {
				t.Errorf("%s off, %s from the deadline: overdue is %t", off, c.deadline, got)
			}
		}
	}
}
