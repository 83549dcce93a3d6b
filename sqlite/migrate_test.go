package sqlite_test

import (
	"testing"

	"github.com/curfewhq/curfew/sqlite"
)

// A file that was made between two commits lacks one migration in the middle.
func TestMigrate_AppliesOneThatWasPassedOver(t *testing.T) {
	t.Parallel()
	s, path := fresh(t)
	db := beside(t, path)
	for _, statement := range []string{
		"DELETE FROM curfew_migrations WHERE version_id = 10", "DROP TABLE unsubscriptions",
	} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	var steps []string
	done, err := s.MigrateWith(t.Context(), func(step string, _ int) { steps = append(steps, step) })
	if err != nil || len(done) != 1 || done[0].Number != 10 || len(steps) != 1 || steps[0] != "applying 00010 unsubscriptions" {
		t.Errorf("it applied %v in the steps %q: %v", done, steps, err)
	}
	if err := opened(t, path, sqlite.Options{}).Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
