package console

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/forecast"
)

var (
	before    = noun{"customer is before", "customers are before"}
	mechanics = noun{"mechanic seems", "mechanics seem"}
	minutes   = things("minute")
)

// outlook says in sentences what a customer with these sessions can expect of the queue. It is empty for a customer who has
// a mechanic, and without forecasts.
func (s *Site) outlook(ctx context.Context, sessions []curfew.Snapshot, own bool) ([]string, error) {
	if open := openOf(sessions); s.forecasts == nil || open != nil && (open.Status == curfew.Live || open.Assigned()) {
		return nil, nil
	}
	f, waiting, err := s.forecasts.Of(ctx, sessions)
	if err != nil {
		return nil, err
	}
	return []string{ahead(f, waiting, own), atWork(f), waits(f, waiting)}, nil
}

func ahead(f forecast.Forecast, waiting, own bool) string {
	who, is := "you", "You are"
	if !own {
		who, is = "them", "They are"
	}
	switch {
	case !waiting && f.Ahead == 0:
		return "Nobody is waiting for a mechanic now."
	case f.Ahead >= forecast.MostAhead:
		return grouped(f.Ahead) + " customers or more are waiting for a mechanic."
	case !waiting:
		return noun{"customer is", "customers are"}.of(f.Ahead) + " waiting for a mechanic now."
	case f.Ahead == 0:
		return is + " next."
	}
	return before.of(f.Ahead) + " " + who + "."
}

func atWork(f forecast.Forecast) string {
	switch {
	case f.Mechanics == 0:
		return "No mechanic has had a session in the last minutes."
	case f.Busy == 0:
		return mechanics.of(f.Mechanics) + " to be at work, and free."
	case f.Busy == f.Mechanics:
		return mechanics.of(f.Mechanics) + " to be at work, all with a session."
	}
	return mechanics.of(f.Mechanics) + " to be at work, " + grouped(f.Busy) + " with a session."
}

func waits(f forecast.Forecast, waiting bool) string {
	switch {
	case !f.Known():
		return "How long it takes cannot be said: too few customers have waited in the last hours."
	case waiting:
		return "From now on, half of those in this place wait at most " + roundly(f.Half) + ", and nine of ten at most " + roundly(f.Most) + "."
	}
	return "Half of those who come now wait at most " + roundly(f.Half) + ", and nine of ten at most " + roundly(f.Most) + "."
}

// roundly writes a time in round numbers, never rounded down.
func roundly(d time.Duration) string {
	switch {
	case d <= 30*time.Second:
		return "half a minute"
	case d > time.Hour:
		return things("hour").of(int((d + time.Hour - 1) / time.Hour))
	}
	return minutes.of(int((d + time.Minute - 1) / time.Minute))
}

// Instead is what a customer who has waited for a while is offered.
type Instead struct {
	After       time.Duration // 0: nothing is offered
	CallbackURL string        // where they can ask to be called, with {id} for the session's id; empty: nowhere
}

// of returns what is offered to the customer of a waiting session now, and where they can ask to be called.
func (i Instead) of(s curfew.Snapshot) (sentence, callback string) {
	waited := s.Now.Sub(s.WaitsSince())
	if i.After <= 0 || waited < i.After || s.Status != curfew.Waiting || s.Assigned() {
		return "", ""
	}
	sentence = "You have waited for " + minutes.of(int(waited/time.Minute)) + ": keep waiting, or cancel."
	return sentence, strings.ReplaceAll(i.CallbackURL, "{id}", url.PathEscape(s.ID))
}

// joinAddress returns where a session takes place; empty: only the marketplace knows.
func (s *Site) joinAddress(id string) string {
	return strings.ReplaceAll(s.sessionURL, "{id}", url.PathEscape(id))
}
