package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
)

// member is the database's URL for a role of its own, which may do everything
// with Curfew's tables, with settings of its own.
func (f *fixture) member(settings ...string) string {
	f.Helper()
	role := f.role()
	f.exec(`ALTER ROLE ` + role + ` LOGIN`)
	f.exec(`GRANT ALL ON ALL TABLES IN SCHEMA curfew TO ` + role)
	for _, s := range settings {
		f.exec(`ALTER ROLE ` + role + ` SET ` + s)
	}
	there, err := url.Parse(f.url)
	f.must(err)
	there.User = url.User(strings.Trim(role, `"`))
	return there.String()
}

// database gives every new connection to the fixture's database a setting.
func (f *fixture) database(setting string) {
	f.Helper()
	f.exec(fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s', current_database()); END $$`, setting))
}

// A name of other bytes is another customer, who may have a session of their own.
func TestACustomerIsOneInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "WIN1252", "SQL_ASCII", "EUC_JP"} {
		for from, address := range map[string]func(*fixture) string{
			"role":     func(f *fixture) string { return f.member("client_encoding = '" + encoding + "'") },
			"database": func(f *fixture) string { f.database("client_encoding = " + encoding); return f.url },
			"URL":      func(f *fixture) string { return f.url + "&client_encoding=" + encoding },
			"a URL in other letters": func(f *fixture) string {
				return f.url + "&Client_Encoding=" + encoding
			},
			"options": func(f *fixture) string { return f.url + "&options=-c%20client_encoding%3D" + encoding },
		} {
			t.Run(encoding+" from the "+from, func(t *testing.T) {
				t.Parallel()
				f := newFixture(t)
				f.staysOne(open(t, address(f)))
			})
		}
	}
}

func TestACustomerIsOneWhateverTheEnvironmentSays(t *testing.T) {
	t.Setenv("PGCLIENTENCODING", "LATIN1")
	t.Setenv("PGOPTIONS", "-c client_encoding=LATIN1 -c default_transaction_isolation=serializable")
	f := newFixture(t)
	f.staysOne(f.store)
	f.same("isolation", f.only(`SHOW default_transaction_isolation`), "read committed")
}

// staysOne: a store and another one count Zoë as one customer.
func (f *fixture) staysOne(s *Store) {
	f.Helper()
	const zoe = "Zoë"
	admitted, err := s.Admit(f.Context(), admission(zoe))
	f.must(err)
	plain := f.configured(Configure)
	if _, err := plain.Admit(f.Context(), admission(zoe)); !errors.Is(err, curfew.Conflict) {
		f.Errorf("a second session: %v", err)
	}
	st, err := plain.Open(f.Context(), zoe)
	f.must(err)
	f.same("the open session", st.ID, admitted.ID)
	again, err := s.Open(f.Context(), zoe)
	f.must(err)
	f.same("the customer", again.CustomerID, zoe)
	var bytes string
	f.must(plain.pool.QueryRow(f.Context(), `SELECT string_agg(DISTINCT encode(convert_to(customer_id, 'UTF8'), 'hex'), ' ') FROM curfew.sessions`).Scan(&bytes))
	f.same("stored", bytes, fmt.Sprintf("%x", zoe))
}

func TestOpenSetsWhatCurfewReliesOn(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	wrong := map[string][2]string{ // what the database says, and what holds
		"client_encoding":                {"LATIN1", "UTF8"},
		"datestyle":                      {"German", "ISO, MDY"},
		"intervalstyle":                  {"sql_standard", "postgres"},
		"timezone":                       {"Asia/Kathmandu", "UTC"},
		"standard_conforming_strings":    {"off", "on"},
		"bytea_output":                   {"escape", "hex"},
		"extra_float_digits":             {"-3", "1"},
		"default_transaction_isolation":  {"serializable", "read committed"},
		"default_transaction_deferrable": {"on", "off"},
		"search_path":                    {"public, pg_catalog", "pg_catalog"},
		"idle_session_timeout":           {"1s", "0"},
		"statement_timeout":              {"0", "5s"},
		"lock_timeout":                   {"0", "2s"},
		"synchronous_commit":             {"off", "on"},
	}
	for name, value := range wrong {
		f.database(name + " = ''" + value[0] + "''")
	}
	f.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`)
	s := open(t, f.url)
	listener, err := pgx.ConnectConfig(t.Context(), s.pool.Config().ConnConfig) // as that for notifications is
	f.must(err)
	defer listener.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it was only asked
	for name, value := range wrong {
		var got, listening string
		f.must(s.pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got))
		f.must(listener.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&listening))
		f.same(name, []string{got, listening}, []string{value[1], value[1]})
	}
	f.must(s.Verify(t.Context()))
}

// What is a choice is the URL's: a commit may wait for more, or for less.
func TestTheURLMayChoose(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.database("synchronous_commit = remote_apply")
	for query, want := range map[string]string{"": "remote_apply", "&synchronous_commit=off": "off", "&Synchronous_Commit=local": "local"} {
		s := open(t, f.url+query)
		var got string
		f.must(s.pool.QueryRow(t.Context(), `SHOW synchronous_commit`).Scan(&got))
		f.same(query, got, want)
		f.must(s.Verify(t.Context()))
	}
}

func TestAStricterIsolationOfTheRoleChangesNothing(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"serializable", "repeatable read"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			s := open(t, f.member("default_transaction_isolation = '"+isolation+"'"))
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() { f.hammer(s, fmt.Sprint("customer-", i%2)) })
			}
			all.Wait()
		})
	}
}

// hammer admits and ends a customer's sessions, beside others who do.
func (f *fixture) hammer(s *Store, customer string) {
	for range 15 {
		st, err := s.Admit(f.Context(), admission(customer))
		if errors.Is(err, curfew.Conflict) {
			st, err = s.Open(f.Context(), customer)
		}
		if err == nil {
			_, err = s.Change(f.Context(), endChange(st, curfew.Cancelled, curfew.ByRequest))
		}
		if err != nil && !errors.Is(err, curfew.Conflict) && !errors.Is(err, curfew.NotFound) {
			f.Errorf("got error %v", err)
		}
	}
}

// Somebody else's pool is not changed behind their back.
func TestAPoolThatLacksTheSettingsIsRefused(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"client_encoding": "LATIN1", "default_transaction_isolation": "serializable", "standard_conforming_strings": "off",
		"session_replication_role": "replica",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.database(name + " = " + value)
			s := f.configured(func(*pgxpool.Config) {})
			_, err := s.Admit(t.Context(), admission("ada"))
			for what, err := range map[string]error{"verify": s.Verify(t.Context()), "the first use": err} {
				if err == nil || !strings.Contains(err.Error(), name+" is '"+value+"'") || !strings.Contains(err.Error(), "postgres.Configure") {
					t.Errorf("%s: %v", what, err)
				}
			}
			f.same("sessions", f.only(`SELECT count(*) FROM curfew.sessions`), "0")
			if name == "session_replication_role" {
				return // only a superuser could set it, and no connection of Curfew's does
			}
			well := f.configured(Configure)
			f.must(well.Verify(t.Context()))
			_, err = well.Admit(t.Context(), admission("ada"))
			f.must(err)
		})
	}
}

// What switches triggers off switches the guards and the tallies off.
func TestARoleWithoutTriggersIsRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	_, err := Open(t.Context(), f.member("session_replication_role = replica"))
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "session_replication_role") {
		t.Errorf("got error %v", err)
	}
}

func TestACharacterThatTheDatabaseLacksIsTheCallersError(t *testing.T) {
	t.Parallel()
	for encoding, holds := range map[string]string{"LATIN1": "Zoë", "WIN1252": "Zoë €"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			s := open(t, f.encoded(encoding))
			_, err := s.Migrate(t.Context())
			f.must(err)
			_, err = s.Admit(t.Context(), admission(holds))
			f.must(err)
			st, err := s.Open(t.Context(), holds)
			f.must(err)
			f.same("the customer", st.CustomerID, holds)
			a := admission("ada")
			a.Checkout.Name = "Zoë 🚗"
			if _, err := s.Admit(t.Context(), a); !errors.Is(err, curfew.Invalid) {
				t.Errorf("a name that cannot be kept: %v", err)
			}
			if _, err := s.Open(t.Context(), "🚗"); !errors.Is(err, curfew.Invalid) {
				t.Errorf("a customer who cannot be: %v", err)
			}
			facts, err := s.Inspect(t.Context())
			f.must(err)
			onlyProblem(t, facts, "server_encoding", "lacks characters")
		})
	}
}

// encoded is the URL of a new database of an encoding.
func (f *fixture) encoded(encoding string) string {
	f.Helper()
	name := "curfew_test_" + strings.ReplaceAll(newID(), "-", "")
	f.exec(`CREATE DATABASE ` + name + ` ENCODING '` + encoding + `' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
	f.Cleanup(func() {
		if _, err := f.store.pool.Exec(context.WithoutCancel(f.Context()), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			f.Error(err)
		}
	})
	there, err := url.Parse(f.url)
	f.must(err)
	there.Path = "/" + name
	return there.String()
}
