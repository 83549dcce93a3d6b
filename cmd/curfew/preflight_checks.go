package main

import (
	"context"
	"strings"
	"time"

	"github.com/curfewhq/curfew/lifecycle"
)

// rights checks that this role may do everything that the service does. It tries each right without
// leaving a trace. The owner of the tables has all of them.
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

// schema checks the schema. The other checks need it to be valid.
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

// keys checks that the key servers of other issuers can be read from here.
func (p *preflight) keys(ctx context.Context, s *settings) {
	const check = "key server"
	look, err := s.keys(ctx)
	if err != nil {
		p.failed(check, err, "")
		return
	}
	for _, k := range look() {
		line := checkup{Check: check, OK: k.Known > 0, Text: k.Host + " publishes " + plural(k.Known, "key")}
		if k.Problem != "" {
			line.Text = k.Host + " cannot be read: " + k.Problem
		}
		if !line.OK {
			line.Fix = "its address in auth must lead from here to a JSON Web Key Set with a key for ES256, RS256 or EdDSA"
		}
		p.add(line)
	}
}

// clock compares this machine's clock with the database's, which is authoritative.
func (p *preflight) clock(ctx context.Context, db database) {
	asked := time.Now()
	heartbeats, err := db.Heartbeats(ctx)
	if err != nil {
		p.failed("clock", err, "")
		return
	}
	off := asked.Add(time.Since(asked) / 2).Sub(heartbeats.Now).Abs()
	line := checkup{Check: "clock", OK: off <= lifecycle.ClockTolerance, Text: "within a second of the database's"}
	if off > time.Second {
		line.Text = "this machine's is " + lifecycle.Span(off) + " off the database's"
	}
	if !line.OK {
		line.Fix = "timedatectl set-ntp true, here and on the database's machine"
	}
	p.add(line)
}

// examineFor limits the check of the rows. It suffices for some hundred thousand.
const examineFor = 20 * time.Second

// rows compares the rows with each other; health, the next check, reports what is wrong.
func (p *preflight) rows(ctx context.Context, keeper *lifecycle.Keeper) {
	whole, err := keeper.Health.ExamineRows(ctx, examineFor)
	switch {
	case err != nil:
		p.failed("rows", err, "")
	case whole:
		p.add(checkup{Check: "rows", OK: true, Text: "all were compared: health, below, names what contradicts"})
	default:
		p.add(checkup{Check: "rows", OK: true, Text: "as many as " + lifecycle.Span(examineFor) + " let were compared: health, below, names what contradicts"})
	}
}

// health adds the health report. Only critical findings fail the check.
func (p *preflight) health(ctx context.Context, keeper *lifecycle.Keeper) {
	r := keeper.Health.Report(ctx)
	line := checkup{Check: "health", OK: r.Health != lifecycle.Undetermined, Text: "healthy"}
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

// secrets checks that the secrets of webhook endpoints can be read, and are encrypted if there is a
// key.
func (p *preflight) secrets(ctx context.Context, s *settings, db database) {
	const check = "webhook secrets"
	f, err := s.seal().Look(ctx, db)
	sealed := s.Webhooks.Key != nil
	switch {
	case err != nil:
		p.failed(check, err, "")
	case f.Closed > 0:
		p.add(checkup{Check: check, Text: plural(f.Closed, "secret") + " cannot be read, so their endpoints get nothing", Fix: closedFix})
	case sealed && f.Older > 0:
		p.add(checkup{Check: check, Text: plural(f.Older, "secret") + " not encrypted with the first key of webhooks.key", Fix: "run `curfew webhooks seal`"})
	case sealed:
		p.add(checkup{Check: check, OK: true, Text: "encrypted"})
	case f.Older > 0:
		p.add(checkup{Check: check, OK: true, Text: "as they are in the database; webhooks.key would encrypt them"})
	}
}
