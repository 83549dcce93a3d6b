package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/backup"
	"github.com/curfewhq/curfew/lifecycle"
)

type preflightCommand struct {
	Backup string `placeholder:"DIR" help:"Also write a backup into this folder, which is made; curfew restore reads it."`
	JSON   bool   `help:"Print JSON."`
}

// checkup is one line of the page.
type checkup struct {
	Check  string   `json:"check"`
	OK     bool     `json:"ok"`
	Text   string   `json:"text"`
	Fix    string   `json:"fix,omitempty"`    // what to do where it is not
	Detail []string `json:"detail,omitempty"` // what the line is about, one by one
}

// preflight is the page.
type preflight struct {
	OK       bool             `json:"ok"`
	Version  string           `json:"version"`
	Database string           `json:"database"`
	Checks   []checkup        `json:"checks"`
	Settings []effective      `json:"settings"`
	Cleanup  *curfew.Stats    `json:"cleanup"` // what it would change now; null: could not be seen
	Backup   *backup.Manifest `json:"backup,omitempty"`

	newer bool // the schema
}

func (p *preflight) add(c checkup) { p.Checks = append(p.Checks, c) }

// failed is a line about something that could not be looked at.
func (p *preflight) failed(check string, err error, fix string) {
	p.add(checkup{Check: check, Text: oneLine(err.Error()), Fix: fix})
}

// Run goes through the checklist. It changes nothing in the database, and works
// beside a running service.
func (c *preflightCommand) Run(ctx context.Context, s *settings, from *sources, term terminal) (err error) {
	policy, err := s.policy()
	if err != nil {
		return err
	}
	page := &preflight{Version: version(), Database: s.DatabaseURL.String(), Settings: from.inForce(rulesAndThresholds)}
	db, err := s.connect(ctx, false)
	if err != nil {
		page.failed("connection", err, "")
		return c.finish(term, page)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	page.add(checkup{Check: "connection", OK: true, Text: page.Database})
	page.facts(ctx, db)
	page.keys(ctx, s)
	if page.rights(ctx, db) && page.schema(ctx, db) {
		engine, err := lifecycle.New(db, lifecycle.Options{Policy: &policy, SweeperOff: !s.Sweeper.On()})
		if err != nil {
			return err
		}
		page.look(ctx, db, engine)
		page.save(ctx, db, c.Backup, term)
	}
	return c.finish(term, page)
}

func (c *preflightCommand) finish(term terminal, page *preflight) error {
	page.OK = true
	for _, l := range page.Checks {
		page.OK = page.OK && l.OK
	}
	if c.JSON {
		if err := term.json(page); err != nil {
			return err
		}
	} else {
		page.print(term)
	}
	if !page.OK {
		return exitCode(exitFailed)
	}
	return nil
}

// look is everything that needs a schema in order.
func (p *preflight) look(ctx context.Context, db database, engine *lifecycle.Keeper) {
	p.guards(ctx, db)
	p.clock(ctx, db)
	p.rows(ctx, engine)
	p.health(ctx, engine)
	p.rehearse(ctx, engine)
}

// rights reports whether this role may do all that the service does: each is
// tried, and nothing of that stays. A role that owns the tables has them all.
func (p *preflight) rights(ctx context.Context, db database) bool {
	grants, err := db.Denied(ctx)
	switch {
	case err != nil:
		p.failed("rights", err, "")
	case len(grants) > 0:
		p.add(checkup{
			Check: "rights", Text: "this database role lacks rights on " + plural(len(grants), "table"),
			Fix: "as the owner of the tables, run: " + strings.Join(grants, "; "),
		})
	default:
		p.add(checkup{Check: "rights", OK: true, Text: "this role may do all that the service does"})
		return true
	}
	return false
}

// schema reports whether it is in order, so that the rest can be looked at.
func (p *preflight) schema(ctx context.Context, db database) bool {
	err := db.Verify(ctx)
	if err == nil {
		p.newer, err = db.Newer(ctx)
	}
	if err != nil {
		p.failed("schema", err, "")
		return false
	}
	line := checkup{Check: "schema", OK: true, Text: "every migration is applied, nothing is missing"}
	if p.newer {
		line.Text = "of a newer release, which is fine: this one starts on it"
	}
	p.add(line)
	return true
}

func (p *preflight) facts(ctx context.Context, db database) {
	facts, err := db.Inspect(ctx)
	if err != nil {
		p.failed("settings", err, "")
	}
	for _, f := range facts {
		line := checkup{Check: f.Name, OK: f.Problem == "", Text: f.Value, Fix: f.Fix}
		if !line.OK {
			line.Text += ": " + f.Problem
		}
		p.add(line)
	}
}

func (p *preflight) guards(ctx context.Context, db database) {
	missing, err := db.GuardsMissing(ctx)
	switch {
	case err != nil:
		p.failed("guards", err, "")
	case len(missing) > 0:
		p.add(checkup{Check: "guards", Text: plural(len(missing), "guard") + " missing", Detail: missing, Fix: "run `curfew migrate --guards=on`"})
	default:
		p.add(checkup{Check: "guards", OK: true, Text: "in place, or switched off on purpose"})
	}
}

// keys looks whether another issuer's keys can be read from here.
func (p *preflight) keys(ctx context.Context, s *settings) {
	const check = "key server"
	look, err := s.keys(ctx)
	switch {
	case err != nil:
		p.failed(check, err, "")
		return
	case look == nil:
		return
	}
	k := look()
	line := checkup{Check: check, OK: k.Known > 0, Text: k.Host + " publishes " + plural(k.Known, "key")}
	if k.Problem != "" {
		line.Text = k.Host + " cannot be read: " + k.Problem
	}
	if !line.OK {
		line.Fix = "auth.jwks_url must lead from here to a JSON Web Key Set with a key for ES256 or RS256"
	}
	p.add(line)
}

// clock compares this machine's with the database's, which decides.
func (p *preflight) clock(ctx context.Context, db database) {
	asked := time.Now()
	pulse, err := db.Pulse(ctx)
	if err != nil {
		p.failed("clock", err, "")
		return
	}
	off := asked.Add(time.Since(asked) / 2).Sub(pulse.Now).Abs()
	line := checkup{Check: "clock", OK: off <= lifecycle.ClockTolerance, Text: "within a second of the database's"}
	if off > time.Second {
		line.Text = "this machine's is " + lifecycle.Span(off) + " off the database's"
	}
	if !line.OK {
		line.Fix = "timedatectl set-ntp true, here and on the database's machine"
	}
	p.add(line)
}

// examineFor is how long the rows are looked at: some hundred thousand of them.
const examineFor = 20 * time.Second

// rows holds them against each other; health, the next line, names what is
// wrong.
func (p *preflight) rows(ctx context.Context, engine *lifecycle.Keeper) {
	whole, err := engine.Health.ExamineRows(ctx, examineFor)
	switch {
	case err != nil:
		p.failed("rows", err, "")
	case whole:
		p.add(checkup{Check: "rows", OK: true, Text: "all were held against those they belong with"})
	default:
		p.add(checkup{Check: "rows", OK: true, Text: "as many as " + lifecycle.Span(examineFor) + " let were held against those they belong with"})
	}
}

// health stops a deployment for what is critical; a warning is told.
func (p *preflight) health(ctx context.Context, engine *lifecycle.Keeper) {
	r := engine.Health.Report(ctx)
	line := checkup{Check: "health", OK: r.Health != lifecycle.CannotTell, Text: "healthy"}
	for _, f := range r.Findings {
		line.OK = line.OK && f.Severity != lifecycle.Critical
		line.Detail = append(line.Detail, string(f.Severity)+": "+f.Problem)
	}
	if n := len(r.Findings); n > 0 {
		line.Text = plural(n, "issue")
	}
	if !line.OK {
		line.Fix = "`curfew health` says what to do about each"
	}
	p.add(line)
}
