package main

import (
	"context"
	"fmt"

	"github.com/curfewhq/curfew/internal/backup"
)

// save writes the backup, if a folder is given.
func (p *preflight) save(ctx context.Context, db database, dir string, term terminal) {
	if dir == "" {
		return
	}
	if p.newer {
		p.add(checkup{Check: "backup", Text: "the schema has columns that this release does not know", Fix: "write it with the newer release's program"})
		return
	}
	applied, err := db.Migrations(ctx)
	if err != nil {
		p.failed("backup", err, "")
		return
	}
	bar := newProgress(term, "saving rows")
	m, err := backup.Write(ctx, dir, db, backup.Options{Version: version(), Schema: applied[len(applied)-1].Number, Saved: bar.add})
	bar.finish()
	if err != nil {
		p.failed("backup", err, "name a folder with room in --backup, which is not there yet")
		return
	}
	p.Backup = &m
	line := checkup{Check: "backup", OK: true, Text: plural(m.Rows(), "row") + " in " + dir + " (`curfew restore` brings them back)"}
	for _, f := range m.Tables {
		if f.Rows > 0 {
			line.Detail = append(line.Detail, fmt.Sprintf("%d in %s", f.Rows, f.Name))
		}
	}
	p.add(line)
}
