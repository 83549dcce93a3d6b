package adopt

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/internal/adopt/mapping"
	"github.com/curfewhq/curfew/internal/storetest/stores"
)

// BenchmarkInsert measures what an INSERT of theirs costs the server, in microseconds of its
// processor time a row: bare, with the trigger that settles, and with all of them.
func BenchmarkInsert(b *testing.B) {
	for kind, rows := range map[string]int{"single": 1, "bulk": 1000} {
		for _, with := range []string{"bare", "settle", "both"} {
			b.Run(kind+"/"+with, func(b *testing.B) { benchmarkInsert(b, with, rows) })
		}
	}
}

func benchmarkInsert(b *testing.B, with string, rows int) {
	url := stores.PostgresMigrated(b)
	pool, err := pgxpool.New(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer pool.Close()
	type executor interface {
		Exec(context.Context, string, ...any) (pgconn.CommandTag, error)
	}
	exec := func(q executor, sql string, args ...any) {
		if _, err := q.Exec(b.Context(), sql, args...); err != nil {
			b.Fatalf("%s: %v", sql, err)
		}
	}
	exec(pool, liveHelp(b))
	if with != "bare" {
		text, err := os.ReadFile(filepath.Join("testdata", "live_help.yaml"))
		if err != nil {
			b.Fatal(err)
		}
		mapped, err := mapping.Parse(text)
		if err != nil {
			b.Fatal(err)
		}
		if err := (table{mapped[0], pool, curfew.DefaultPolicy()}).Enforce(b.Context(), Enforcement{Yes: true}); err != nil {
			b.Fatal(err)
		}
	}
	if with == "settle" {
		for _, tr := range triggers[:len(triggers)-1] {
			exec(pool, `DROP TRIGGER `+tr.name+` ON public.sessions`)
		}
	}
	conn, err := pgx.Connect(b.Context(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context()) //nolint:errcheck // its database is dropped
	insert := func(from int) {
		exec(conn, `INSERT INTO public.sessions (customer_user_id, plan, stripe_session_id, customer_email)
			SELECT md5('buyer ' || i)::uuid, 'chat10', 'cs_live_' || i, 'ada@example.com' FROM generate_series($1::int, $2::int) i`, from, from+rows-1)
	}
	for i := range 200 / rows {
		insert(-(i + 1) * rows)
	}
	before := ticks(b, conn.PgConn().PID())
	b.ResetTimer()
	for i := range b.N {
		insert(i * rows)
	}
	b.StopTimer()
	b.ReportMetric(float64(ticks(b, conn.PgConn().PID())-before)*10_000/float64(b.N*rows), "server-µs/row")
}

// liveHelp is a marketplace's tables, without their rows.
func liveHelp(b *testing.B) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "live_help.sql"))
	if err != nil {
		b.Fatal(err)
	}
	return string(text) + `; TRUNCATE public.sessions CASCADE`
}

// ticks is the processor time of a server's process: utime and stime of proc(5)'s stat, which
// Linux counts in hundredths of a second.
func ticks(b *testing.B, pid uint32) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("the server's processes cannot be seen here")
	}
	fields := strings.Fields(string(text[strings.LastIndex(string(text), ")")+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return user + system
}
