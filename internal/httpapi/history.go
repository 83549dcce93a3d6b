package httpapi

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/metrics"
)

type historyInput struct {
	Since int64 `query:"since" doc:"Only what happened after this Unix time, in seconds"`
}

// historyHandlers handle the history of health in this process.
type historyHandlers struct {
	history *metrics.History
}

func (h historyHandlers) read(_ context.Context, _ auth.Request, in *historyInput) (*response[api.History], error) {
	return okay(historyJSON(h.history.Since(time.Unix(in.Since, 0).Add(time.Second-1))), nil)
}

func historyJSON(samples []metrics.Sample) api.History {
	n := len(samples)
	h := api.History{
		EverySeconds: int(metrics.SampleEvery / time.Second), At: make([]int64, n),
		Waiting: make([]*int, n), Live: make([]*int, n), Scheduled: make([]*int, n), Stale: make([]*int, n), LagSeconds: make([]*float64, n),
	}
	for i, t := range samples {
		h.At[i], h.Waiting[i], h.Live[i], h.Scheduled[i], h.Stale[i], h.LagSeconds[i] =
			t.At.Unix(), t.Waiting, t.Live, t.Scheduled, t.Stale, t.Lag
	}
	return h
}
