package main

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/curfewhq/curfew/internal/audit"
	"github.com/curfewhq/curfew/internal/record"
	"github.com/curfewhq/curfew/internal/wire"
)

// auditCommand reads the audit log.
type auditCommand struct {
	List   listAudit   `cmd:"" help:"List what staff did and looked at, newest first."`
	Export exportAudit `cmd:"" help:"Print all of it, oldest first, as JSON lines or CSV."`
}

// auditPage is how many entries are read at once.
const auditPage = 500

// auditFilter chooses entries.
type auditFilter struct {
	Actor   string `placeholder:"ROLE:ID" help:"Only what this actor did: admin:mara."`
	Subject string `placeholder:"CUSTOMER" help:"Only what is about this customer."`
	Action  string `placeholder:"NAME" help:"Only this action: explain, refundCheckout, page:customer."`
	Since   string `placeholder:"TIME" help:"Only what happened from then on: 2026-12-24T10:00:00Z, or a time before now: 24h."`
}

func (f auditFilter) search(limit int) (record.AuditSearch, error) {
	q := record.AuditSearch{Actor: f.Actor, Customer: f.Subject, Action: f.Action, Limit: limit}
	if f.Since == "" {
		return q, nil
	}
	if ago, err := time.ParseDuration(f.Since); err == nil && ago > 0 {
		q.Since = time.Now().Add(-ago)
		return q, nil
	}
	at, err := time.Parse(time.RFC3339, f.Since)
	if err != nil {
		return q, usagef("--since %q is neither a time with a zone, such as 2026-12-24T10:00:00Z, nor a time before now, such as 24h", f.Since)
	}
	q.Since = at
	return q, nil
}

type listAudit struct {
	auditFilter
	Limit int  `default:"50" help:"List at most this many."`
	JSON  bool `help:"Print JSON, like GET /api/audit."`
}

// Run lists the newest entries.
func (c *listAudit) Run(ctx context.Context, s *settings, term terminal) error {
	if c.Limit < 1 {
		return usagef("--limit must be at least 1, not %d", c.Limit)
	}
	search, err := c.search(c.Limit + 1)
	if err != nil {
		return err
	}
	return s.withDatabase(ctx, func(db database) error {
		about(ctx, c.Subject, "", "")
		found, err := db.AuditEntries(ctx, search)
		if err != nil {
			return err
		}
		if c.JSON {
			return term.json(wire.AuditEntries(found, c.Limit))
		}
		printAudit(term, found[:min(len(found), c.Limit)])
		return nil
	})
}

func printAudit(term terminal, all []record.AuditEntry) {
	if len(all) == 0 {
		term.printf("None.\n")
		return
	}
	rows := [][]string{{"NUMBER", "WHEN", "WHO", "WHAT", "BY", "STATUS", "CUSTOMER", "ABOUT"}}
	for _, e := range all {
		a := wire.Audit(e)
		customer := a.Subject
		if a.Erased {
			customer = "(erased)"
		}
		status := ""
		if a.Status != 0 {
			status = strconv.Itoa(a.Status)
		}
		rows = append(rows, []string{
			strconv.FormatInt(a.Number, 10), a.At.Format("2006-01-02 15:04:05"), oneLine(a.Actor), a.Action, a.Via, status, oneLine(customer),
			oneLine(joined(a.Object, a.Detail)),
		})
	}
	columns(term.out, rows...)
}

// joined joins two texts with a space, or returns the one that is not empty.
func joined(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + " " + b
}

type exportAudit struct {
	auditFilter
	Format string `enum:"jsonl,csv" default:"jsonl" help:"jsonl: a JSON object on each line. csv: for spreadsheets."`
}

// Run prints every entry that matches, oldest first.
func (c *exportAudit) Run(ctx context.Context, s *settings, term terminal) error {
	search, err := c.search(auditPage)
	if err != nil {
		return err
	}
	search.Oldest = true
	return s.withDatabase(ctx, func(db database) error {
		about(ctx, c.Subject, "", "")
		read := func(after int64) ([]record.AuditEntry, error) {
			search.After = after
			return db.AuditEntries(ctx, search)
		}
		if c.Format == "csv" {
			return wire.WriteAuditCSV(term.out, read)
		}
		return writeAuditLines(term, read)
	})
}

func writeAuditLines(term terminal, read func(after int64) ([]record.AuditEntry, error)) error {
	lines := json.NewEncoder(term.out)
	for after := int64(0); ; {
		all, err := read(after)
		if err != nil || len(all) == 0 {
			return err
		}
		for _, e := range all {
			if err := lines.Encode(wire.Audit(e)); err != nil {
				return err
			}
			after = e.Number
		}
	}
}

// auditLog returns the audit log of this process.
func (s *settings) auditLog(db database, o audit.Options) *audit.Log {
	o.Store, o.Keep = db, time.Duration(s.Audit.Keep)
	return audit.New(o)
}
