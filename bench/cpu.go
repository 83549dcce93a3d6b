package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// tick is the unit of /proc/PID/stat. Linux shows every program 100 a second, whatever it counts in.
const tick = 10 * time.Millisecond

// spent is the processor time of each process: the server's, and under 0 this one. It is empty if
// the server's processes cannot be seen.
type spent map[int]time.Duration

func (db database) spent(ctx context.Context) (spent, error) {
	rows, _ := db.pool.Query(ctx, "SELECT pid FROM pg_stat_activity")
	pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return nil, err
	}
	all := spent{}
	for _, pid := range pids {
		if d, ok := ticked(pid); ok {
			all[pid] = d
		}
	}
	if len(all) > 0 {
		all[0] = own()
	}
	return all, nil
}

// since returns what was spent by the processes that existed before and still do.
func (s spent) since(before spent) time.Duration {
	var all time.Duration
	for pid, d := range s {
		if earlier, ok := before[pid]; ok {
			all += d - earlier
		}
	}
	return all
}

func own() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// ticked reads utime and stime of a PostgreSQL process, the 14th and 15th field of proc(5)'s stat;
// the second one is the program's name, which may contain anything.
func ticked(pid int) (time.Duration, bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil || !strings.Contains(string(text), "(postgres") {
		return 0, false
	}
	fields := strings.Fields(string(text[strings.LastIndex(string(text), ")")+1:]))
	if len(fields) < 13 {
		return 0, false
	}
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	return time.Duration(user+system) * tick, err1 == nil && err2 == nil
}
