package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/curfewhq/curfew/internal/privacy"
)

// retentionCommand erases what has been kept long enough.
type retentionCommand struct {
	DryRun bool `help:"Only count what would be erased."`
	JSON   bool `help:"Print JSON."`
}

// retained is what the command prints as JSON.
type retained struct {
	Texts     int  `json:"texts"`
	Customers int  `json:"customers"`
	Kept      int  `json:"kept"`
	DryRun    bool `json:"dryRun"`
}

// Run erases what the settings require, or counts it.
func (c *retentionCommand) Run(ctx context.Context, s *settings, term terminal) error {
	if s.Retention.Texts == 0 && s.Retention.Customers == 0 {
		return usagef("nothing is erased by age: set retention.texts or retention.customers")
	}
	return s.withDatabase(ctx, func(db database) error {
		r := s.retention(db, s.logger(term.err, slog.LevelWarn))
		sweep, done := r.Sweep, "Erased"
		if c.DryRun {
			sweep, done = r.Count, "Would erase"
		}
		swept, err := sweep(ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return term.json(retained{swept.Texts, swept.Customers, swept.Kept, c.DryRun})
		}
		term.printf("%s: the texts of %s, and %s with the id. Left alone, because something is open or unsettled: %d.\n",
			done, plural(swept.Texts, "customer"), plural(swept.Customers, "customer"), swept.Kept)
		return nil
	})
}

// retention returns the service that erases what has been kept long enough.
func (s *settings) retention(db database, log *slog.Logger) privacy.Retention {
	return privacy.Retention{
		Service: privacy.Service{Store: db}, Texts: time.Duration(s.Retention.Texts), Customers: time.Duration(s.Retention.Customers), Logger: log,
	}
}
