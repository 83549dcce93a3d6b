package main

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/internal/auth"
	"github.com/curfewhq/curfew/internal/wire"
)

// loginsCommand manages signed-in browsers.
type loginsCommand struct {
	List listLogins `cmd:"" help:"List the browsers that are signed in."`
	End  endLogin   `cmd:"" help:"Sign a browser out, or every one. For all of one person: curfew token revoke."`
}

// signIns returns the options for signed-in browsers.
func (s *settings) signIns(db database) auth.SignInOptions {
	return auth.SignInOptions{Store: db, Idle: time.Duration(s.Auth.SigninIdle), Max: time.Duration(s.Auth.SigninMax)}
}

type listLogins struct {
	JSON bool `help:"Print JSON."`
}

// Run lists who is signed in.
func (c *listLogins) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDatabase(ctx, func(db database) error {
		all, err := auth.NewSignIns(s.signIns(db)).List(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return term.json(wire.SignInList(all))
		case len(all) == 0:
			term.printf("None.\n")
			return nil
		}
		now := time.Now()
		rows := [][]string{{"SIGN-IN", "WHO", "SINCE", "LAST USED", "BROWSER"}}
		for _, in := range all {
			rows = append(rows, []string{in.ID, in.Actor.String(), moment(in.CreatedAt, now), moment(in.SeenAt, now), oneLine(in.Browser)})
		}
		columns(term.out, rows...)
		return nil
	})
}

type endLogin struct {
	ID  string `arg:"" optional:"" help:"Its id, as curfew logins list prints it."`
	All bool   `help:"Sign every browser out."`
}

// Run signs browsers out.
func (c *endLogin) Run(ctx context.Context, s *settings, term terminal) error {
	if (c.ID == "") != c.All {
		return usagef("say which to end: either an id, as curfew logins list prints it, or --all")
	}
	return s.withDatabase(ctx, func(db database) error {
		signIns := auth.NewSignIns(s.signIns(db))
		if !c.All {
			if err := signIns.End(ctx, c.ID); err != nil {
				return err
			}
			term.printf("Signed out.\n")
			return nil
		}
		n, err := signIns.EndAll(ctx)
		if err == nil {
			term.printf("Signed out: %s.\n", plural(n, "browser"))
		}
		return err
	})
}
