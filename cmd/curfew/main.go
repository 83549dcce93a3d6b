// Curfew is the command: it runs the service, and operators type it. Only this package reads the environment,
// opens databases and ends the process. It decides nothing about sessions: package lifecycle does.
//
// Each subcommand has a file of its own. The settings are in package config; settings_read.go reads them from flags, the
// environment and the file. What commands share is wired in database.go, keeper.go, identity.go, payments.go and
// notify.go, and the service that serve runs in service.go.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"

	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/lifecycle"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], terminal{os.Stdout, os.Stderr, watched(os.Stderr)}))
}

// commandLine is everything that can be typed.
type commandLine struct {
	settings `embed:"" group:"settings"`

	Serve       serveCommand       `cmd:"" help:"The service: API, pages, sweeper. Makes and migrates a SQLite file by itself."`
	Demo        demoCommand        `cmd:"" help:"Serve a marketplace in fast motion, on a database that is thrown away."`
	Check       checkCommand       `cmd:"" help:"Is this customer blocked, by what, until when? Exit 0: clear, 3: blocked."`
	Explain     explainCommand     `cmd:"" help:"The whole story of a customer, session, payment or run, in order."`
	Cleanup     cleanupCommand     `cmd:"" help:"One full cleanup now, or a preview of it."`
	Undo        undoCommand        `cmd:"" help:"${undo}"`
	Health      healthCommand      `cmd:"" help:"The health report. Exit 0: healthy, 1: issues, 2: cannot tell."`
	Acknowledge acknowledgeCommand `cmd:"" help:"Say that a finding of health is known, until a moment; or take that back."`
	Ready       readyCommand       `cmd:"" help:"Is the service that runs here ready? For health checks. Exit 0: ready, 1: not."`
	Checkouts   checkoutsCommand   `cmd:"" help:"Payments: what became of them, and what is to."`
	Reconcile   reconcileCommand   `cmd:"" help:"Compare the payments with the provider's, and let in what is missing. Exit 0: alike, 1: differences."`
	Webhooks    webhooksCommand    `cmd:"" help:"Where events are sent: add, test, rotate, enable, disable, remove."`
	Deliveries  deliveriesCommand  `cmd:"" help:"What was sent of events and what is to be; send it again."`
	Mail        mailCommand        `cmd:"" help:"Mails to customers: send a sample."`
	Migrate     migrateCommand     `cmd:"" help:"Bring the database's schema up."`
	Preflight   preflightCommand   `cmd:"" help:"The checklist before a deployment, and a backup. Exit 1 if any line fails."`
	Restore     restoreCommand     `cmd:"" help:"A backup into an empty database, of either kind."`
	Token       tokenCommand       `cmd:"" help:"Print a signed token of the local key."`
	Login       loginCommand       `cmd:"" help:"Print a link that signs an operator's browser in, once."`
	Version     versionCommand     `cmd:"" help:"Print the version."`
}

// run is the whole process but its end.
func run(ctx context.Context, args []string, term terminal) int {
	out := &answer{to: term.out}
	term.out = out
	code := execute(ctx, args, term)
	if out.err != nil && code == 0 {
		return report(term, fmt.Errorf("the answer could not be written: %w", out.err))
	}
	return code
}

func execute(ctx context.Context, args []string, term terminal) int {
	var line commandLine
	parser, err := newParser(&line, term)
	if err != nil {
		return report(term, err)
	}
	if err := checkArgs(args); err != nil {
		return report(term, err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return report(term, parseError(err))
	}
	if err := checkParsed(parsed); err != nil {
		return report(term, err)
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(term, parsed.Run(&line.settings, term))
}

func newParser(line *commandLine, term terminal) (*kong.Kong, error) {
	return kong.New(line,
		kong.Name("curfew"),
		kong.Description("The session keeper of a paid live-help marketplace: no customer is ever stuck."),
		kong.Writers(term.out, term.err),
		consequences(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: config.Title}}),
		kong.ValueFormatter(describe),
		kong.Vars(config.Defaults()),
		kong.WithBeforeResolve(resolveSettings),
	)
}

// consequences gives the help what each action does, in the words of explain and
// the pages.
func consequences() kong.Vars {
	vars := kong.Vars{}
	for _, a := range lifecycle.ActionNames() {
		vars[string(a)] = lifecycle.Describe(a)
	}
	return vars
}

// parseError is what is wrong with a command line, with what to do about it.
func parseError(err error) error {
	if setting := (*settingError)(nil); errors.As(err, &setting) {
		return usageError{setting}
	}
	return usagef("%w (curfew --help shows what there is)", err)
}
