package main

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew/internal/record"
)

// adoption checks that the mapped tables can be read, and that the triggers of enforced ones are in
// place.
func (p *preflight) adoption(ctx context.Context, db database) {
	a := db.adoption()
	if a == nil {
		return
	}
	all, err := a.Status(ctx)
	if err != nil {
		p.failed("adopt", err, "")
		return
	}
	for _, s := range all {
		line := checkup{Check: "adopt " + s.Name, OK: true, Text: s.Relation + ", mode " + s.Mode}
		if s.Mapped && s.Mode != record.AdoptEnforce {
			open, err := a.Read(ctx, s.Name)
			if err != nil {
				p.failed(line.Check, err, "")
				continue
			}
			line.Text += fmt.Sprintf(", can be read: %s open", plural(open, "session"))
		}
		for _, f := range s.Findings {
			line.OK = line.OK && !f.Critical
			line.Detail, line.Fix = append(line.Detail, f.Problem), f.Fix
		}
		if line.OK {
			line.Fix = ""
		}
		p.add(line)
	}
}
