package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/curfewhq/curfew"
	"github.com/curfewhq/curfew/api"
	"github.com/curfewhq/curfew/internal/config"
	"github.com/curfewhq/curfew/internal/pgtest"
	"github.com/curfewhq/curfew/internal/storetest/stores"
	"github.com/curfewhq/curfew/internal/timeline"
	"github.com/curfewhq/curfew/lifecycle"
)

const interruptedSessions = 300

// interruptible is a database with a cleanup of many sessions to undo.
type interruptible struct {
	*testing.T
	dir, url string
	db       database
	keeper   *lifecycle.Keeper
	run      curfew.Run
}

// An undo that is interrupted is recorded as that, with what it did, and the rest can be undone. The
// cleanup happens once for each store, and each test has a copy.
func TestAnUndoIsInterrupted(t *testing.T) {
	t.Parallel()
	for name, cleanedUp := range map[string]func(*testing.T) func(*interruptible){"sqlite": cleanedUpFile, "postgres": cleanedUpDatabase} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fill := cleanedUp(t)
			for sentence, test := range map[string]func(*interruptible){
				"the service is killed":      killedInTheMiddle,
				"the service stops":          stoppedInTheMiddle,
				"the command is interrupted": interruptedInTheMiddle,
			} {
				if testing.Short() && name == "sqlite" && sentence != "the service is killed" {
					continue // the job that goes on is the same
				}
				t.Run(sentence, func(t *testing.T) {
					t.Parallel()
					i := &interruptible{T: t, dir: t.TempDir()}
					fill(i)
					i.open(i.url)
					runs, err := i.keeper.Cleanups.Runs(t.Context(), curfew.Cursor{}, 1)
					if err != nil || runs[0].Stats.OldWaitingSessions != interruptedSessions {
						t.Fatalf("%+v: %v", runs, err)
					}
					i.run = runs[0]
					test(i)
				})
			}
		})
	}
}

func cleanedUpFile(t *testing.T) func(*interruptible) {
	t.Helper()
	i := &interruptible{T: t, dir: t.TempDir()}
	i.cleanUp("sqlite:curfew.db")
	original, err := os.ReadFile(filepath.Join(i.dir, "curfew.db"))
	if err != nil {
		t.Fatal(err)
	}
	return func(i *interruptible) {
		i.url = "sqlite:curfew.db"
		if err := os.WriteFile(filepath.Join(i.dir, "curfew.db"), original, 0o600); err != nil {
			i.Fatal(err)
		}
	}
}

func cleanedUpDatabase(t *testing.T) func(*interruptible) {
	t.Helper()
	needPostgres(t)
	original := stores.PostgresMigrated(t)
	i := &interruptible{T: t, dir: t.TempDir()}
	i.cleanUp(original)
	return func(i *interruptible) { i.url = pgtest.Copy(i, original) }
}

func (i *interruptible) open(url string) {
	i.Helper()
	if path, ok := config.DatabaseURL(url).File(); ok {
		url = "sqlite:" + i.dir + "/" + path
	}
	s := &settings{config.Settings{DatabaseURL: config.DatabaseURL(url)}}
	db, err := s.connect(i.Context(), true)
	if err != nil {
		i.Fatal(err)
	}
	i.db = db
	i.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(i.Context()); err != nil {
		i.Fatal(err)
	}
	if i.keeper, err = lifecycle.New(db, lifecycle.Options{SweeperOff: true}); err != nil {
		i.Fatal(err)
	}
}

// cleanUp ends all sessions of a run, early, in a new database, and closes that.
func (i *interruptible) cleanUp(url string) {
	i.Helper()
	i.open(url)
	admin := curfew.Actor{Role: curfew.Admin, ID: "anna"}
	for n := range interruptedSessions {
		if _, err := i.keeper.Admission.FulfillCheckout(i.Context(), curfew.Actor{Role: curfew.Service, ID: "shop"}, lifecycle.Purchase{
			PaymentRef: fmt.Sprint("p", n), CustomerID: fmt.Sprint("c", n), Plan: "chat10",
		}); err != nil {
			i.Fatal(err)
		}
	}
	run, err := i.keeper.Cleanups.RunCleanup(i.Context(), lifecycle.Cleanup{MaxAge: time.Microsecond, Reason: "the shop closes", Actor: admin, Trigger: curfew.ByCommand})
	if err != nil || run.Stats.OldWaitingSessions != interruptedSessions {
		i.Fatalf("%+v: %v", run, err)
	}
	if err := i.db.Close(); err != nil {
		i.Fatal(err)
	}
}

// undo is the newest undo, once it has revived somebody.
func (i *interruptible) undo() curfew.Run {
	i.Helper()
	for deadline := time.Now().Add(readyIn); ; <-time.After(time.Millisecond) {
		runs, err := i.keeper.Cleanups.Runs(i.Context(), curfew.Cursor{}, 1)
		if err != nil {
			i.Fatal(err)
		}
		if runs[0].Undoes == i.run.ID && runs[0].Stats.Revived > 0 {
			return runs[0]
		}
		if time.Now().After(deadline) {
			i.Fatalf("no undo revives anybody: %+v", runs[0])
		}
	}
}

// truthful waits for how the undo is recorded once it has been interrupted, and holds
// it against the rows.
func (i *interruptible) truthful(id string) curfew.Run {
	i.Helper()
	var run curfew.Run
	for deadline := time.Now().Add(readyIn); run.Outcome != curfew.RunInterrupted; <-time.After(50 * time.Millisecond) {
		var err error
		if run, err = i.db.Run(i.Context(), id); err != nil {
			i.Fatal(err)
		}
		if time.Now().After(deadline) {
			i.Fatalf("the undo is recorded as %+v", run)
		}
	}
	found, err := timeline.New(i.db, i.keeper.Rules).Explain(i.Context(), id, curfew.Cursor{})
	if err != nil || !strings.Contains(found.Summary, "was interrupted") {
		i.Errorf("explain says %q (%v)", found.Summary, err)
	}
	waiting := 0
	for n := range interruptedSessions {
		open, err := i.keeper.Sessions.Unended(i.Context(), fmt.Sprint("c", n))
		if err != nil {
			i.Fatal(err)
		}
		waiting += len(open)
	}
	if run.Stats.Revived != waiting || waiting == 0 || waiting == interruptedSessions {
		i.Errorf("the undo says that it revived %d sessions, and %d wait", run.Stats.Revived, waiting)
	}
	i.Logf("interrupted after %d of %d", waiting, interruptedSessions)
	return run
}

// whole undoes the rest.
func (i *interruptible) whole() {
	i.Helper()
	undone, err := i.keeper.Cleanups.Undo(i.Context(), lifecycle.Undo{RunID: i.run.ID})
	if err != nil || len(undone.Revived) != interruptedSessions {
		i.Errorf("undone again: %d (%v)", len(undone.Revived), err)
	}
}

func killedInTheMiddle(i *interruptible) {
	i.Helper()
	p := serving(i.T, i.dir, []string{"CURFEW_DATABASE_URL=" + i.url, "CURFEW_SWEEPER=off"}, "--auth-key-file=curfew.key")
	client := p.client(i.T, i.dir, "admin", "anna")
	go func() { _, _ = client.UndoRun(context.WithoutCancel(i.Context()), i.run.ID, api.Undo{}) }()
	undo := i.undo()
	p.kill()
	if run := i.truthful(undo.ID); run.Error != curfew.RunDied {
		i.Error(run.Error)
	}
	i.carriedOn(undo.ID)
}

// carriedOn starts another service, which ends the job whole: under the same run, and with each session once.
func (i *interruptible) carriedOn(undoID string) {
	i.Helper()
	p := serving(i.T, i.dir, []string{"CURFEW_DATABASE_URL=" + i.url, "CURFEW_SWEEPER=off"}, "--auth-key-file=curfew.key")
	client := p.client(i.T, i.dir, "admin", "otto")
	var job api.Job
	until(i.Context(), i.T, "another process ends the job", func() bool {
		all, err := client.Jobs(i.Context(), api.Page{Limit: 1})
		if err != nil || len(all.Jobs) != 1 {
			i.Fatalf("the jobs are %+v: %v", all, err)
		}
		job = all.Jobs[0]
		return job.State != "running"
	})
	run, err := i.db.Run(i.Context(), undoID)
	if err != nil || run.Outcome != curfew.RunSucceeded || run.Stats.Revived != interruptedSessions || run.Actor.ID != "anna" {
		i.Errorf("the run is %+v (%v)", run, err)
	}
	if job.State != "succeeded" || job.RunID != undoID || job.Done != interruptedSessions || job.Actor != "admin:anna" {
		i.Errorf("the job is %+v", job)
	}
	for n := range interruptedSessions {
		all, err := i.db.SessionsOf(i.Context(), fmt.Sprint("c", n), 9)
		if err != nil || len(all) != 2 || all[0].Revives != all[1].ID {
			i.Fatalf("c%d has %+v (%v)", n, all, err)
		}
	}
	i.whole()
}

func stoppedInTheMiddle(i *interruptible) {
	i.Helper()
	p := serving(i.T, i.dir, []string{"CURFEW_DATABASE_URL=" + i.url, "CURFEW_SWEEPER=off"}, "--auth-key-file=curfew.key")
	client := p.client(i.T, i.dir, "admin", "anna")
	go func() { _, _ = client.UndoRun(context.WithoutCancel(i.Context()), i.run.ID, api.Undo{}) }()
	undo := i.undo()
	if err := p.end(syscall.SIGTERM); err != nil {
		i.Errorf("%v: %s", err, p.stderr())
	}
	run, err := i.db.Run(i.Context(), undo.ID)
	if err != nil || run.Outcome != curfew.RunSucceeded && run.Outcome != curfew.RunInterrupted || strings.Contains(run.Error, "context") {
		i.Errorf("it is recorded as %+v (%v)", run, err)
	}
	i.carriedOn(undo.ID)
}

func interruptedInTheMiddle(i *interruptible) {
	i.Helper()
	cmd := exec.Command("curfew", "undo", i.run.ID, "--database-url", i.url)
	var said strings.Builder
	cmd.Dir, cmd.Env, cmd.Stderr, cmd.Stdout = i.dir, withoutSettings(cmd.Environ()), &said, &said
	if err := cmd.Start(); err != nil {
		i.Fatal(err)
	}
	undo := i.undo()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		i.Fatal(err)
	}
	_ = cmd.Wait()
	run := i.truthful(undo.ID)
	left := fmt.Sprintf("%d sessions left: the same command goes on.", interruptedSessions-run.Stats.Revived)
	if cmd.ProcessState.ExitCode() != exitFailed || !strings.Contains(said.String(), left) || !strings.Contains(said.String(), "stopped before the end") {
		i.Errorf("it exits with %d and says\n%s", cmd.ProcessState.ExitCode(), said.String())
	}
	i.whole()
}
