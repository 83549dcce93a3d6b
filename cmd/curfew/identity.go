package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"time"

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

// identity returns the identity that authenticates callers.
func (s *settings) identity(ctx context.Context, log *slog.Logger) (*auth.Identity, error) {
	if err := s.oneKey(); err != nil {
		return nil, err
	}
	o := s.authentication(log)
	_, missing := os.Stat(o.KeyFile)
	identity, err := auth.NewIdentity(ctx, o)
	if _, file := s.DatabaseURL.File(); err == nil && o.Key == "" && errors.Is(missing, fs.ErrNotExist) && !file {
		log.WarnContext(ctx, "made a local signing key, which only this process knows: give every process of this database the same by auth.key "+
			"(CURFEW_AUTH_KEY) or a shared auth.key_file, or tokens and logins count at one of them alone", "file", o.KeyFile)
	}
	return identity, err
}

// authentication returns whose tokens are accepted.
func (s *settings) authentication(log *slog.Logger) auth.Options {
	return auth.Options{
		KeyFile: s.keyFile(), CreateKey: true, Key: s.Auth.Key, MaxTTL: time.Duration(s.Auth.MaxTTL), JWTSecret: s.Auth.JWTSecret, JWKSURL: s.Auth.JWKSURL,
		Issuer: s.Auth.Issuer, Audience: s.Auth.Audience, RoleClaim: s.Auth.RoleClaim, Issuers: s.issuers(), Logger: log,
	}
}

func (s *settings) issuers() []auth.Issuer {
	if s.Auth.Issuers == nil {
		return nil
	}
	all := make([]auth.Issuer, len(s.Auth.Issuers.All))
	for i, one := range s.Auth.Issuers.All {
		all[i] = auth.Issuer(one)
	}
	return all
}

// keys fetches each key server once, for a command without a running service.
func (s *settings) keys(ctx context.Context) (lifecycle.Keys, error) {
	addresses := []string{s.Auth.JWKSURL}
	for _, one := range s.issuers() {
		addresses = append(addresses, one.JWKSURL)
	}
	var all []curfew.KeyFigures
	for _, address := range addresses {
		if address == "" {
			continue
		}
		k, err := auth.NewKeyServer(address, nil)
		if err != nil {
			return nil, err
		}
		_ = k.Fetch(ctx) // the state has the error
		all = append(all, k.State())
	}
	return func() []curfew.KeyFigures { return all }, nil
}

// oneKey rejects two local keys, one of which would be silently ignored.
func (s *settings) oneKey() error {
	if s.Auth.Key != "" && s.Auth.KeyFile != "" {
		return usagef("auth.key and auth.key_file are both given, and there is one local key: leave one of them out")
	}
	return nil
}

// localIdentity signs with the local key. It creates a key only where a server would find it: next
// to a SQLite file, or at a path that was given.
func (s *settings) localIdentity(ctx context.Context) (*auth.Identity, error) {
	if err := s.oneKey(); err != nil {
		return nil, err
	}
	if s.Auth.KeyFile == "" && s.Auth.Key == "" {
		if err := s.serversKey(); err != nil {
			return nil, err
		}
	}
	return auth.NewIdentity(ctx, auth.Options{KeyFile: s.keyFile(), CreateKey: true, Key: s.Auth.Key, MaxTTL: time.Duration(s.Auth.MaxTTL)})
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

// operator returns the actor who runs the command, for runs, events and tokens.
func operator() curfew.Actor {
	name := "operator"
	if u, err := user.Current(); err == nil && curfew.CheckID("user", u.Username) == nil {
		name = u.Username
	}
	return curfew.Actor{Role: curfew.Admin, ID: name}
}
