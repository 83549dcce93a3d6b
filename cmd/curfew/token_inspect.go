package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
)

type tokenInspectCommand struct {
	Token string `arg:"" optional:"" help:"The token; if it is left out or is -, it is read from the standard input, where nobody else sees it."`
}

// maxInspected is how much of the standard input is read for a token, in bytes.
const maxInspected = 64 << 10

// Run says whose token it is, as the service would decide with these settings, or why it would be
// refused.
func (c *tokenInspectCommand) Run(ctx context.Context, s *settings, term terminal) error {
	token := c.Token
	if token == "" || token == "-" {
		text, err := io.ReadAll(io.LimitReader(os.Stdin, maxInspected))
		if err != nil {
			return err
		}
		token = string(text)
	}
	token = strings.TrimSpace(token)
	if scheme, rest, ok := strings.Cut(token, " "); ok && strings.EqualFold(scheme, "Bearer") {
		token = strings.TrimSpace(rest)
	}
	if token == "" {
		return usagef("there is no token: give it as an argument, or on the standard input")
	}
	identity, local, err := s.inspecting(ctx)
	if err != nil {
		return err
	}
	return printToken(term, identity.Inspect(token), local)
}

func printToken(term terminal, t auth.Inspection, local bool) error {
	if t.Wrong != nil {
		term.printf("refused: %s\n", t.Wrong)
	} else {
		term.printf("accepted: %s %s\n", t.Actor.Role, t.Actor.ID)
	}
	for _, line := range [][2]string{{"issuer", t.Issuer}, {"algorithm", t.Algorithm}, {"key", t.Key}, {"type", t.Type}, {"id", t.ID}} {
		if line[1] != "" {
			term.printf("  %-10s %q\n", line[0], line[1])
		}
	}
	if !t.Until.IsZero() {
		term.printf("  %-10s %s\n", "until", moment(t.Until, time.Now()))
	}
	if t.Wrong == nil {
		return nil
	}
	if !local {
		term.printf("There is no local key here: whether a token of Curfew's own counts can be told only where the service runs.\n")
	}
	return exitCode(exitFailed)
}

// inspecting returns the identity that authenticates callers, and whether it knows the local key.
// It creates no lasting key.
func (s *settings) inspecting(ctx context.Context) (identity *auth.Identity, local bool, err error) {
	o := s.authentication(nil)
	if _, err := os.Stat(o.KeyFile); o.Key == "" && errors.Is(err, fs.ErrNotExist) {
		dir, err := os.MkdirTemp("", "curfew-key-")
		if err != nil {
			return nil, false, err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // the system clears its temporary files
		o.KeyFile = filepath.Join(dir, "curfew.key")
		identity, err = auth.NewIdentity(ctx, o)
		return identity, false, err
	}
	o.CreateKey = false
	identity, err = auth.NewIdentity(ctx, o)
	return identity, true, err
}
