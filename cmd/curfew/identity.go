package main

import (
	"context"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/lifecycle"
)

// keyFile returns the path of the local signing key: next to a SQLite file, otherwise in the working directory.
func (s *settings) keyFile() string {
	if s.Auth.KeyFile != "" {
		return s.Auth.KeyFile
	}
	path, _ := s.DatabaseURL.File()
	return filepath.Join(filepath.Dir(path), "curfew.key")
}

// identity returns what authenticates callers.
func (s *settings) identity(ctx context.Context, log *slog.Logger) (*auth.Identity, error) {
	return auth.NewIdentity(ctx, auth.Options{
		KeyFile: s.keyFile(), CreateKey: true, JWTSecret: s.Auth.JWTSecret, JWKSURL: s.Auth.JWKSURL,
		Issuer: s.Auth.Issuer, Audience: s.Auth.Audience, RoleClaim: s.Auth.RoleClaim, Logger: log,
	})
}

// keys fetches the key server once, for a command that has no running service. It returns nil if none is set.
func (s *settings) keys(ctx context.Context) (lifecycle.Keys, error) {
	if s.Auth.JWKSURL == "" {
		return nil, nil //nolint:nilnil // none is set, which is no error
	}
	k, err := auth.NewKeyServer(s.Auth.JWKSURL, nil)
	if err != nil {
		return nil, err
	}
	_ = k.Fetch(ctx) // the state has the error
	return k.State, nil
}

// localIdentity signs with the local key. It creates a key only where a server would find it: next to a SQLite file, or
// at a path that was given.
func (s *settings) localIdentity(ctx context.Context) (*auth.Identity, error) {
	if s.Auth.KeyFile == "" {
		if err := s.serversKey(); err != nil {
			return nil, err
		}
	}
	return auth.NewIdentity(ctx, auth.Options{KeyFile: s.keyFile(), CreateKey: true})
}

// serversKey returns NotFound if no server would find a key created here.
func (s *settings) serversKey() error {
	if path, ok := s.DatabaseURL.File(); ok {
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

// operator returns who runs the command, for runs, events and tokens.
func operator() curfew.Actor {
	name := "operator"
	if u, err := user.Current(); err == nil && curfew.CheckID("user", u.Username) == nil {
		name = u.Username
	}
	return curfew.Actor{Role: curfew.Admin, ID: name}
}
