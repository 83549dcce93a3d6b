package postgres

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/record"
)

// storetest tries the tables that a backup holds; these are the others.
func TestAProcessCannotWriteWithoutATable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, table := range slices.Sorted(maps.Keys(columns)) {
		if slices.ContainsFunc(record.Tables(), func(of record.Table) bool { return of.Name == table }) {
			continue
		}
		f.exec("ALTER TABLE curfew." + table + " RENAME TO gone")
		if err := f.store.RecordHeartbeat(f.Context(), "one", time.Minute); curfew.KindOf(err) != curfew.Unavailable {
			f.Errorf("without the table %s it answers: %v", table, err)
		}
		f.exec("ALTER TABLE curfew.gone RENAME TO " + table)
	}
	f.must(f.store.RecordHeartbeat(f.Context(), "one", time.Minute))
}

// A trigger that refuses every event refuses every change.
func TestAProcessCannotWriteWhereEventsAreRefused(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no events today'; END $$`)
	f.exec(`CREATE TRIGGER refuse BEFORE INSERT ON curfew.events FOR EACH ROW EXECUTE FUNCTION refuse()`)
	if err := f.store.RecordHeartbeat(f.Context(), "one", time.Minute); err == nil || !strings.Contains(err.Error(), "no events today") {
		f.Errorf("it answers: %v", err)
	}
	f.exec(`DROP TRIGGER refuse ON curfew.events`)
	f.must(f.store.RecordHeartbeat(f.Context(), "one", time.Minute))
	if left := f.only(`SELECT count(*) FROM curfew.events`); left != "0" {
		f.Errorf("%s events are left", left)
	}
}
