package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/postgres"
)

// adoptCommand is about sessions in tables that the marketplace already has.
type adoptCommand struct {
	Inspect adoptInspectCommand `cmd:"" help:"Look at a table of sessions, change nothing, and print its mapping for the setting adopt."`
	Plan    adoptPlanCommand    `cmd:"" help:"Work out what enforcing a mapped table would do: on its own history, and now. Changes nothing. Exit 1: an ending is refused."`
	Shadow  adoptShadowCommand  `cmd:"" help:"Begin to read a mapped table: health and the pages then show its sessions, and who is blocked. Changes nothing in it."`
	Enforce adoptEnforceCommand `cmd:"" help:"End what is overdue in a mapped table, by some rules or all of its mapping. Puts triggers on it."`
	Status  adoptStatusCommand  `cmd:"" help:"Show how the adopted tables stand: who is blocked, what would have been ended, what is wrong. Exit 1: something is wrong."`
	Verify  adoptVerifyCommand  `cmd:"" help:"Compare every row of an enforced table with what Curfew knows of it. Exit 0: no differences, 1: differences."`
	Off     adoptOffCommand     `cmd:"" help:"Leave a table alone at once, and remove the triggers. What is known of it stays."`
	Release adoptReleaseCommand `cmd:"" help:"Leave a table alone, and forget it."`
}

const onlyPostgres = "only tables in PostgreSQL can be adopted: name the database with --database-url postgres://… or CURFEW_DATABASE_URL " +
	"(curfew restore moves what is in a SQLite file there), or leave adopt out of the settings"

// theirDatabase returns the database with the adopted tables: their own if one is set, else
// Curfew's.
func (s *settings) theirDatabase() (url string, err error) {
	at := s.DatabaseURL
	if s.AdoptDatabaseURL != nil {
		at = *s.AdoptDatabaseURL
	}
	if _, ok := at.File(); ok {
		return "", usagef("%s", onlyPostgres)
	}
	return at.Single(), nil
}

// adoption looks after the adopted tables of a database with its own pool, so that reading a large
// table never delays an admission.
type adoption struct{ *adopt.Service }

func (a *adoption) close() {
	if a != nil {
		a.Pool.Close()
	}
}

// adoptionConns limits the connections of that pool.
const adoptionConns = 4

// adoption returns the service for the tables that the settings map, or nil if they map none. It
// does not connect to anything.
func (s *settings) adoption(ctx context.Context) (*adoption, error) {
	if s.Adopt == nil {
		return nil, nil //nolint:nilnil // nothing is mapped, and nothing is wrong
	}
	return s.newAdoption(ctx)
}

func (s *settings) newAdoption(ctx context.Context) (*adoption, error) {
	policy, err := s.policy()
	if err != nil {
		return nil, err
	}
	o := adopt.Options{Tables: s.Adopted(), Policy: policy}
	if s.AdoptDatabaseURL != nil {
		if _, ok := s.AdoptDatabaseURL.File(); ok {
			return nil, usagef("adopt_database_url must be postgres://…: only tables in PostgreSQL can be adopted")
		}
		o.TheirURL = s.AdoptDatabaseURL.Single()
	}
	config, err := pgxpool.ParseConfig(s.DatabaseURL.Driver(s.DatabasePool, s.DatabaseTimeouts))
	if err != nil {
		return nil, curfew.Errorf(curfew.Invalid, "the database URL: %s", err) // the driver leaves out the password
	}
	config.MaxConns = adoptionConns
	postgres.Configure(config)
	if o.Pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	return &adoption{adopt.New(o)}, nil
}

// withAdoption opens the database for one command about adopted tables. Some commands also work on
// tables that the settings no longer map.
func (s *settings) withAdoption(ctx context.Context, do func(*adopt.Service) error) error {
	if _, ok := s.DatabaseURL.File(); ok {
		return usagef("%s", onlyPostgres)
	}
	return s.withDatabase(ctx, func(db database) error {
		if a := db.adoption(); a != nil {
			return asUnknown(do(a.Service))
		}
		a, err := s.newAdoption(ctx)
		if err != nil {
			return err
		}
		defer a.close()
		return asUnknown(do(a.Service))
	})
}

// asUnknown turns an unknown name into a usage error.
func asUnknown(err error) error {
	if errors.Is(err, curfew.NotFound) {
		return usageError{err}
	}
	return asUsage(err)
}

// adoptionNamed returns the state of one table.
func adoptionNamed(ctx context.Context, svc *adopt.Service, name string) (record.AdoptedTable, error) {
	all, err := svc.Status(ctx)
	if err != nil {
		return record.AdoptedTable{}, err
	}
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
	}
	_, err = svc.Table(name)
	return record.AdoptedTable{}, fmt.Errorf("status: %w", err)
}
