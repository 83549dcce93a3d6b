package adopt

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
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
	m := newMarket(b, helpTable)
	if with != "bare" {
		m.enforce(m.adopted(help()))
	}
	if with == "settle" {
		for _, tr := range triggers[:len(triggers)-1] {
			m.exec(`DROP TRIGGER ` + tr.name + ` ON public.help`)
		}
	}
	conn, err := pgx.Connect(b.Context(), m.url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context()) //nolint:errcheck // its database is dropped
	insert := func(from int) {
		if _, err := conn.Exec(b.Context(), `INSERT INTO public.help (customer, plan, minutes)
			SELECT 'customer ' || i, 'chat10', 30 FROM generate_series($1::int, $2::int) i`, from, from+rows-1); err != nil {
			b.Fatal(err)
		}
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
