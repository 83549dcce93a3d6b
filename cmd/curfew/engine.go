package main

import (
	"context"
	"log/slog"

	"github.com/curfewhq/curfew/lifecycle"
)

// engine is the session keeper with the policy of the settings.
func (s *settings) engine(store lifecycle.Store, o lifecycle.Options) (*lifecycle.Keeper, error) {
	policy, err := s.policy()
	if err != nil {
		return nil, err
	}
	if _, o.Provider, err = s.payments(); err != nil {
		return nil, err
	}
	o.Policy, o.SweeperOff = &policy, !s.Sweeper.On()
	return lifecycle.New(store, o)
}

// withEngine opens database and engine for one command and closes them after.
// The engine logs warnings and errors only: a command's answer is its output.
func (s *settings) withEngine(ctx context.Context, term terminal, do func(database, *lifecycle.Keeper) error) error {
	return s.withDatabase(ctx, func(db database) error {
		engine, err := s.engine(db, lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn)})
		if err != nil {
			return err
		}
		return do(db, engine)
	})
}
