// Curfew is the command that runs the service and that operators use. Only this package reads the environment, opens
// databases and exits the process. Decisions about sessions are made in package lifecycle.
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
	"strings"
	_ "time/tzdata" // tables that are adopted can be in any time zone, and an image of this program alone has none

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

	ShowVersion versionFlag `name:"version" help:"Print the version."`

	Serve       serveCommand       `cmd:"" help:"Run the service: API, pages, sweeper. Creates and migrates a SQLite file by itself."`
	Demo        demoCommand        `cmd:"" help:"Run a simulated marketplace in fast motion, on a temporary database."`
	Check       checkCommand       `cmd:"" help:"Show whether a customer is blocked, by what, and until when. Exit 0: clear, 3: blocked."`
	Explain     explainCommand     `cmd:"" help:"Show the timeline of a customer, session, payment or run."`
	Customer    customerCommand    `cmd:"" help:"Export what is held of a customer, or erase what is personal in it."`
	Retention   retentionCommand   `cmd:"" help:"Erase what was kept as long as retention.texts and retention.customers say, or count it."`
	Mechanic    mechanicCommand    `cmd:"" help:"Show what keeps a mechanic busy, and how often they accepted a session and did not come."`
	Prolong     prolongCommand     `cmd:"" help:"Move the deadline of a session that waits or is live, with a reason."`
	Cleanup     cleanupCommand     `cmd:"" help:"Clean up now, or preview that."`
	Undo        undoCommand        `cmd:"" help:"${undo}"`
	Health      healthCommand      `cmd:"" help:"Print the health report. Exit 0: healthy, 1: issues, 2: cannot tell."`
	Acknowledge acknowledgeCommand `cmd:"" help:"Acknowledge a health finding for a time, or withdraw that."`
	Ready       readyCommand       `cmd:"" help:"Show whether the service on this machine is ready, for health checks. Exit 0: ready, 1: not."`
	Checkouts   checkoutsCommand   `cmd:"" help:"List and resolve payments."`
	Books       booksCommand       `cmd:"" help:"Print the books of a month as CSV: what was captured, refunded, lost, and what is open, by currency."`
	Reconcile   reconcileCommand   `cmd:"" help:"Compare the payments with the provider's, and record missing ones. Exit 0: no differences, 1: differences."`
	Webhooks    webhooksCommand    `cmd:"" help:"Manage the endpoints that events are sent to."`
	Deliveries  deliveriesCommand  `cmd:"" help:"List deliveries of events, and send them again."`
	Mail        mailCommand        `cmd:"" help:"Send a sample of the mails to customers."`
	Adopt       adoptCommand       `cmd:"" help:"Keep sessions in tables that your own programs write."`
	Migrate     migrateCommand     `cmd:"" help:"Migrate the database's schema."`
	Roles       rolesCommand       `cmd:"" help:"Print the SQL of the database roles, their rights and their policies, on PostgreSQL."`
	Preflight   preflightCommand   `cmd:"" help:"Run the checks before a deployment, and write a backup. Exit 1 if any check fails."`
	Doctor      doctorCommand      `cmd:"" help:"Print what a supporter would ask for, on one page: versions, settings, checks, last errors. No secrets, and nobody's name."`
	Restore     restoreCommand     `cmd:"" help:"Restore a backup into an empty database of either kind."`
	Token       tokenCommand       `cmd:"" help:"Print a token signed with the local key, or inspect one."`
	Keys        keysCommand        `cmd:"" help:"Manage the API keys with which services call."`
	Login       loginCommand       `cmd:"" help:"Print a one-time link that signs a browser in."`
	Logins      loginsCommand      `cmd:"" help:"List the browsers that are signed in, and sign them out."`
	OpenAPI     openapiCommand     `cmd:"" name:"openapi" help:"Print the description of the HTTP API (OpenAPI 3.1), for generators of clients. Needs no database."`
	Jobs        jobsCommand        `cmd:"" help:"Look at the jobs of the service, and stop them."`
	Approvals   approvalsCommand   `cmd:"" help:"Approve or reject what another person asked for."`
	Audit       auditCommand       `cmd:"" help:"List or export what staff did and looked at."`
	Verify      verifyCommand      `cmd:"" help:"Verify that the audit log is whole, and name its first broken link. Exit 0: whole, 1: broken."`
	Version     versionCommand     `cmd:"" help:"Print the version, and what it was built from."`
	Completion  completionCommand  `cmd:"" help:"Print the script that completes commands and flags in a shell."`
	Man         manCommand         `cmd:"" help:"Print the manual page: curfew man | man -l -"`
	Help        helpCommand        `cmd:"" help:"Show what there is, or how to use a command."`
}

// run is the whole process, except for its exit.
func run(ctx context.Context, args []string, term terminal) int {
	out := &answer{to: term.out}
	term.out = out
	code := execute(ctx, args, term)
	if out.err != nil && code == 0 {
		return report(term, fmt.Errorf("the output could not be written: %w", out.err))
	}
	return code
}

func execute(ctx context.Context, args []string, term terminal) int {
	if err := checkArgs(args); err != nil {
		return report(term, err)
	}
	var line commandLine
	parser, err := newParser(&line, term)
	if err != nil {
		return report(term, err)
	}
	parsed, err := parser.Parse(helpArgs(args))
	if err != nil {
		return report(term, parseError(err))
	}
	if err := checkParsed(parsed); err != nil {
		return report(term, err)
	}
	ctx = withNote(ctx, wordsOf(parsed.Command()), term)
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(term, parsed.Run(&line.settings, term))
}

func newParser(line *commandLine, term terminal) (*kong.Kong, error) {
	return kong.New(line,
		kong.Name("curfew"),
		kong.Description("The session keeper of a paid live-help marketplace: no customer is ever stuck."),
		kong.Writers(term.out, term.err),
		placeholders(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "settings", Title: config.Title}}),
		kong.ValueFormatter(describe),
		kong.WithBeforeResolve(resolveSettings),
	)
}

// placeholders fills in ${name} in help and defaults: the effect of each action, in the words of
// explain and the pages, and the policy's defaults. kong.Vars would expand every variable again for
// every flag, which took most of the startup time of a command.
func placeholders() kong.Option {
	var pairs []string
	for name, text := range config.Defaults() {
		pairs = append(pairs, "${"+name+"}", text)
	}
	for _, a := range lifecycle.ActionNames() {
		pairs = append(pairs, "${"+string(a)+"}", lifecycle.Describe(a))
	}
	fill := strings.NewReplacer(pairs...)
	return kong.PostBuild(func(k *kong.Kong) error {
		return kong.Visit(k.Model.Node, func(node kong.Visitable, next kong.Next) error {
			switch n := node.(type) {
			case *kong.Node:
				n.Help = fill.Replace(n.Help)
			case *kong.Value:
				n.Help, n.Default = fill.Replace(n.Help), fill.Replace(n.Default)
			}
			return next(nil)
		})
	})
}

// parseError says what is wrong with a command line, and how to get help.
func parseError(err error) error {
	if setting := (*settingError)(nil); errors.As(err, &setting) {
		return usageError{setting}
	}
	return usagef("%w (curfew --help shows what there is)", err)
}
