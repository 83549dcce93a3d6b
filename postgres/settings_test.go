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
func (w *world) member(settings ...string) string {
	w.Helper()
	role := w.role()
	w.exec(`ALTER ROLE ` + role + ` LOGIN`)
	w.exec(`GRANT ALL ON ALL TABLES IN SCHEMA curfew TO ` + role)
	for _, s := range settings {
		w.exec(`ALTER ROLE ` + role + ` SET ` + s)
	}
	there, err := url.Parse(w.url)
	w.must(err)
	there.User = url.User(strings.Trim(role, `"`))
	return there.String()
}

// database gives every new connection to the world's database a setting.
func (w *world) database(setting string) {
	w.Helper()
	w.exec(fmt.Sprintf(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %%I SET %s', current_database()); END $$`, setting))
}

// A name of other bytes is another customer, who may have a session of their own.
func TestACustomerIsOneInEveryEncoding(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"LATIN1", "WIN1252", "SQL_ASCII", "EUC_JP"} {
		for from, address := range map[string]func(*world) string{
			"role":     func(w *world) string { return w.member("client_encoding = '" + encoding + "'") },
			"database": func(w *world) string { w.database("client_encoding = " + encoding); return w.url },
			"URL":      func(w *world) string { return w.url + "&client_encoding=" + encoding },
			"a URL in other letters": func(w *world) string {
				return w.url + "&Client_Encoding=" + encoding
			},
			"options": func(w *world) string { return w.url + "&options=-c%20client_encoding%3D" + encoding },
		} {
			t.Run(encoding+" from the "+from, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.staysOne(open(t, address(w)))
			})
		}
	}
}

func TestACustomerIsOneWhateverTheEnvironmentSays(t *testing.T) {
	t.Setenv("PGCLIENTENCODING", "LATIN1")
	t.Setenv("PGOPTIONS", "-c client_encoding=LATIN1 -c default_transaction_isolation=serializable")
	w := newWorld(t)
	w.staysOne(w.store)
	w.same("isolation", w.only(`SHOW default_transaction_isolation`), "read committed")
}

// staysOne: a store and another one count Zoë as one customer.
func (w *world) staysOne(s *Store) {
	w.Helper()
	const zoe = "Zoë"
	admitted, err := s.Admit(w.Context(), admission(zoe))
	w.must(err)
	plain := w.configured(Configure)
	if _, err := plain.Admit(w.Context(), admission(zoe)); !errors.Is(err, curfew.Conflict) {
		w.Errorf("a second session: %v", err)
	}
	st, err := plain.Open(w.Context(), zoe)
	w.must(err)
	w.same("the open session", st.ID, admitted.ID)
	again, err := s.Open(w.Context(), zoe)
	w.must(err)
	w.same("the customer", again.CustomerID, zoe)
	var bytes string
	w.must(plain.pool.QueryRow(w.Context(), `SELECT string_agg(DISTINCT encode(convert_to(customer_id, 'UTF8'), 'hex'), ' ') FROM curfew.sessions`).Scan(&bytes))
	w.same("stored", bytes, fmt.Sprintf("%x", zoe))
}

func TestOpenSetsWhatCurfewReliesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
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
		w.database(name + " = ''" + value[0] + "''")
	}
	w.exec(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$`)
	s := open(t, w.url)
	listener, err := pgx.ConnectConfig(t.Context(), s.pool.Config().ConnConfig) // as that for notifications is
	w.must(err)
	defer listener.Close(context.WithoutCancel(t.Context())) //nolint:errcheck // it was only asked
	for name, value := range wrong {
		var got, heard string
		w.must(s.pool.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&got))
		w.must(listener.QueryRow(t.Context(), `SELECT current_setting($1)`, name).Scan(&heard))
		w.same(name, []string{got, heard}, []string{value[1], value[1]})
	}
	w.must(s.Verify(t.Context()))
}

// What is a choice is the URL's: a commit may wait for more, or for less.
func TestTheURLMayChoose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.database("synchronous_commit = remote_apply")
	for query, want := range map[string]string{"": "remote_apply", "&synchronous_commit=off": "off", "&Synchronous_Commit=local": "local"} {
		s := open(t, w.url+query)
		var got string
		w.must(s.pool.QueryRow(t.Context(), `SHOW synchronous_commit`).Scan(&got))
		w.same(query, got, want)
		w.must(s.Verify(t.Context()))
	}
}

func TestAStricterIsolationOfTheRoleChangesNothing(t *testing.T) {
	t.Parallel()
	for _, isolation := range []string{"serializable", "repeatable read"} {
		t.Run(isolation, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := open(t, w.member("default_transaction_isolation = '"+isolation+"'"))
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() { w.hammer(s, fmt.Sprint("customer-", i%2)) })
			}
			all.Wait()
		})
	}
}

// hammer admits and ends a customer's sessions, beside others who do.
func (w *world) hammer(s *Store, customer string) {
	for range 15 {
		st, err := s.Admit(w.Context(), admission(customer))
		if errors.Is(err, curfew.Conflict) {
			st, err = s.Open(w.Context(), customer)
		}
		if err == nil {
			_, err = s.Change(w.Context(), ending(st, curfew.Cancelled, curfew.ByRequest))
		}
		if err != nil && !errors.Is(err, curfew.Conflict) && !errors.Is(err, curfew.NotFound) {
			w.Errorf("got error %v", err)
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
			w := newWorld(t)
			w.database(name + " = " + value)
			s := w.configured(func(*pgxpool.Config) {})
			_, err := s.Admit(t.Context(), admission("ada"))
			for what, err := range map[string]error{"verify": s.Verify(t.Context()), "the first use": err} {
				if err == nil || !strings.Contains(err.Error(), name+" is '"+value+"'") || !strings.Contains(err.Error(), "postgres.Configure") {
					t.Errorf("%s: %v", what, err)
				}
			}
			w.same("sessions", w.only(`SELECT count(*) FROM curfew.sessions`), "0")
			if name == "session_replication_role" {
				return // only a superuser could set it, and no connection of Curfew's does
			}
			well := w.configured(Configure)
			w.must(well.Verify(t.Context()))
			_, err = well.Admit(t.Context(), admission("ada"))
			w.must(err)
		})
	}
}

// What switches triggers off switches the guards and the tallies off.
func TestARoleWithoutTriggersIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := Open(t.Context(), w.member("session_replication_role = replica"))
	if !errors.Is(err, curfew.Invalid) || !strings.Contains(err.Error(), "session_replication_role") {
		t.Errorf("got error %v", err)
	}
}

func TestACharacterThatTheDatabaseLacksIsTheCallersError(t *testing.T) {
	t.Parallel()
	for encoding, holds := range map[string]string{"LATIN1": "Zoë", "WIN1252": "Zoë €"} {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := open(t, w.encoded(encoding))
			_, err := s.Migrate(t.Context())
			w.must(err)
			_, err = s.Admit(t.Context(), admission(holds))
			w.must(err)
			st, err := s.Open(t.Context(), holds)
			w.must(err)
			w.same("the customer", st.CustomerID, holds)
			a := admission("ada")
			a.Checkout.Name = "Zoë 🚗"
			if _, err := s.Admit(t.Context(), a); !errors.Is(err, curfew.Invalid) {
				t.Errorf("a name that cannot be kept: %v", err)
			}
			if _, err := s.Open(t.Context(), "🚗"); !errors.Is(err, curfew.Invalid) {
				t.Errorf("a customer who cannot be: %v", err)
			}
			facts, err := s.Inspect(t.Context())
			w.must(err)
			onlyProblem(t, facts, "server_encoding", "lacks characters")
		})
	}
}

// encoded is the URL of a new database of an encoding.
func (w *world) encoded(encoding string) string {
	w.Helper()
	name := "curfew_test_" + strings.ReplaceAll(newID(), "-", "")
	w.exec(`CREATE DATABASE ` + name + ` ENCODING '` + encoding + `' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'`)
	w.Cleanup(func() {
		if _, err := w.store.pool.Exec(context.WithoutCancel(w.Context()), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			w.Error(err)
		}
	})
	there, err := url.Parse(w.url)
	w.must(err)
	there.Path = "/" + name
	return there.String()
}
