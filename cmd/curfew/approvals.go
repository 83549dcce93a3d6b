package main

import (
	"context"
	"time"

	"github.com/curfewhq/curfew/internal/approval"
	"github.com/curfewhq/curfew/internal/privacy"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
	"github.com/curfewhq/curfew/lifecycle"
)

// approvalsCommand decides what another person asked for.
type approvalsCommand struct {
	List    listApprovals   `cmd:"" help:"List what waits for a second person."`
	Approve approveApproval `cmd:"" help:"Approve what another person asked for, and carry it out."`
	Reject  rejectApproval  `cmd:"" help:"Reject what another person asked for."`
}

// twoPersons returns what an admin may not do alone.
func (s *settings) twoPersons() approval.Rules {
	r := approval.Rules{LiveEnds: s.Approvals.LiveEnds.On(), Erasures: s.Approvals.Erasures.On(), TTL: time.Duration(s.Approvals.TTL)}
	if s.Approvals.RefundsOver != nil {
		r.RefundsOver = s.Approvals.RefundsOver.ByCurrency
	}
	return r
}

func (s *settings) desk(db database, keeper *lifecycle.Keeper) approval.Desk {
	return approval.Desk{Store: db, Keeper: keeper, Privacy: privacy.Service{Store: db}, Rules: s.twoPersons()}
}

// withDesk opens the database for one command.
func (s *settings) withDesk(ctx context.Context, term terminal, do func(approval.Desk) error) error {
	return s.withKeeper(ctx, term, func(db database, keeper *lifecycle.Keeper) error { return do(s.desk(db, keeper)) })
}

// approvalsListed limits how many approvals are listed.
const approvalsListed = 200

type listApprovals struct {
	All  bool `help:"List what was decided or has expired, too."`
	JSON bool `help:"Print JSON, like GET /api/approvals."`
}

// Run lists the requests for approval.
func (c *listApprovals) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDesk(ctx, term, func(d approval.Desk) error {
		all, err := d.List(ctx, record.ApprovalSearch{Pending: !c.All, Limit: approvalsListed + 1})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return term.json(wire.ApprovalsOf(all, approvalsListed, time.Now()))
		case len(all) == 0:
			term.printf("None.\n")
			return nil
		}
		rows := [][]string{{"APPROVAL", "WHAT", "CUSTOMER", "ASKED BY", "STATE", "UNTIL"}}
		for _, a := range all[:min(len(all), approvalsListed)] {
			rows = append(rows, []string{
				a.ID, oneLine(a.Summary), oneLine(a.CustomerID), oneLine(a.AskedBy.String()), wire.ApprovalOf(a, time.Now()).State, moment(a.ExpiresAt, time.Now()),
			})
		}
		columns(term.out, rows...)
		if len(all) > approvalsListed {
			term.printf("These are the newest %d: GET /api/approvals has all.\n", approvalsListed)
		}
		return nil
	})
}

// oneApproval identifies a request for approval.
type oneApproval struct {
	Approval string `arg:"" help:"Its id, as curfew approvals list prints it."`
}

type approveApproval struct {
	oneApproval
	JSON bool `help:"Print JSON."`
}

// Run approves a request and carries it out.
func (c *approveApproval) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDesk(ctx, term, func(d approval.Desk) error {
		a, err := d.Approve(ctx, operator(), c.Approval)
		return printDecision(ctx, term, a, c.JSON, err)
	})
}

type rejectApproval struct {
	oneApproval
	Reason string `placeholder:"TEXT" help:"Kept with what was asked for."`
	JSON   bool   `help:"Print JSON."`
}

// Run rejects a request.
func (c *rejectApproval) Run(ctx context.Context, s *settings, term terminal) error {
	return s.withDesk(ctx, term, func(d approval.Desk) error {
		a, err := d.Reject(ctx, operator(), c.Approval, c.Reason)
		return printDecision(ctx, term, a, c.JSON, err)
	})
}

func printDecision(ctx context.Context, term terminal, a record.Approval, asJSON bool, err error) error {
	about(ctx, a.CustomerID, a.ID, a.Action)
	switch {
	case err != nil:
		return asUsage(err)
	case asJSON:
		return term.json(wire.ApprovalOf(a, time.Now()))
	}
	term.printf("%s: %s.\n", oneLine(a.Summary), a.State)
	return nil
}

// printAsked says that another person must approve, unless the request itself failed.
func printAsked(ctx context.Context, term terminal, a *record.Approval, err error) error {
	if err != nil {
		return err
	}
	about(ctx, a.CustomerID, a.ID, "asked for approval")
	term.printf("This needs two persons: another one has to approve it until %s, with\n  curfew approvals approve %s\n", moment(a.ExpiresAt, time.Now()), a.ID)
	return nil
}
