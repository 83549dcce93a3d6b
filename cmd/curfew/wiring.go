package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/internal/httpapi"
	"github.com/curfewhq/curfew/internal/notify"
	"github.com/curfewhq/curfew/internal/notify/mail"
	"github.com/curfewhq/curfew/internal/notify/webhook"
	"github.com/curfewhq/curfew/internal/stream"
	"github.com/curfewhq/curfew/internal/stripe"
	"github.com/curfewhq/curfew/lifecycle"
	"github.com/curfewhq/curfew/postgres"
	"github.com/curfewhq/curfew/sqlite"
)

// database is a store, and its schema.
type database interface {
	lifecycle.Store
	notify.Store
	notify.Admin
	webhook.Store
	stream.Store
	mail.Refusals
	schema
	whole
	Ping(ctx context.Context) error
	// replicas is nil if no other process can serve the same database.
	replicas(log *slog.Logger) replicas
	Close() error
}

// schema is what migrate moves and everybody checks.
type schema interface {
	Migrate(ctx context.Context) ([]migration, error)
	// MigrateWith tells each step, and how far it is in percent.
	MigrateWith(ctx context.Context, tell func(step string, percent int)) ([]migration, error)
	Migrations(ctx context.Context) ([]migration, error)
	SetGuards(ctx context.Context, on bool) error
	Verify(ctx context.Context) error
	// Mend counts the tallies anew, completes rows that contradict others where
	// only one completion is right, and returns how many rows it wrote.
	Mend(ctx context.Context) (int64, error)
	// Denied is the statements that grant this role what the service needs and
	// the role lacks.
	Denied(ctx context.Context) ([]string, error)
	// Newer reports whether a later release has migrated the schema.
	Newer(ctx context.Context) (bool, error)
}

// whole is the database taken as one: what preflight looks at and saves, and
// restore fills.
type whole interface {
	backup.Source
	backup.Target
	Inspect(ctx context.Context) ([]curfew.Fact, error)
	Empty(ctx context.Context) (bool, error)
	// Broken is how many rows a check of package invariant finds, and the first.
	Broken(ctx context.Context, sql string) (rows int, first string, err error)
}

// migration is one step of the schema, of either store.
type migration struct {
	Number    int64     `json:"number"`
	Name      string    `json:"name"`
	AppliedAt time.Time `json:"appliedAt,omitzero"` // zero: pending
	SQL       string    `json:"sql,omitempty"`
}

type postgresDatabase struct{ *postgres.Store }

func (d postgresDatabase) Migrate(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrate(ctx))
}

func (d postgresDatabase) MigrateWith(ctx context.Context, tell func(string, int)) ([]migration, error) {
	return migrationsOf(d.Store.MigrateWith(ctx, tell))
}

func (d postgresDatabase) Migrations(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrations(ctx))
}

func (d postgresDatabase) replicas(log *slog.Logger) replicas { return d.Hints(log) }

func (d postgresDatabase) Close() error {
	d.Store.Close()
	return nil
}

type sqliteDatabase struct{ *sqlite.Store }

func (d sqliteDatabase) Migrate(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrate(ctx))
}

func (d sqliteDatabase) MigrateWith(ctx context.Context, tell func(string, int)) ([]migration, error) {
	return migrationsOf(d.Store.MigrateWith(ctx, tell))
}

func (d sqliteDatabase) Migrations(ctx context.Context) ([]migration, error) {
	return migrationsOf(d.Store.Migrations(ctx))
}

// Denied is none: who may write the file may do everything in it.
func (d sqliteDatabase) Denied(context.Context) ([]string, error) { return nil, nil }

func (d sqliteDatabase) replicas(*slog.Logger) replicas { return nil }

func migrationsOf[M postgres.Migration | sqlite.Migration](theirs []M, err error) ([]migration, error) {
	ours := make([]migration, len(theirs))
	for i, m := range theirs {
		ours[i] = migration(m)
	}
	return ours, err
}

// streams is the hub as the server follows it.
type streams struct{ *stream.Hub }

func (s streams) Follow(ctx context.Context, topics []string, since time.Time) (httpapi.Feed, error) {
	subscription, err := s.Hub.Subscribe(ctx, topics, since)
	if err != nil {
		return nil, err
	}
	return subscription, nil
}

// databaseURL names a database: sqlite:PATH or postgres://….
type databaseURL string

func (u *databaseURL) UnmarshalText(text []byte) error {
	scheme, rest, ok := strings.Cut(string(text), ":")
	switch {
	case ok && scheme == "sqlite" && strings.HasPrefix(rest, "//"):
		return fmt.Errorf("write sqlite:PATH, without //: sqlite:%s", strings.TrimLeft(rest, "/"))
	case ok && scheme == "sqlite" && rest != "", scheme == "postgres" || scheme == "postgresql":
		*u = databaseURL(text)
		return nil
	case !ok && strings.HasSuffix(scheme, ".db"):
		return fmt.Errorf("%q names no kind of database: did you mean sqlite:%s?", text, text)
	}
	// It is not repeated: it may hold a password.
	return errors.New("is neither sqlite:PATH nor postgres://USER:PASSWORD@HOST/NAME")
}

// file is the path of a SQLite database; empty and not ok for another.
func (u databaseURL) file() (path string, ok bool) {
	scheme, path, _ := strings.Cut(string(u), ":")
	if scheme != "sqlite" {
		return "", false
	}
	return path, true
}

// String is for people and logs: a PostgreSQL URL without what it may hide.
func (u databaseURL) String() string {
	if _, ok := u.file(); ok {
		return string(u)
	}
	text, _, _ := strings.Cut(string(u), "?")
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}

// connect opens the database as it is. A SQLite file is made only by who may.
func (s *settings) connect(ctx context.Context, mayCreate bool) (database, error) {
	return s.connectTraced(ctx, mayCreate, nil)
}

func (s *settings) connectTraced(ctx context.Context, mayCreate bool, trace curfew.Trace) (database, error) {
	path, ok := s.DatabaseURL.file()
	if !ok {
		store, err := postgres.OpenWith(ctx, string(s.DatabaseURL), postgres.Options{Trace: trace})
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", s.DatabaseURL, err)
		}
		return postgresDatabase{store}, nil
	}
	store, err := sqlite.Open(ctx, path, sqlite.Options{Create: mayCreate, Trace: trace})
	if errors.Is(err, curfew.NotFound) { // most likely it is another folder
		return nil, curfew.Errorf(curfew.NotFound, "there is no database %s: name the one there is with --database-url sqlite:PATH or CURFEW_DATABASE_URL", absolute(path))
	}
	if err != nil {
		return nil, err
	}
	return sqliteDatabase{store}, nil
}

// absolute is a path as it is found from anywhere.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// open connects to a database that must be there, with its schema in order.
func (s *settings) open(ctx context.Context) (database, error) {
	db, err := s.connect(ctx, false)
	if err != nil {
		return nil, err
	}
	return verified(ctx, db)
}

// verified closes a database whose schema is not in order.
func verified(ctx context.Context, db database) (database, error) {
	if err := db.Verify(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// lock keeps a second process from serving or migrating the same SQLite file.
// PostgreSQL needs none: its migrations lock themselves, and replicas are welcome.
func (s *settings) lock() (unlock func() error, err error) {
	if path, ok := s.DatabaseURL.file(); ok {
		return sqlite.Lock(path)
	}
	return func() error { return nil }, nil
}

// engine is the session keeper with the policy of the settings.
func (s *settings) engine(store lifecycle.Store, o lifecycle.Options) (*lifecycle.Engine, error) {
	policy, err := s.policy()
	if err != nil {
		return nil, err
	}
	if _, o.Provider, err = s.payments(); err != nil {
		return nil, err
	}
	o.Policy, o.SweeperOff = &policy, !s.Sweeper.on()
	return lifecycle.New(store, o)
}

// payments is the provider of payments that the settings name: what reads its
// messages, and who asks it; nil for what is not set up.
func (s *settings) payments() (hook httpapi.Hook, provider lifecycle.Provider, err error) {
	if secrets := s.Stripe.WebhookSecret; secrets != nil {
		o := stripe.HookOptions{Secrets: secrets.all, Live: s.Stripe.live(), Account: s.Stripe.Account}
		if hook, err = stripe.NewHook(o); err != nil {
			return nil, nil, asUsage(err)
		}
	}
	if s.Stripe.APIKey == "" {
		return hook, nil, nil
	}
	o := stripe.ClientOptions{APIKey: s.Stripe.APIKey, Account: s.Stripe.Account}
	if base := s.Stripe.APIBase; base != nil {
		o.BaseURL = string(*base)
	}
	if provider, err = stripe.NewClient(o); err != nil {
		return nil, nil, asUsage(err)
	}
	return hook, provider, nil
}

// live is the mode of the messages that count; nil: both do. A key of real money
// implies it, so that no test payment brings a session there.
func (s *stripeSettings) live() *bool {
	counts := mode("both")
	if stripe.LiveKey(s.APIKey) {
		counts = "on"
	}
	if s.Live != nil {
		counts = *s.Live
	}
	if counts == "both" {
		return nil
	}
	live := counts == "on"
	return &live
}

// withEngine opens database and engine for one command and closes them after.
// The engine logs warnings and errors only: a command's answer is its output.
func (s *settings) withEngine(ctx context.Context, term terminal, do func(database, *lifecycle.Engine) error) error {
	return s.withDatabase(ctx, func(db database) error {
		engine, err := s.engine(db, lifecycle.Options{Logger: s.logger(term.err, slog.LevelWarn)})
		if err != nil {
			return err
		}
		return do(db, engine)
	})
}

// withDatabase checks the settings, opens the database for one command and
// closes it after.
func (s *settings) withDatabase(ctx context.Context, do func(database) error) (err error) {
	if _, err := s.policy(); err != nil {
		return err
	}
	db, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}

// logger writes what is at least of the settings' level, and of least.
func (s *settings) logger(to io.Writer, least slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: max(slog.Level(s.LogLevel), least)}
	if s.LogFormat == "json" {
		return slog.New(inContext{slog.NewJSONHandler(to, options)})
	}
	return slog.New(inContext{slog.NewTextHandler(to, options)})
}

// keyFile is where the local signing key lies: beside a SQLite file, otherwise
// where the command runs.
func (s *settings) keyFile() string {
	if s.Auth.KeyFile != "" {
		return s.Auth.KeyFile
	}
	path, _ := s.DatabaseURL.file()
	return filepath.Join(filepath.Dir(path), "curfew.key")
}

// identity is who may prove who they are.
func (s *settings) identity(ctx context.Context, log *slog.Logger) (*httpapi.Identity, error) {
	return httpapi.NewIdentity(ctx, httpapi.AuthOptions{
		KeyFile: s.keyFile(), CreateKey: true, JWTSecret: s.Auth.JWTSecret, JWKSURL: string(s.Auth.JWKSURL),
		Issuer: s.Auth.Issuer, Audience: s.Auth.Audience, RoleClaim: s.Auth.RoleClaim, Logger: log,
	})
}

// keysURL is where another issuer publishes its keys.
type keysURL string

func (u *keysURL) UnmarshalText(text []byte) error {
	if err := httpapi.CheckKeyURL(string(text)); err != nil {
		return err
	}
	*u = keysURL(text)
	return nil
}

// keys asks the key server once, for a command that has no service's memory of
// it; nil: there is none.
func (s *settings) keys(ctx context.Context) (lifecycle.Keys, error) {
	if s.Auth.JWKSURL == "" {
		return nil, nil //nolint:nilnil // nothing is set up, and nothing is wrong
	}
	k, err := httpapi.NewKeyServer(string(s.Auth.JWKSURL), nil)
	if err != nil {
		return nil, err
	}
	_ = k.Fetch(ctx) // its state says what became of it
	return k.State, nil
}

// localIdentity signs with the local key. A new one is made only where a server
// would find it: beside a SQLite file, or where it was named.
func (s *settings) localIdentity(ctx context.Context) (*httpapi.Identity, error) {
	if s.Auth.KeyFile == "" {
		if err := s.serversKey(); err != nil {
			return nil, err
		}
	}
	return httpapi.NewIdentity(ctx, httpapi.AuthOptions{KeyFile: s.keyFile(), CreateKey: true})
}

// serversKey is NotFound where no server would know a key that is made here.
func (s *settings) serversKey() error {
	if path, ok := s.DatabaseURL.file(); ok {
		if _, err := os.Stat(path); err != nil {
			return curfew.Errorf(curfew.NotFound, "there is no database %s, so no server would know a key made here: "+
				"name the server's database with --database-url or CURFEW_DATABASE_URL, or its key with --auth-key-file", path)
		}
		return nil
	}
	if _, err := os.Stat(s.keyFile()); err != nil {
		return curfew.Errorf(curfew.NotFound, "there is no key %s here, so no server would know one made here: "+
			"run this where `curfew serve` runs, or name its key with --auth-key-file or CURFEW_AUTH_KEY_FILE", s.keyFile())
	}
	return nil
}

// publicURL is where people reach API and pages.
func (s *settings) publicURL(listen address) string {
	if s.BaseURL != nil {
		return string(*s.BaseURL)
	}
	return listen.url()
}

// operator is who typed the command, for runs, events and tokens.
func operator() curfew.Actor {
	name := "operator"
	if u, err := user.Current(); err == nil && curfew.CheckID("user", u.Username) == nil {
		name = u.Username
	}
	return curfew.Actor{Role: curfew.Admin, ID: name}
}
