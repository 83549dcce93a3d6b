package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew"
)

// A database that does not answer is tried again. Each attempt has its own timeout, because a lost packet is never
// answered.
const (
	tryTime  = 5 * time.Second
	tryAgain = 500 * time.Millisecond
	sayAgain = 5 * time.Second
)

// await opens a database, and waits for a server that does not answer yet, because it may be
// starting. It returns any other error at once. It never waits for a file.
func (s *settings) await(ctx context.Context, log *slog.Logger, open func(context.Context) (database, error)) (database, error) {
	if _, file := s.DatabaseURL.File(); file {
		return open(ctx)
	}
	wait := time.Duration(s.DatabaseWait)
	until, said := time.Now().Add(wait), time.Time{}
	for {
		db, err := openOnce(ctx, open)
		left := time.Until(until)
		switch {
		case err == nil || !errors.Is(err, curfew.Unavailable):
			return db, err
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case left <= 0 && wait > 0:
			return nil, fmt.Errorf("the database did not answer for %s (database_wait): %w", wait, err)
		case left <= 0:
			return nil, err
		case time.Since(said) >= sayAgain:
			said = time.Now()
			log.WarnContext(ctx, "the database does not answer yet: trying again for another "+left.Round(time.Second).String(),
				"database", s.DatabaseURL.String(), "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(tryAgain, left)):
		}
	}
}

func openOnce(ctx context.Context, open func(context.Context) (database, error)) (database, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	return open(ctx)
}
