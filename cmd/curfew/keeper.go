package main

import (
	"context"
	"log/slog"

	"github.com/curfewhq/curfew/lifecycle"
)

// keeper returns a session keeper with the policy, the payment provider and the adopted tables of the settings. The
// store is the database, or something around it.
func (s *settings) keeper(db database, store lifecycle.Store, o lifecycle.Options) (*lifecycle.Keeper, error) {
	policy, err := s.policy()
	if err != nil {
		return nil, err
	}
	if _, o.Provider, err = s.payments(); err != nil {
		return nil, err
	}
	o.Policy, o.SweeperOff = &policy, !s.Sweeper.On()
	if a := db.adoption(); a != nil {
		o.Adopted = a.Service
	}
	return lifecycle.New(store, o)
}

// withKeeper opens the database and a session keeper for one command, and closes them afterwards.
// The keeper logs only warnings and errors, because the command's output is its answer.
func (s *settings) withKeeper(ctx context.Context, term terminal, do func(database, *lifecycle.Keeper) error) error {
	return s.withDatabase(ctx, func(db database) error {
		keeper, err := s.keeper(db, db, lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn)})
		if err != nil {
			return err
		}
		return do(db, keeper)
	})
}
