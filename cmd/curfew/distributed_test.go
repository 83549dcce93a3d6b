package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// TestADistributedDatabaseIsRefused by every command that opens it: Curfew's
// transactions would not be atomic there.
func TestADistributedDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	needPostgres(t)
	db, url := stores.PostgresURL(t)
	db.Exec(t, `CREATE TABLE public.pg_dist_partition (logicalrelid regclass)`)
	db.Exec(t, `INSERT INTO public.pg_dist_partition VALUES ('curfew.sessions')`)
	for _, command := range []string{
		"serve --listen=127.0.0.1:0 --listen-ops=127.0.0.1:0", "migrate", "migrate --status", "preflight", "health", "check ada", "explain ada",
		"cleanup --dry-run", "checkouts list", "reconcile",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "curfew", strings.Fields(command)...)
			cmd.Dir, cmd.Env = t.TempDir(), append(withoutSettings(os.Environ()), "CURFEW_DATABASE_URL="+url)
			said, err := cmd.CombinedOutput()
			if text := string(said); err == nil || !strings.Contains(text, "curfew.sessions are distributed by Citus") ||
				!strings.Contains(text, "undistribute_table") {
				t.Errorf("it ended with %v and said:\n%s", err, text)
			}
		})
	}
}
