package lifecycle

import (
	"log/slog"

	"github.com/curfewhq/curfew"
)

// reporter tells people and metrics what happened.
type reporter struct {
	log     *slog.Logger
	observe Observer
	trace   curfew.Trace
}

func newReporter(o Options) reporter {
	rp := reporter{o.Logger, o.Observer, o.Trace}
	if rp.log == nil {
		rp.log = slog.New(slog.DiscardHandler)
	}
	if rp.observe == nil {
		rp.observe = nobody{}
	}
	return rp
}
