package main

import (
	"context"
	"log/slog"

	"github.com/curfewhq/curfew/lifecycle"
)

// keeper returns a session keeper with the policy and the payment provider from the settings. The
// argument adopted may be nil.
func (s *settings) keeper(store lifecycle.Store, adopted *adoption, o lifecycle.Options) (*lifecycle.Keeper, error) {
	policy, err := s.policy()
	if err != nil {
		return nil, err
	}
	if _, o.Provider, err = s.payments(); err != nil {
		return nil, err
	}
	o.Policy, o.SweeperOff = &policy, !s.Sweeper.On()
	if adopted != nil {
		o.Adopted = adopted.Service
	}
	return lifecycle.New(store, o)
}

// withKeeper opens the database and a session keeper for one command, and closes them afterwards.
// The keeper logs only warnings and errors, because the command's output is its answer.
func (s *settings) withKeeper(ctx context.Context, term terminal, do func(database, *lifecycle.Keeper) error) error {
	return s.withDatabase(ctx, func(db database) error {
		keeper, err := s.keeper(db, db.adoption(), lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn)})
		if err != nil {
			return err
		}
		return do(db, keeper)
	})
}
